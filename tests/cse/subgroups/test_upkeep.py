"""Groups at other CSEs become what they are to be, whatever is refused meanwhile."""

import asyncio

from cse.primitive import Operation, Request
from cse.subgroups.upkeep import RETRY
from cse.testing.clock import settle
from tests.cse.subgroups.other import MEMBERS, Other, hosts, network, refusing

GROUP = "/id-mn/r1"
PROBE = ("RETRIEVE", "/id-mn/r1/fopt")


async def test_what_is_as_it_is_to_be_is_left_alone_after_a_restart_too() -> None:
    other = Other()
    first = await network(other)
    await first.prepare("grp1", hosts(*MEMBERS))
    assert len(other.operations) == 3
    await first.prepare("grp1", hosts(*MEMBERS))
    again = await network(other)
    await again.prepare("grp1", hosts(*MEMBERS))
    assert other.operations == []


async def test_members_come_and_go() -> None:
    other = Other()
    found = await network(other)
    await found.prepare("grp1", hosts(*MEMBERS))
    other.asked.clear()
    await found.prepare("grp1", hosts(*MEMBERS[:2]))
    assert other.operations == [("UPDATE", GROUP)]
    await found.prepare("grp1", hosts(*MEMBERS[:1]))
    assert other.operations == [("DELETE", GROUP), ("DELETE", "/id-mn/r0")]
    await found.prepare("grp1", [])
    assert other.operations == []


async def test_a_group_that_is_gone_is_made_again() -> None:
    other = Other()
    found = await network(other)
    await found.prepare("grp1", hosts(*MEMBERS))
    other.asked.clear()
    other.answers = refusing(4004, Operation.UPDATE)
    await found.prepare("grp1", hosts(*MEMBERS[:2]))
    assert [name for name, _ in other.operations] == ["UPDATE", "CREATE", "CREATE", "RETRIEVE"]


async def test_what_was_refused_is_tried_again_when_there_is_a_request_later() -> None:
    other = Other()
    request = Request(Operation.RETRIEVE, "cse-in/city/fopt", "/id-in/C", "r")
    found = await network(other)
    other.answers = refusing(5103)
    await found.prepare("grp1", hosts(*MEMBERS))
    other.asked.clear()
    other.answers = lambda asked: None
    assert await found.offers(hosts(*MEMBERS), request, "grp1") == [()] * 3
    assert other.operations == []
    await other.manual_clock.advance(RETRY)
    await found.offers(hosts(*MEMBERS), request, "grp1")
    await settle()
    assert PROBE in other.operations
    assert all(await found.offers(hosts(*MEMBERS), request, "grp1"))


async def test_what_could_not_be_removed_is_removed_later_also_after_a_restart() -> None:
    other = Other()
    found = await network(other)
    await found.prepare("grp1", hosts(*MEMBERS))
    other.answers = refusing(5103)
    await found.prepare("grp1", [])
    other.asked.clear()
    other.answers = lambda asked: None
    again = await network(other)
    await other.manual_clock.advance(RETRY)
    await again.offers([], Request(Operation.RETRIEVE, "cse-in/other/fopt", "C", "r"), "grp2")
    await settle()
    assert ("DELETE", GROUP) in other.operations


async def test_what_is_wanted_last_counts() -> None:
    other = Other()
    found = await network(other)
    preparing = [asyncio.create_task(found.prepare("grp1", hosts(*MEMBERS[:count]))) for count in (3, 2)]
    await asyncio.gather(*preparing)
    assert [request.content["m2m:grp"]["mid"] for request in other.asked if _has_members(request)][-1] == MEMBERS[:2]


def _has_members(request: Request) -> bool:
    return isinstance(request.content, dict) and "m2m:grp" in request.content


async def test_never() -> None:
    other = Other()
    found = await network(other, sub_group_members=0)
    await found.prepare("grp1", hosts(*MEMBERS))
    assert other.operations == []
