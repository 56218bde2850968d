"""The command `cse store`."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cse.cli import commands
from cse.storage import check
from cse.storage.places import Place
from cse.store import Transaction
from tests.cse.storage.places import names_in
from tests.cse.store.samples import inserting, resource


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["store", *arguments])


def make(path: Path, *names: str, **attributes: object) -> str:
    """A store with a base and what is below it; its URL."""

    def fill(transaction: Transaction) -> None:
        transaction.resources.insert(resource("cse", 5))
        inserting(*(f"cse/{name}" for name in names), ty=1, **attributes)(transaction)

    async def fill_store() -> None:
        async with place.opened() as store:
            await store.run(fill)
            store.documents("udp").write({"_default": {}})

    place = Place.of(f"sqlite:///{path}", None)
    asyncio.run(fill_store())
    return place.url


def test_a_sound_store(tmp_path: Path) -> None:
    url = make(tmp_path / "cse.sqlite", "a", "b")
    result = run("check", url)
    assert (result.exit_code, result.output) == (0, f"{url} is sound: 3 resources\n")
    result = run("check", url, "--json")
    assert json.loads(result.output) == {"store": url, "rows": {"resources": 3}, "findings": []}


def test_what_is_wrong_is_said_and_told_by_the_exit_code(tmp_path: Path) -> None:
    url = make(tmp_path / "cse.sqlite", "a", pi="gone")
    problem = "its parent gone is missing: put a backup in place of the store"
    result = run("check", url)
    assert (result.exit_code, result.output) == (1, f"cse/a: {problem}\n")
    result = run("check", "--json", url)
    assert result.exit_code == 1
    assert json.loads(result.output)["findings"] == [{"where": "cse/a", "problem": problem}]


def test_there_is_an_end_to_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MOST_FINDINGS", 2)
    monkeypatch.setattr("cse.storage.commands.MOST_FINDINGS", 2)
    result = run("check", make(tmp_path / "cse.sqlite", *"abcd", pi="gone"))
    assert [line.partition(":")[0] for line in result.output.splitlines()] == ["cse/a", "cse/b", "and perhaps more"]


@pytest.mark.parametrize("page", range(1, 12))
def test_a_file_that_is_damaged(page: int, tmp_path: Path) -> None:
    url = make(tmp_path / "cse.sqlite", *map(str, range(200)), con="x" * 100)
    content = bytearray((tmp_path / "cse.sqlite").read_bytes())
    content[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    (tmp_path / "cse.sqlite").write_bytes(content)
    result = run("check", url)
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.output.startswith("files: ")
    assert "put a backup in place of the store" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "memory:"], "memory: is gone when its server stops"),
        (["check", "nonsense"], "store in [server] must be"),
        (["check", "sqlite:///{}/none.sqlite"], "cannot read"),
        (["check", "sqlite:///{}/none.sqlite", "--config", "{}/settings.toml"], "settings.toml"),
        (["backup", "sqlite:///{}/none.sqlite", "{}/new.sqlite"], "cannot read"),
        (["convert", "sqlite:///{}/none.sqlite", "tinydb:///{}/new.json"], "cannot read"),
        (["convert", "sqlite:///{}/none.sqlite", "memory:"], "memory: is gone when its server stops"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[server")
    result = run(*(argument.format(tmp_path) for argument in arguments))
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert sentence in result.output
    assert names_in(tmp_path) == ["settings.toml"]


def test_a_backup_and_a_conversion(tmp_path: Path) -> None:
    url = make(tmp_path / "cse.sqlite", "a", "b")
    file = tmp_path / "monday" / "cse.sqlite"
    result = run("backup", url, str(file))
    where = f"--store sqlite:///{file} --data {file.parent}"
    assert (result.exit_code, result.output) == (0, f"{file} is a backup of {url}: serve it with {where}\n")
    result = run("convert", f"sqlite:///{file}", f"tinydb:///{tmp_path}/new/cse.json")
    assert result.exit_code == 0
    rows = dict(line.split()[1:4:2] for line in result.output.splitlines() if line.startswith("│"))
    assert rows == {"resources": "3", "lists": "0", "alarms": "0", "queues": "0", "campaigns": "0", "effects": "0"}
    assert result.output.endswith("networks remember: udp\n")
    assert names_in(tmp_path / "new" / "networks") == ["udp.json"]
    assert run("check", f"tinydb:///{tmp_path}/new/cse.json").exit_code == 0


def test_data_folders_can_be_named(tmp_path: Path) -> None:
    url = make(tmp_path / "old" / "cse.sqlite")
    target = f"sqlite:///{tmp_path}/new.sqlite"
    result = run("convert", url, target, "--from-data", str(tmp_path / "none"), "--to-data", str(tmp_path / "here"))
    assert result.output.endswith("networks remember: nothing\n")
    result = run("backup", url, str(tmp_path / "copy" / "cse.sqlite"), "--data", str(tmp_path / "none"))
    assert result.exit_code == 0
    assert names_in(tmp_path / "copy") == ["cse.sqlite"]
