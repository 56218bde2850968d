"""What set-ups make of a bearer that has to be reserved."""

import math
from collections.abc import Mapping

from cse.multicast.bearer import Bearer
from cse.multicast.records import Record
from tests.cse.multicast.kit import TWO, scene


class Reserved(Bearer):
    """It can be had while it is `free`, needs care every 100 seconds, and has a name that changes."""

    def __init__(self) -> None:
        self.free = True
        self.name = "first"
        self.log: list[str] = []

    async def open(self, record: Record) -> bool:
        self.log.append("open")
        if self.free and record.tmgi != self.name:
            record.tmgi = self.name
            record.doubt()
        return self.free

    async def close(self, record: Record) -> None:
        self.log.append("close")

    def lasts(self, record: Record) -> float:
        return 100.0 if record.tmgi else math.inf

    def attributes(self, record: Record) -> Mapping[str, str]:
        return {"tmgi": record.tmgi}


async def test_nobody_is_told_before_it_is_there_and_it_is_given_back() -> None:
    bearer = Reserved()
    async with scene(bearer) as one:
        bearer.free = False
        await one.change(TWO)
        assert one.others.log == []
        bearer.free = True
        await one.later(5)
        assert one.joined == TWO
        assert "close" not in bearer.log
        await one.change({})
        assert (bearer.log[-1], list(one.records)) == ("close", [])


async def test_it_is_looked_after_and_all_are_told_what_is_new() -> None:
    bearer = Reserved()
    async with scene(bearer) as one:
        await one.change(TWO)
        bearer.log.clear()
        await one.later(99)
        assert bearer.log == []
        bearer.name = "second"
        await one.later(2)
        assert bearer.log == ["open"]
        assert one.joined == TWO
        assert {group["tmgi"] for groups in one.others.groups.values() for group in groups.values()} == {"second"}


async def test_what_is_left_to_be_done_can_be_tried_at_once() -> None:
    bearer = Reserved()
    async with scene(bearer) as one:
        one.others.trouble["/id-a"] = 5216
        await one.change(TWO)
        one.others.trouble.clear()
        await one.set_ups.again("grp1")
        assert one.joined == TWO
        await one.set_ups.again("unknown")
