"""Backups of stores, beside a server that works with them."""

import asyncio
from pathlib import Path

import pytest

from cse.config import ConfigurationError
from cse.storage.backup import back_up
from cse.storage.places import Place
from cse.storage.transfer import contents
from tests.cse.storage.places import REMEMBERED, everything, filled, kill, names_in, place_of
from tests.cse.store.engines import DURABLE
from tests.cse.store.samples import inserting, paths


def backup_in(folder: Path) -> Place:
    return Place.of(f"sqlite:///{folder}/cse.sqlite", None)


@pytest.mark.parametrize("engine", DURABLE)
async def test_a_backup_has_everything_and_is_a_store(engine: str, tmp_path: Path) -> None:
    source = await filled(place_of(engine, tmp_path / "source"), everything)
    await back_up(source, tmp_path / "monday" / "cse.sqlite")
    assert names_in(tmp_path / "monday") == ["cse.sqlite", "networks"]
    async with source.opened(reads_only=True) as before, backup_in(tmp_path / "monday").opened() as after:
        assert await contents(after) == await contents(before)
        assert await after.check() == []
        assert after.documents("udp").read() == REMEMBERED
        assert await after.run(lambda transaction: transaction.effects.add("note", {})) > 2


@pytest.mark.parametrize("engine", DURABLE)
async def test_units_go_on_during_a_backup_which_is_of_one_moment(engine: str, tmp_path: Path) -> None:
    """What was acknowledged before is in it; of what comes meanwhile, units as a whole and in order."""
    source = place_of(engine, tmp_path / "source")
    file = tmp_path / "backup" / "cse.sqlite"
    async with source.opened() as store:
        for number in range(50):
            await store.run(inserting(f"cse/before-{number}"))
        growing = asyncio.create_task(back_up(source, file))
        written = 0
        while not growing.done():
            await store.run(inserting(f"cse/{written}-first", f"cse/{written}-second"))
            written += 1
        await growing
        assert len(await store.read(paths)) == 50 + 2 * written
    async with backup_in(file.parent).opened(reads_only=True) as copied:
        found = await copied.read(paths)
    copied_units = (len(found) - 50) // 2
    both = [f"cse/{number}-{part}" for number in range(copied_units) for part in ("first", "second")]
    assert found == [f"cse/before-{number}" for number in range(50)] + both


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    file = tmp_path / "cse.sqlite"
    await back_up(source, file)
    before = await asyncio.to_thread(file.read_bytes)
    with pytest.raises(ConfigurationError, match=r"cse\.sqlite exists: give each backup a folder of its own"):
        await back_up(source, file)
    with pytest.raises(ConfigurationError, match="networks exists: give each backup a folder of its own"):
        await back_up(source, tmp_path / "other.sqlite")
    assert await asyncio.to_thread(file.read_bytes) == before
    assert names_in(tmp_path) == ["cse.sqlite", "networks", "source"]


async def test_without_a_store_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        await back_up(place_of("sqlite", tmp_path / "source"), tmp_path / "new" / "cse.sqlite")
    assert names_in(tmp_path) == []


async def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    with pytest.raises(ConfigurationError, match="cannot write"):
        await back_up(source, Path("/proc/backup/cse.sqlite"))


@pytest.mark.parametrize("engine", ["sqlite", "tinydb"])
async def test_what_is_damaged_is_not_backed_up(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy in which something is different is no backup, and leaves nothing behind."""
    source = await filled(place_of(engine, tmp_path / "source"), everything)

    async def damaged(store: object) -> list[str]:
        return ["page 7 is never used"]

    async def empty(store: object) -> list[object]:
        return [content._replace(digest="") for content in found]

    async with source.opened(reads_only=True) as store:
        found = await contents(store)
    monkeypatch.setattr("cse.store.sqlite.engine.SQLiteStore.check", damaged)
    monkeypatch.setattr("cse.storage.convert.contents", empty)
    with pytest.raises(ConfigurationError, match=r"is damaged|does not have the resources"):
        await back_up(source, tmp_path / "backup" / "cse.sqlite")
    assert names_in(tmp_path / "backup") == []


@pytest.mark.parametrize("engine", DURABLE)
@pytest.mark.parametrize("name", ["sync", "_put_in_place", "os.link"])
async def test_a_backup_that_is_killed_leaves_no_file_that_looks_whole(engine: str, name: str, tmp_path: Path) -> None:
    source = await filled(place_of(engine, tmp_path / "source"), everything)
    file = tmp_path / "backup" / "cse.sqlite"
    arguments = ["store", "backup", source.url, str(file), "--data", str(source.data_folder)]
    kill("cse.storage.backup", name, 1, arguments)
    left = names_in(file.parent)
    assert file.name not in left
    assert [name for name in left if name.endswith(".part")]
    await back_up(source, tmp_path / "again" / "cse.sqlite")
    async with source.opened(reads_only=True) as before, backup_in(tmp_path / "again").opened() as after:
        assert await contents(after) == await contents(before)
