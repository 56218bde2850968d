"""How a group is made at another CSE, and that nothing is left of one that can't be used."""

import pytest

from cse.primitive import OK, Operation, Request, Response
from cse.subgroups.builder import Refused
from cse.subgroups.records import SubGroup
from tests.cse.subgroups.other import MEMBERS, Other, aggregate, builder, refusing

KNOWN = SubGroup("grp1", "/id-mn", "/id-mn/r1", "/id-mn/r0", "d")


async def test_a_policy_and_a_group_below_what_stands_for_us_and_a_trial() -> None:
    other = Other()
    assert await builder(other).make("grp1", "/id-mn", MEMBERS, "d") == KNOWN
    policy, group, trial = other.asked
    assert {request.originator for request in other.asked} == {"/id-in"}
    assert (policy.to, policy.resource_type) == (group.to, 1) == ("/id-mn/id-in", 1)
    assert policy.content["m2m:acp"]["pvs"]["acr"][0]["acor"] == ["/id-in"]
    assert group.content == {"m2m:grp": {"mid": MEMBERS, "mnm": 3, "macp": ["/id-mn/r0"]}}
    assert (trial.operation, trial.to) == (Operation.RETRIEVE, "/id-mn/r1/fopt")
    assert trial.group_target_members == (MEMBERS[0],)


async def test_below_the_base_where_nothing_stands_for_us() -> None:
    other = Other()
    other.answers = refusing(4004, of="/id-mn/id-in")
    await builder(other).make("grp1", "/id-mn", MEMBERS, "d")
    assert [to for _, to in other.operations] == ["/id-mn/id-in", "/id-mn/-", "/id-mn/-", "/id-mn/r1/fopt"]


async def test_the_policy_goes_if_there_can_be_no_group() -> None:
    other = Other()
    other.answers = lambda request: Response(4103) if request.resource_type == 9 else None
    with pytest.raises(Refused, match="4103"):
        await builder(other).make("grp1", "/id-mn", MEMBERS, "d")
    assert [operation for operation in other.operations if operation[0] == "DELETE"] == [
        ("DELETE", "/id-mn/r0"),
        ("DELETE", "/id-mn/r1"),
    ]


@pytest.mark.parametrize("content", [None, {"m2m:dbg": "?"}, {"m2m:acp": {}}, {"m2m:acp": "r0"}, ["r0"]])
async def test_a_cse_that_does_not_say_what_it_has_made(content: object) -> None:
    other = Other()
    other.answers = lambda request: Response(2001, content) if request.resource_type == 1 else None
    with pytest.raises(Refused):
        await builder(other).make("grp1", "/id-mn", MEMBERS, "d")


@pytest.mark.parametrize("content", [None, aggregate("/id-mn/elsewhere"), {"m2m:agr": {"m2m:rsp": [{"rsc": 2000}]}}])
async def test_a_cse_whose_answers_do_not_say_whose_they_are(content: object) -> None:
    """Members could not be told apart, so that the group goes again."""
    other = Other()
    other.answers = lambda request: Response(OK, content) if request.operation is Operation.RETRIEVE else None
    with pytest.raises(Refused, match="whose"):
        await builder(other).make("grp1", "/id-mn", MEMBERS, "d")
    removed = [to for name, to in other.operations if name == "DELETE"]
    assert removed == ["/id-mn/r1", "/id-mn/r0", "/id-mn/r3", "/id-mn/r2"]


async def test_items_may_name_members_as_the_other_cse_calls_them() -> None:
    other = Other()

    def answers(request: Request) -> Response | None:
        return Response(OK, aggregate("cse-mn/a", status_code=4103)) if "/fopt" in request.to else None

    other.answers = answers
    assert await builder(other).make("grp1", "/id-mn", MEMBERS, "d") == KNOWN


async def test_other_members() -> None:
    other = Other()
    changed = await builder(other).change(KNOWN, MEMBERS[:2], "e")
    assert (changed.digest, changed.address) == ("e", KNOWN.address)
    (request,) = other.asked
    assert (request.operation, request.to) == (Operation.UPDATE, "/id-mn/r1")
    assert request.content == {"m2m:grp": {"mid": MEMBERS[:2], "mnm": 2}}


async def test_removing_what_is_gone_already_succeeds_and_a_cse_that_is_away_does_not() -> None:
    other = Other()
    other.answers = refusing(4004)
    await builder(other).remove(KNOWN)
    assert other.operations == [("DELETE", "/id-mn/r1"), ("DELETE", "/id-mn/r0")]
    other.answers = refusing(5103)
    with pytest.raises(Refused) as raised:
        await builder(other).remove(KNOWN)
    assert not raised.value.is_gone
