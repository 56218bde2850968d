"""A CSE registers with its registrar and stays registered, whatever becomes of that."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cse.app import Server
from cse.config import ConfigurationError, Settings
from cse.primitive import Operation, Request
from tests.cse.neighbourhood import Neighbourhood, neighbourhood

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
    for _ in range(3):
        await around.clock.advance(INTERVAL)
    renewed = await around.registered("in", "mn")
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


async def test_a_registrar_that_is_down_is_tried_again_less_and_less_often(around: Neighbourhood) -> None:
    around.down.add("in")
    await around.start("in")
    await around.start("mn", "in")
    times = []
    for _ in range(100):
        await around.clock.advance(1.0)
        times.append(len(around.lanes["mn"].sent))
    growth = [second for second, count in enumerate(times) if count != (times[second - 1] if second else 1)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(growth)]
    assert pauses[:5] == [2, 4, 8, 16, 30]
    assert (await around.get("mn", "cse-mn")).status_code == 2000
    around.down.clear()
    await around.clock.advance(INTERVAL)
    await around.registered("in", "mn")


async def test_a_registrar_that_has_forgotten_is_told_again(around: Neighbourhood) -> None:
    await around.start("in")
    await around.start("mn", "in")
    await around.registered("in", "mn")
    await around.registered("mn", "in")
    await around.start("in")  # another one, with nothing in it
    assert await around.known("in", "mn") == {}
    await around.clock.advance(INTERVAL)
    assert (await around.registered("in", "mn"))["poa"] == ["lane://mn"]


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
    await around.clock.advance(1.0)
    assert "not registered with lane://in, next attempt in 1 seconds" in caplog.text
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
    await around.clock.advance(INTERVAL)
    assert requests_of(around, "mn")[-2:] == [("UPDATE", "-/id-mn"), ("RETRIEVE", "-")]


def test_an_in_cse_has_no_registrar() -> None:
    with pytest.raises(ConfigurationError, match="an IN-CSE has no registrar"):
        Server(Settings({"server": {"store": "memory:", "cse_type": "IN", "registrar": "http://127.0.0.1:1"}}))
