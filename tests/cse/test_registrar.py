"""A CSE registers with its registrar and stays registered, whatever becomes of that."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cse.app import Server
from cse.config import ConfigurationError, Settings
from cse.primitive import Operation, Request
from resources.remote_cse import RemoteCSE
from tests.cse.neighbourhood import Neighbourhood, neighbourhood
from tests.servers import eventually

INTERVAL = 30.0


@pytest.fixture
async def around() -> AsyncIterator[Neighbourhood]:
    async with neighbourhood() as found:
        yield found


def requests_of(around: Neighbourhood, name: str) -> list[tuple[str, str]]:
    """What a server has sent so far: operation and target."""
    return [(request.operation.name, request.to) for _, request in around.lanes[name].sent]


def last(around: Neighbourhood, name: str, operation: Operation) -> Request:
    return [request for _, request in around.lanes[name].sent if request.operation is operation][-1]


async def logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Wait until this is in the log."""
    await eventually(lambda: asyncio.sleep(0), lambda _: text in caplog.text)


async def test_each_has_the_remote_cse_of_the_other(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in")
    there = await around.registered("in", "mn")
    here = await around.registered("mn", "in")
    assert (there["csi"], there["cb"], there["cst"], there["poa"]) == ("/id-mn", "/id-mn/cse-mn", 2, ["lane://mn"])
    assert (there["ri"], there["rn"], there["rr"], there["dcse"]) == ("id-mn", "id-mn", True, [])
    assert (here["csi"], here["cb"], here["cst"], here["poa"]) == ("/id-in", "/id-in/cse-in", 1, ["lane://in"])
    assert requests_of(around, "mn") == [("CREATE", "-"), ("RETRIEVE", "-")]
    assert requests_of(around, "in") == []


async def test_the_registration_is_renewed_before_it_expires(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in", registration_lifetime=40)
    first = await around.registered("in", "mn")
    await around.registered("mn", "in")
    end = around.clock.now() + 3 * INTERVAL
    while around.clock.now() < end:
        await around.clock.advance(1.0)
    renewed = await around.known("in", "mn")
    assert renewed["et"] > first["et"]
    assert renewed["ct"] == first["ct"]
    assert list(last(around, "mn", Operation.UPDATE).content["m2m:csr"]) == ["et"]


async def test_a_registration_that_is_not_renewed_expires(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in", registration_lifetime=40)
    await around.registered("in", "mn")
    await around.registered("mn", "in")
    around.down.add("in")
    await around.clock.advance(41)
    assert await around.known("in", "mn") == {}
    assert (await around.get("mn", "/id-in/cse-in")).status_code == 5103


async def test_a_registrar_that_is_down_is_tried_again_less_and_less_often(
    around: Neighbourhood, caplog: pytest.LogCaptureFixture
) -> None:
    around.down.add("in")
    await around.start("in")
    await around.start("mn", "in")

    async def pauses() -> list[str]:
        await around.clock.advance(1.0)
        return re.findall(r"next attempt in (\d+) seconds", caplog.text)

    tried = await eventually(pauses, lambda found: len(found) == 7)
    assert tried == ["1", "2", "4", "8", "16", "30", "30"]
    assert (await around.get("mn", "cse-mn")).status_code == 2000
    around.down.clear()
    await around.registered("in", "mn", later=True)


async def test_a_registrar_that_has_forgotten_is_told_again(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in")
    await around.registered("in", "mn")
    await around.registered("mn", "in")
    await around.start("in")  # another one, with nothing in it
    assert await around.known("in", "mn") == {}
    assert (await around.registered("in", "mn", later=True))["poa"] == ["lane://mn"]


async def test_a_server_that_has_forgotten_finds_its_registration(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in")
    await around.registered("mn", "in")
    await around.start("mn", "in", points_of_access=["lane://mn", "http://127.0.0.1:9"])
    await around.registered("mn", "in")
    assert (await around.known("in", "mn"))["poa"] == ["lane://mn", "http://127.0.0.1:9"]
    assert requests_of(around, "mn") == [("CREATE", "-"), ("UPDATE", "-/id-mn"), ("RETRIEVE", "-")]


async def test_descendants_are_told_of_as_they_come_and_go(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in")
    await around.registered("mn", "in")
    await around.start("asn", "mn", cse_type="ASN")
    await around.registered("in", "mn", dcse=["/id-asn"])
    await around.introduce("mn", "leaf", "lane://leaf", dcse=["/id-twig"])
    await around.registered("in", "mn", dcse=["/id-asn", "/id-leaf", "/id-twig"])
    await around.ask("mn", Operation.DELETE, "-/id-leaf")
    await around.registered("in", "mn", dcse=["/id-asn"])
    assert (await around.get("in", "/id-asn/cse-asn", "/id-asn")).status_code == 2000


async def test_somebody_else_has_the_name(around: Neighbourhood, caplog: pytest.LogCaptureFixture) -> None:
    await around.start("in")
    await around.create("in", "-", 3, {"m2m:cnt": {"rn": "id-mn"}})
    await around.start("mn", "in")
    await logged(caplog, "it answered with 4103")
    assert await around.known("mn", "in") == {}


@pytest.mark.parametrize("registrar", ["", "other"])
async def test_the_registrar_of_yesterday_is_forgotten(around: Neighbourhood, tmp_path: Path, registrar: str) -> None:
    kept = {"store": f"sqlite:///{tmp_path}/cse.sqlite", "data_folder": str(tmp_path)}
    await around.start("in")
    await around.start("other")
    await around.start("mn", "in", **kept)
    await around.registered("mn", "in")
    await around.start("mn", registrar, **kept)
    if registrar:
        await around.registered("mn", "other")
    await around.clock.advance(1.0)
    assert await around.known("mn", "in") == {}


async def test_what_is_known_of_the_registrar_survives_a_restart(around: Neighbourhood, tmp_path: Path) -> None:
    kept = {"store": f"sqlite:///{tmp_path}/cse.sqlite", "data_folder": str(tmp_path)}
    await around.start("in")
    await around.start("mn", "in", **kept)
    await around.registered("mn", "in")
    around.down.add("in")
    await around.start("mn", "in", **kept)
    assert (await around.get("mn", "/id-in/cse-in")).status_code == 5103
    around.down.clear()

    async def later() -> list[tuple[str, str]]:
        await around.clock.advance(1.0)
        return requests_of(around, "mn")

    await eventually(later, lambda sent: sent[-2:] == [("UPDATE", "-/id-mn"), ("RETRIEVE", "-")])


async def test_something_here_is_in_the_way(around: Neighbourhood, caplog: pytest.LogCaptureFixture) -> None:
    await around.start("in")
    around.down.add("in")
    await around.start("mn", "in")
    await around.create("mn", "-", 3, {"m2m:cnt": {"rn": "id-in"}})
    await logged(caplog, "connection refused")
    around.down.clear()
    await around.registered("in", "mn", later=True)
    await logged(caplog, "cse-mn/id-in is in the way")
    await around.ask("mn", Operation.DELETE, "-/id-in")
    await around.registered("mn", "in", later=True)


async def test_a_server_that_fails_in_an_unforeseen_way_goes_on(
    around: Neighbourhood, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(RemoteCSE, "meet", lambda *_: 1 / 0)
        await around.start("in")
        await around.start("mn", "in")
        await logged(caplog, "division by zero")
    await around.registered("mn", "in", later=True)


def test_an_in_cse_has_no_registrar() -> None:
    with pytest.raises(ConfigurationError, match="an IN-CSE has no registrar"):
        Server(Settings({"server": {"store": "memory:", "cse_type": "IN", "registrar": "http://127.0.0.1:1"}}))
