"""What is offered for members on another CSE, and what becomes of a request to the group that is there for them."""

from dataclasses import replace
from typing import Any

import pytest

from cse.network import DeliveryFailed, Host
from cse.primitive import Operation, Request, Response
from cse.subgroups.network import SubGroups
from cse.timing import parse_timestamp, precise_timestamp
from tests.cse.subgroups.other import MEMBERS, Other, aggregate, delivery, hosts, network, refusing

LATER = precise_timestamp(1.9e9)
REQUEST = Request(
    Operation.UPDATE,
    "cse-in/city/fopt",
    "/id-in/Chead",
    "cmp1",
    content={"m2m:cnt": {}},
    request_expiration=LATER,
    result_expiration=LATER,
    group_request_identifier="g",
)


@pytest.fixture
def other() -> Other:
    return Other()


@pytest.fixture
async def found(other: Other) -> SubGroups:
    """A network with a sub-group for MEMBERS of `grp1`."""
    started = await network(other)
    await started.prepare("grp1", hosts(*MEMBERS))
    other.asked.clear()
    return started


async def test_one_way_for_all_members_of_the_sub_group(found: SubGroups) -> None:
    strangers = [Host("Cmeter", ("http://x",)), *hosts("/id-mn/cse-mn/z")]
    reaches = await found.offers([*hosts(*MEMBERS), *strangers], REQUEST, "grp1")
    assert reaches[3:] == [(), ()]
    (way,) = {way for reach in reaches[:3] for way in reach}
    assert way.address == "/id-mn/r1/fopt"  # type: ignore[union-attr]
    assert await found.offers(hosts(*MEMBERS), REQUEST, "grp2") == [()] * 3


async def test_what_stands_behind_the_fan_out_point_goes_along(found: SubGroups, other: Other) -> None:
    request = replace(REQUEST, to="cse-in/city/fopt/box/la")
    await found.deliver(await delivery(found, request, hosts(*MEMBERS, tail="/box/la")))
    assert other.asked[0].to == "/id-mn/r1/fopt/box/la"


async def test_the_answer_is_handed_over_as_that_of_the_cse(found: SubGroups, other: Other) -> None:
    await found.deliver(await delivery(found, REQUEST, hosts(*MEMBERS)))
    (request,) = other.asked
    assert (request.originator, request.content, request.group_request_identifier) == (
        "/id-in/Chead",
        {"m2m:cnt": {}},
        "g",
    )
    assert request.group_target_members == ()
    assert parse_timestamp(request.result_expiration or "") == pytest.approx(other.clock.now() + 12.0)
    assert other.answered == [("cmp1", "/id-mn", Response(2004, aggregate(*MEMBERS)), "sub-group")]


async def test_those_who_are_meant_are_named(found: SubGroups, other: Other) -> None:
    await found.deliver(await delivery(found, REQUEST, hosts(*MEMBERS[:2])))
    assert other.asked[0].group_target_members == tuple(MEMBERS[:2])
    await found.deliver(await delivery(found, REQUEST, hosts(*MEMBERS[:2]), permitted=hosts(*MEMBERS)))
    assert other.asked[1].group_target_members == tuple(MEMBERS[:2])
    assert await found.offers(hosts(*MEMBERS[:1]), REQUEST, "grp1") == [()]


async def test_too_many_to_be_named(other: Other) -> None:
    many = [f"/id-mn/cse-mn/{number:0100}" for number in range(100)]
    found = await network(other)
    await found.prepare("grp1", hosts(*many))
    assert await found.offers(hosts(*many[1:]), REQUEST, "grp1") == [()] * 99
    all_but_one = await delivery(found, REQUEST, hosts(*many[1:]), permitted=hosts(*many))
    with pytest.raises(DeliveryFailed):
        await found.deliver(all_but_one)


async def test_members_that_are_no_longer_in_it(found: SubGroups) -> None:
    planned = await delivery(found, REQUEST, hosts(*MEMBERS))
    await found.prepare("grp1", hosts(*MEMBERS[:2]))
    with pytest.raises(DeliveryFailed):
        await found.deliver(planned)


async def test_it_is_sent_once(found: SubGroups, other: Other) -> None:
    with pytest.raises(DeliveryFailed):
        await found.deliver(await delivery(found, REQUEST, hosts(*MEMBERS), attempt=2))
    assert other.asked == []


@pytest.mark.parametrize(
    ("operation", "status_code", "fails"),
    [
        (Operation.UPDATE, 5103, True),
        (Operation.CREATE, 5103, False),  # it may have been received
        (Operation.CREATE, 4008, False),
        (Operation.CREATE, 4103, True),
        (Operation.UPDATE, 4004, True),
        (Operation.UPDATE, 5209, False),  # nobody has answered: they are silent
        (Operation.CREATE, 2001, False),  # no aggregate: nobody knows whose it is
    ],
)
async def test_errors(found: SubGroups, other: Other, operation: Operation, status_code: int, fails: bool) -> None:
    other.answers = refusing(status_code)
    planned = await delivery(found, replace(REQUEST, operation=operation), hosts(*MEMBERS))
    if fails:
        with pytest.raises(DeliveryFailed, match=str(status_code)):
            await found.deliver(planned)
    else:
        await found.deliver(planned)
    assert other.answered == []
    offered: list[Any] = await found.offers(hosts(*MEMBERS), REQUEST, "grp1")
    assert any(offered) is not fails


async def test_one_that_is_gone_is_made_anew_when_the_members_are_looked_at_again(
    found: SubGroups, other: Other
) -> None:
    other.answers = refusing(4004)
    with pytest.raises(DeliveryFailed):
        await found.deliver(await delivery(found, REQUEST, hosts(*MEMBERS)))
    other.asked.clear()
    other.answers = lambda request: Response(4004) if request.operation is Operation.UPDATE else None
    await found.prepare("grp1", hosts(*MEMBERS))
    assert [name for name, _ in other.operations] == ["UPDATE", "CREATE", "CREATE", "RETRIEVE"]
    assert all(await found.offers(hosts(*MEMBERS), REQUEST, "grp1"))
