"""Stores are converted from any engine into any other."""

import itertools
from pathlib import Path

import pytest

from cse.app import Server
from cse.config import ConfigurationError, Settings
from cse.storage import transfer
from cse.storage.convert import convert
from cse.storage.places import Place
from cse.storage.transfer import contents
from cse.store import Transaction
from tests.cse.storage.places import REMEMBERED, everything, filled, kill, names_in, place_of
from tests.cse.store.engines import DURABLE
from tests.cse.store.samples import paths, resource


@pytest.fixture
def portions_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MOST_ROWS", 3)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(DURABLE, DURABLE)))
@pytest.mark.usefixtures("portions_of_three")
async def test_everything_comes_over(first: str, second: str, tmp_path: Path) -> None:
    source = await filled(place_of(first, tmp_path / "source"), everything)
    target = place_of(second, tmp_path / "target")
    converted = await convert(source, target)
    assert converted.documents == ["udp"]
    rows = {content.table: content.rows for content in converted.tables}
    assert rows == {"resources": 36, "lists": 14, "alarms": 2, "queues": 2, "campaigns": 32, "effects": 1}
    async with source.opened(reads_only=True) as before, target.opened(reads_only=True) as after:
        assert await contents(after) == await contents(before) == converted.tables
        assert await after.read(paths) == await before.read(paths)
        assert after.documents("udp").read() == REMEMBERED
        assert await after.check() == []
    async with target.opened() as store:
        assert await store.run(lambda transaction: transaction.effects.add("note", {})) > 2
        assert await store.read(lambda transaction: transaction.campaigns.last_sequence()) == 9


async def test_large_rows_go_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MOST_BYTES", 1000)

    def large(transaction: Transaction) -> None:
        for number in range(5):
            transaction.resources.insert(resource(f"cse/{number}", con="x" * 2000))

    source = await filled(place_of("sqlite", tmp_path / "source"), large)
    converted = await convert(source, place_of("tinydb", tmp_path / "target"))
    assert converted.tables[0].rows == 5


async def test_both_may_have_one_data_folder(tmp_path: Path) -> None:
    source = await filled(Place.of(f"sqlite:///{tmp_path}/cse.sqlite", None), everything)
    target = Place.of(f"tinydb:///{tmp_path}/cse.json", None)
    assert (await convert(source, target)).documents == ["udp"]


async def test_what_networks_remember_elsewhere_is_left_alone(tmp_path: Path) -> None:
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    target = place_of("sqlite", tmp_path / "target")
    async with target.opened() as store:
        store.documents("udp").write({"other": {}})
    with pytest.raises(ConfigurationError, match="udp already: remove it, or name another folder"):
        await convert(source, target)
    async with target.opened() as store:
        assert store.documents("udp").read() == {"other": {}}
        assert await store.read(paths) == []


@pytest.mark.parametrize("engine", DURABLE)
async def test_a_target_with_something_in_it_is_refused(engine: str, tmp_path: Path) -> None:
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    target = place_of(engine, tmp_path / "target")
    async with target.opened() as store:
        await store.run(lambda transaction: transaction.effects.add("note", {}))
        await store.run(lambda transaction: transaction.effects.remove([1]))
    with pytest.raises(ConfigurationError, match="it is not empty: name a store that does not exist yet"):
        await convert(source, target)


async def test_a_source_that_is_served_is_refused(tmp_path: Path) -> None:
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    async with source.opened() as store:
        with pytest.raises(ConfigurationError, match="another server has it open"):
            await convert(source, place_of("tinydb", tmp_path / "target"))
        assert len(await store.read(paths)) == 35


async def test_without_a_source_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        await convert(place_of("sqlite", tmp_path / "source"), place_of("sqlite", tmp_path / "target"))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("scheme", ["sqlite", "tinydb"])
async def test_source_and_target_must_differ(scheme: str, tmp_path: Path) -> None:
    source = await filled(Place.of(f"sqlite:///{tmp_path}/store", None), everything)
    with pytest.raises(ConfigurationError, match="both source and target"):
        await convert(source, Place.of(f"{scheme}:///{tmp_path}/../{tmp_path.name}/store", None))


def test_memory_is_no_place() -> None:
    with pytest.raises(ConfigurationError, match="memory: is gone"):
        Place.of("memory:", None)


def test_passwords_are_not_shown() -> None:
    place = Place.of("postgresql://cse:secret@127.0.0.1/cse", None)
    assert place.shown == "postgresql://cse@127.0.0.1/cse"
    assert place.data_folder == Path("cse-data")
    assert Place.of("sqlite:///folder/cse.sqlite", None) == ("sqlite:///folder/cse.sqlite", Path("folder"))


@pytest.mark.parametrize("engine", DURABLE)
async def test_a_target_that_does_not_take_a_row_stays_unfinished(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong, in the middle or when both are compared."""
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    target = place_of(engine, tmp_path / "target")
    compared = [content._replace(digest="") for content in await _contents(source)]

    async def changed(store: object) -> object:
        return compared

    monkeypatch.setattr("cse.storage.convert.contents", changed)
    with pytest.raises(ConfigurationError, match="does not have the resources of the source: remove it"):
        await convert(source, target)
    await assert_nobody_uses(source, target)


async def _contents(place: Place) -> list[transfer.Content]:
    async with place.opened(reads_only=True) as store:
        return await contents(store)


async def assert_nobody_uses(source: Place, target: Place) -> None:
    """No server starts with a target that is not whole, nothing is made of it, and nothing is added to it."""
    server = Server(Settings({"server": {"store": target.url, "data_folder": str(target.data_folder)}}))
    with pytest.raises(ConfigurationError, match="a conversion into it has not been finished; remove it"):
        async with server.running():
            pass
    with pytest.raises(ConfigurationError, match="a conversion into it has not been finished"):
        await convert(target, Place.of(f"sqlite:///{source.data_folder}/third.sqlite", None))
    with pytest.raises(ConfigurationError, match="what another conversion has left unfinished is in it"):
        await convert(source, target)


@pytest.mark.parametrize("engine", DURABLE)
@pytest.mark.parametrize(("name", "call"), [("Transfer._put", 4), ("contents", 1), ("end", 1)])
async def test_a_conversion_that_is_killed_is_not_taken_for_a_whole_one(
    engine: str, name: str, call: int, tmp_path: Path
) -> None:
    source = await filled(place_of("sqlite", tmp_path / "source"), everything)
    target = place_of(engine, tmp_path / "target")
    arguments = ["store", "convert", source.url, target.url, "--to-data", str(target.data_folder)]
    kill("cse.storage.convert", name, call, arguments)
    await assert_nobody_uses(source, target)
    again = place_of(engine, tmp_path / "again")
    assert (await convert(source, again)).tables == await _contents(source)
