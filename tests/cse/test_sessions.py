"""Networks are told who is in a group, one telling after the other, the last one in the end."""

import asyncio
from collections.abc import Sequence

import pytest

from cse.network import Host
from cse.primitive import Operation
from tests.cse.fanout.scenario import Scenario, eventually, scenario


class Preparation:
    """A `prepare` that waits for its gate."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun: list[list[str]] = []
        self.under_way = 0
        self.most = 0

    async def __call__(self, group: str, members: Sequence[Host]) -> None:
        self.begun.append([host.id for host in members])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.gate.wait()
        self.under_way -= 1


async def change(city: Scenario, *members: str) -> None:
    content = {"m2m:grp": {"mid": list(members)}}
    assert (await city.ask(Operation.UPDATE, "cse-in/city", content=content)).status_code == 2004
    await city.clock.advance(0.1)


async def test_preparations_of_one_group_do_not_overlap_and_the_last_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scenario() as city:
        preparation = Preparation()
        monkeypatch.setattr(city.wire, "prepare", preparation)
        members = await city.meters(4, "wire")
        await city.group(members)
        await eventually(lambda: preparation.begun)
        for count in (3, 2, 1):
            await change(city, *members[:count])
        # A network that is slow holds up no other.
        await eventually(lambda: list(city.air.prepared.values()) == [["Cm0"]])
        preparation.gate.set()
        await eventually(lambda: preparation.under_way == 0 and preparation.begun[-1] == ["Cm0"])
        assert preparation.begun == [["Cm0", "Cm1", "Cm2", "Cm3"], ["Cm0"]]
        assert preparation.most == 1


async def test_a_network_that_raises_is_told_again_with_the_next_change(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with scenario() as city:

        async def broken(group: str, members: Sequence[Host]) -> None:
            raise RuntimeError("no address left")

        members = await city.meters(2, "wire")
        with monkeypatch.context() as patched:
            patched.setattr(city.wire, "prepare", broken)
            await city.group(members)
            await eventually(lambda: "no address left" in caplog.text)
        await change(city, members[1])
        await eventually(lambda: list(city.wire.prepared.values()) == [["Cm1"]])
