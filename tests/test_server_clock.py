"""Somebody sets the clock while the server runs: nothing goes before its time, nothing is out of order."""

from collections.abc import AsyncIterator

import pytest

from cse.timing import SystemClock, timestamp
from tests.servers import Client, Listener, Running, eventually, serving

HOUR, DAY = 3600.0, 86400.0


class Clock(SystemClock):
    """That of the machine, `ahead` by some seconds."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@pytest.fixture
def machine() -> Clock:
    return Clock()


@pytest.fixture
async def cse(clean_log: None, machine: Clock) -> AsyncIterator[Running]:
    async with serving(clock=machine) as running:
        yield running


async def box(client: Client, name: str, et: str | None = None) -> None:
    content = {"rn": name} | ({"et": et} if et else {})
    assert (await client.create("/cse-in", 3, {"m2m:cnt": content})).rsc == 2001


async def there(client: Client, *names: str) -> list[str]:
    return [name for name in names if (await client.get(f"/cse-in/{name}")).rsc == 2000]


async def test_what_ends_has_its_whole_time_however_the_clock_jumps(client: Client, machine: Clock) -> None:
    await box(client, "hour", timestamp(machine.now() + HOUR))
    await box(client, "day", timestamp(machine.now() + DAY))
    await box(client, "lasting")
    names = ("hour", "day", "lasting")
    machine.ahead = -HOUR
    await box(client, "trigger", timestamp(machine.now() + 1.5))
    await eventually(lambda: there(client, "trigger"), lambda found: not found)
    assert await there(client, *names) == [*names]
    machine.ahead = 2 * HOUR
    await box(client, "again", timestamp(machine.now() + 1.5))
    await eventually(lambda: there(client, "again"), lambda found: not found)
    assert await there(client, *names) == ["day", "lasting"]
    machine.ahead = -HOUR
    await box(client, "final", timestamp(machine.now() + 1.5))
    await eventually(lambda: there(client, "final"), lambda found: not found)
    assert await there(client, "day", "lasting") == ["day", "lasting"]


async def test_requests_to_devices_keep_their_order(client: Client, machine: Clock, listener: Listener) -> None:
    await client.register("meter", listener.url)
    await client.create("/cse-in", 9, {"m2m:grp": {"rn": "city", "mnm": 1, "mid": ["cse-in/meter"]}})
    for number, ahead in enumerate((0.0, -HOUR, -DAY, 3 * DAY, 0.0)):
        machine.ahead = ahead
        answer = await client.request("POST", "/cse-in/city/fopt", content={"m2m:sgn": {"sur": f"{number}"}})
        assert answer.rsc == 2000
        assert answer.content["m2m:agr"]["m2m:rsp"][0]["rsc"] == 2000
    stamps = [one.headers["X-M2M-OT"] for one in listener.received]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 5


async def test_notifications_and_non_blocking_requests_get_through(
    client: Client, machine: Clock, listener: Listener
) -> None:
    await client.register("app", listener.url)
    await box(client, "box")
    assert (await client.create("/cse-in/box", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [3]}}})).rsc == 2001
    listener.received.clear()
    for number, ahead in enumerate((3 * DAY, 0.0, -HOUR)):
        machine.ahead = ahead
        answer = await client.create("/cse-in/box?rt=1", 4, {"m2m:cin": {"con": f"{number}"}})
        path = f"/{answer.content['m2m:uri']}"
        result = await eventually(lambda: client.get(path), lambda one: one.resource["rs"] != 3)  # noqa: B023
        assert result.resource["ors"]["rsc"] == 2001
        assert (await listener.next())["m2m:sgn"]["nev"]["rep"]["m2m:cin"]["con"] == f"{number}"
    assert (await client.get("/cse-in/box")).resource["cni"] == 3
