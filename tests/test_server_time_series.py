"""Missing data is noticed at its deadline, also when the server has been stopped meanwhile."""

from pathlib import Path
from typing import Any

from cse.testing.clock import ManualClock
from cse.timing import precise_timestamp
from tests.servers import Client, Listener, Running, eventually, serving

SERIES = {"rn": "ts", "mdd": True, "pei": 2000, "peid": 500, "mdt": 1500, "mdn": 3}


async def create(client: Client, clock: ManualClock) -> float:
    """A series with its first instance; the moment of the latter."""
    assert (await client.create("/cse-in", 29, {"m2m:ts": SERIES})).rsc == 2001
    await measure(client, clock)
    return clock.now()


async def measure(client: Client, clock: ManualClock) -> None:
    content = {"m2m:tsi": {"dgt": precise_timestamp(clock.now()), "con": 20.5}}
    assert (await client.create("/cse-in/ts", 30, content)).rsc == 2001


async def becomes(client: Client, points: list[str]) -> Any:
    """The series, once these data points are known to be missing."""
    found = await eventually(
        lambda: client.get("/cse-in/ts"), lambda answer: bool(answer.resource.get("mdlt", []) == points)
    )
    assert found.resource["mdc"] == len(points)
    return found.resource


async def test_a_device_that_falls_silent_is_noticed(stopped_clock_cse: Running, clock: ManualClock) -> None:
    client = stopped_clock_cse.client
    start = await create(client, clock)
    await clock.advance(2.25)
    await measure(client, clock)
    await clock.advance(3.2)
    await becomes(client, [])
    await clock.advance(0.05)
    await becomes(client, [precise_timestamp(start + 4)])
    await client.update("/cse-in/ts", {"m2m:ts": {"mdd": False}})
    await clock.advance(100)
    series = await becomes(client, [precise_timestamp(start + 4)])
    assert series["cni"] == 2


async def test_a_duplicate_is_a_conflict(stopped_clock_cse: Running, clock: ManualClock) -> None:
    await create(stopped_clock_cse.client, clock)
    content = {"m2m:tsi": {"dgt": precise_timestamp(clock.now()), "con": 7}}
    answer = await stopped_clock_cse.refuses("POST", "/cse-in/ts", 4105, ty=30, content=content)
    assert "dgt" in answer.debug


async def test_subscribers_are_told_of_so_many(
    stopped_clock_cse: Running, clock: ManualClock, listener: Listener
) -> None:
    client = stopped_clock_cse.client
    start = await create(client, clock)
    await client.register("app", listener.url)
    wanted = {"nu": ["Capp"], "enc": {"net": [8], "md": {"num": 2, "dur": "PT5S"}}, "nct": 5}
    assert (await client.create("/cse-in/ts", 23, {"m2m:sub": wanted})).rsc == 2001
    listener.received.clear()
    await clock.advance(3.5)
    await becomes(client, [precise_timestamp(start + 2)])
    assert listener.received == []
    await clock.advance(2)
    points = [precise_timestamp(start + 2), precise_timestamp(start + 4)]
    assert (await listener.next())["m2m:sgn"]["nev"] == {"net": 8, "rep": {"m2m:tsn": {"mdlt": points, "mdc": 2}}}


async def test_the_silence_of_the_server_is_one_too(tmp_path: Path, clean_log: None, clock: ManualClock) -> None:
    """What was expected before the stop and while it lasted is missing; what comes in time afterwards is not."""
    kept: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/cse.sqlite", "data_folder": str(tmp_path)}
    async with serving(clock=clock, **kept) as cse:
        start = await create(cse.client, clock)
        await clock.advance(4)
        await measure(cse.client, clock)
        await becomes(cse.client, [precise_timestamp(start + 2)])
    await clock.advance(5.9)
    async with serving(clock=clock, **kept) as cse:
        await becomes(cse.client, [precise_timestamp(start + point) for point in (2, 6, 8)])
        await measure(cse.client, clock)
        await clock.advance(3.6)
        await becomes(cse.client, [precise_timestamp(start + point) for point in (6, 8, 12)])
