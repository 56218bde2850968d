"""A file of the previous release goes on as it was; its tables are brought up to date in one step or not at all."""

import asyncio
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cse.config import ConfigurationError
from cse.store import Search, Store, Transaction
from cse.store.opening import open_store
from cse.store.sqlite import migrations
from cse.store.sqlite.schema import VERSION
from tests.cse.store.samples import inserting

# What a server of version 4 had in its file: three AEs, a container with instances and a subscription that collects
# notifications, a group, a campaign; and effects that were still to be carried out.
SQL = Path(__file__).with_name("version4.sql").read_text()
TABLES = ("resource", "alarm", "queued", "campaign", "campaign_member")
FOUND_BY = {"label": "label", "policy": "address"}  # the tables that resources are found by, and what they name
LANES = {
    3: "notification Cmeter2",
    4: "notification http://127.0.0.1:9/inbox",
    5: "group-changed grp0123456789abcdef",
    6: "host-changed None",
    7: "notification Cmeter2",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cse.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(SQL)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def migrate(file: Path) -> None:
    """Take the steps that there are."""
    connection = sqlite3.connect(file, isolation_level=None)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version in migrations.STEPS:
        migrations.migrate(connection, version)
    connection.close()


async def opened(file: Path) -> Store:
    store = open_store(f"sqlite:///{file}", file.parent)
    await store.open()
    return store


def content(file: Path, tables: tuple[str, ...] = TABLES) -> dict[str, list[Any]]:
    """All rows of these tables."""
    connection = sqlite3.connect(file)
    found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}
    connection.close()
    return found


def found_by(file: Path) -> dict[str, list[Any]]:
    """What resources are found by, with the identifiers of these, whatever version the file has."""
    connection = sqlite3.connect(file)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    found = {
        table: connection.execute(
            f"SELECT {name}, ri FROM {table} JOIN resource USING ({'seq' if version > 5 else 'ri'}) ORDER BY 1, 2"
        ).fetchall()
        for table, name in FOUND_BY.items()
    }
    connection.close()
    return found


def definitions(file: Path) -> dict[str, str]:
    """The statements that make every table, index, view and trigger, as far as they differ in more than spaces."""
    connection = sqlite3.connect(file)
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: re.sub(r"\s+|\"", "", sql) for name, sql in found}


async def test_everything_is_there_after_the_migration(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    before, named = content(file), found_by(file)
    store = await opened(file)
    effects = await store.read(lambda transaction: transaction.effects.pending())
    assert {effect.id: effect.lane for effect in effects} == LANES
    assert [effect.kind for effect in effects] == ["notification"] * 2 + [
        "group-changed",
        "host-changed",
        "notification",
    ]
    assert effects[1].document["content"] == {"m2m:sgn": {"vrq": True}}
    await store.close()
    assert content(file) == before
    assert found_by(file) == named
    assert all(named.values())
    assert caplog.messages == [
        f"the tables of the store are brought from version {version} to {version + 1}" for version in range(4, VERSION)
    ]


async def test_what_was_there_can_be_used(file: Path) -> None:
    store = await opened(file)
    labelled = await store.read(lambda transaction: [*transaction.resources.search(Search("cse-in", labels=["meter"]))])
    assert [resource.ri for resource in labelled] == ["Cmeter1", "Cmeter2", "Cmeter3"]
    (group,) = await store.run(lambda transaction: transaction.lists.drop_targets("cse-in/meter2"))
    items = await store.read(lambda transaction: transaction.lists.items(group))
    assert [item for _, item, _ in items] == ["Cmeter1", "Cmeter3"]
    await store.close()


async def test_no_number_is_used_again(file: Path) -> None:
    store = await opened(file)
    assert await store.run(lambda transaction: transaction.effects.add("notification", {})) == 9
    await store.close()


async def test_the_tables_are_those_of_a_new_file(file: Path, tmp_path: Path) -> None:
    for path in (file, tmp_path / "new.sqlite"):
        await (await opened(path)).close()
    assert definitions(file) == definitions(tmp_path / "new.sqlite")


@pytest.mark.parametrize(
    ("version", "steps_done"),
    [(version, done) for version, step in migrations.STEPS.items() for done in range(len(step.statements) + 1)],
)
async def test_an_interrupted_migration_is_made_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, version: int, steps_done: int
) -> None:
    before, named = content(file), found_by(file)
    with monkeypatch.context() as patch:
        patch.delitem(migrations.STEPS, version)
        migrate(file)
    tables = definitions(file)
    with monkeypatch.context() as patch:
        step = migrations.STEPS[version]
        interrupted = step._replace(statements=[*step.statements[:steps_done], "SELECT interrupted"])
        patch.setitem(migrations.STEPS, version, interrupted)
        with pytest.raises(ConfigurationError, match="interrupted"):
            await opened(file)
    assert definitions(file) == tables
    store = await opened(file)
    assert len(await store.read(lambda transaction: transaction.effects.pending())) == len(LANES)
    await store.close()
    assert content(file) == before
    assert found_by(file) == named


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (VERSION + 1, f"version {VERSION + 1}, this release reads up to {VERSION}; start the release that wrote it"),
        (3, "version 3, this release reads 4 and later; start a release in between"),
    ],
)
async def test_other_versions_are_refused_and_kept(file: Path, version: int, sentence: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(ConfigurationError, match=sentence):
        await opened(file)
    assert content(file, ("label",))["label"]


def test_a_reader_does_not_migrate(file: Path) -> None:
    before = file.read_bytes()
    store = open_store(f"sqlite:///{file}", file.parent)
    with pytest.raises(ConfigurationError, match=f"version 4, not {VERSION}; start the server once"):
        asyncio.run(store.open(reads_only=True))
    assert file.read_bytes() == before


async def test_a_resource_that_comes_later_is_found_by_those_who_name_it(file: Path) -> None:
    """The trigger that keeps the paths of targets is there after the migration, too."""

    def name_it(transaction: Transaction) -> None:
        transaction.lists.replace("grp4ef737054d9c2af8", [("cse/new", "cse/new")])

    store = await opened(file)
    await store.run(name_it)
    await store.run(inserting("cse/new"))
    assert await store.run(lambda transaction: transaction.lists.drop_targets("cse")) == ["grp4ef737054d9c2af8"]
    await store.close()
