"""Members on other CSEs: what is asked about them, and what follows from the answers, now and later."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from cse.consent import AnswersNeeded, Consent
from cse.errors import BadRequest, GroupMemberTypeInconsistent, NotFound, ReceiverHasNoPrivilege
from cse.events import INQUIRY
from cse.primitive import Response, error_response
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from resources.common.reachability import UNREACHABLE
from tests.cse.works import add, creating, updating

BOX, AE = Response(2000, {"m2m:cnt": {"ty": 3}}), Response(2000, {"m2m:ae": {"ty": 2}})
SILENT, MISSING, FORBIDDEN = (error_response(code, "no") for code in (5103, 4004, 4103))


def group_of(subtype: int, **attributes: Any) -> Response:
    return Response(2000, {"m2m:grp": {"ty": 9, "mt": subtype} | attributes})


@pytest.fixture
def plant(work: Work) -> Work:
    """The CSE /mn is registered; Cme has a container here."""
    content = {"rn": "mn", "cb": "/mn/cse-mn", "rr": True, "srv": ["3"], "poa": ["http://127.0.0.1:1"]}
    perform(work, creating("cse-in", 16, {"m2m:csr": content}, "/mn"))
    add(work, "cse-in/me", "ae", ri="Cme", creator="Cme", rr=True)
    add(work, "cse-in/me/box", creator="Cme")
    return work


def know(work: Work, **answers: Response) -> None:
    """The CSE /mn has answered to retrievals of resources with these names."""
    work.consent = Consent(answers={f"/mn/{name}": answer for name, answer in answers.items()})


def create(work: Work, *members: str, originator: str = "CAdmin", **attributes: Any) -> Mapping[str, Any]:
    content = {"rn": "g", "mnm": 5, "mt": 3, "mid": list(members)} | attributes
    return dict(perform(work, creating("cse-in", 9, {"m2m:grp": content}, originator)).content["m2m:grp"])


def group(work: Work) -> Resource:
    return work.target("cse-in/g").resource


def shown(work: Work) -> Mapping[str, Any]:
    return work.type_of(group(work)).compose(work, group(work))


def later(work: Work) -> None:
    """The alarm rings, and what the group wants to know then is known."""
    due = work.transaction.alarms.get(group(work).ri, UNREACHABLE)
    assert due is not None
    work.now = max(work.now, due)
    work.transaction.alarms.cancel(group(work).ri, UNREACHABLE)
    work.type_of(group(work)).alarm(work, group(work), UNREACHABLE)
    (inquiry,) = [effect for effect in work.transaction.effects.pending() if effect.kind == INQUIRY]
    work.transaction.effects.remove([inquiry.id])
    work.type_of(group(work)).inquire(work, group(work))


def test_members_elsewhere_are_retrieved_in_the_name_of_whoever_names_them(plant: Work) -> None:
    with pytest.raises(AnswersNeeded) as needed:
        create(plant, "/mn/box", "/mn/g/fopt", "/mn/box/la", "cse-in/me/box", "/unknown/box")
    assert (needed.value.addresses, needed.value.originator) == (["/mn/box", "/mn/g"], "CAdmin")


def test_members_of_mixed_groups_are_not_retrieved(plant: Work) -> None:
    assert create(plant, "/mn/box", "/unknown/box", mt=0)["mtv"] is True


def test_members_elsewhere_that_fit_are_members(plant: Work) -> None:
    know(plant, box=BOX, g=group_of(3))
    made = create(plant, "/mn/box", "cse-in/me/box", "/mn/g/fopt", csy=2)
    assert (made["mid"], made["mtv"]) == (["/mn/box", "cse-in/me/box", "/mn/g/fopt"], True)


def test_the_same_member_elsewhere_counts_once(plant: Work) -> None:
    know(plant, box=BOX)
    assert create(plant, "/mn/box", "//cse.example/mn/box", mnm=1)["mid"] == ["/mn/box"]


@pytest.mark.parametrize("csy", [1, 2, 3])
def test_members_elsewhere_that_do_not_fit_are_dealt_with_as_those_here(plant: Work, csy: int) -> None:
    know(plant, box=BOX, app=AE)
    if csy == 2:
        with pytest.raises(GroupMemberTypeInconsistent, match="/mn/app"):
            create(plant, "/mn/box", "/mn/app", csy=csy)
        return
    made = create(plant, "/mn/box", "/mn/app", csy=csy)
    expected = {1: (3, ["/mn/box"]), 3: (0, ["/mn/box", "/mn/app"])}[csy]
    assert ((made["mt"], made["mid"]), made["mtv"]) == (expected, True)


def test_specializations_are_compared_elsewhere_too(plant: Work) -> None:
    battery, reboot = (Response(2000, {"m2m:x": {"ty": 13, "mgd": number}}) for number in (1006, 1009))
    know(plant, bat=battery, rbo=reboot, g=group_of(13, spty={"mgd": 1006}), h=group_of(13))
    made = create(plant, "/mn/bat", "/mn/rbo", "/mn/g/fopt", "/mn/h/fopt", mt=13, spty={"mgd": 1006})
    assert made["mid"] == ["/mn/bat", "/mn/g/fopt"]


def test_the_latest_instance_elsewhere_is_a_type_of_its_own(plant: Work) -> None:
    know(plant, box=BOX, app=AE)
    made = create(plant, "/mn/box/la", "/mn/box/ol", "/mn/app/la", "cse-in/me/box/la", mt=20002)
    assert made["mid"] == ["/mn/box/la", "cse-in/me/box/la"]


def test_whoever_may_not_retrieve_a_member_can_not_have_it_checked(plant: Work) -> None:
    policy = {"rn": "open", "pv": {"acr": [{"acor": ["all"], "acop": 1}]}, "pvs": {"acr": [{"acor": ["x"], "acop": 1}]}}
    perform(plant, creating("cse-in", 1, {"m2m:acp": policy}))
    plant.target("cse-in").resource.attributes["acpi"] = ["cse-in/open"]
    base = plant.target("cse-in").resource
    base.attributes["acpi"] = ["cse-in/open"]
    plant.transaction.resources.update(base)
    know(plant, box=FORBIDDEN)
    for member in ("cse-in/me/box", "cse-in/me/box/la", "/mn/box"):
        with pytest.raises(ReceiverHasNoPrivilege, match=member):
            create(plant, member, originator="Cother", csy=1)
    assert create(plant, "cse-in/me/box", originator="Cother", mt=0)["mtv"] is True


def test_a_member_that_its_cse_does_not_have_is_refused(plant: Work) -> None:
    know(plant, box=MISSING)
    with pytest.raises(NotFound, match="/mn/box"):
        create(plant, "/mn/box")


@pytest.mark.parametrize("number", [45, 10005])
def test_some_types_have_no_groups(plant: Work, number: int) -> None:
    with pytest.raises(BadRequest, match="mt"):
        create(plant, mt=number)


def test_a_member_that_can_not_be_reached_is_kept_until_it_can(plant: Work) -> None:
    know(plant, box=SILENT)
    made = create(plant, "/mn/box", "cse-in/me/box", "/unknown/box")
    assert (made["mid"], made["mtv"]) == (["/mn/box", "cse-in/me/box", "/unknown/box"], False)
    later(plant)
    assert shown(plant)["mtv"] is False
    know(plant, box=BOX)
    perform(plant, updating("cse-in/g", {"m2m:grp": {"mid": ["/mn/box"]}}))
    assert shown(plant)["mtv"] is True
    assert plant.transaction.alarms.next() is None


def test_pauses_between_inquiries_grow(plant: Work) -> None:
    know(plant, box=SILENT)
    create(plant, "/mn/box")
    moments = [plant.now]
    for _ in range(12):
        later(plant)
        moments.append(plant.now)
    pauses = [after - before for before, after in pairwise(moments)]
    assert pauses[:4] == [10, 10, 20, 40]
    assert pauses[-1] == 3600


def test_a_cse_that_comes_back_is_asked_at_once(plant: Work) -> None:
    know(plant, box=SILENT)
    create(plant, "/mn/box")
    perform(plant, updating("cse-in/mn", {"m2m:csr": {"lbl": ["nothing new"]}}, "/mn"))
    assert plant.transaction.alarms.next() == plant.now + 10
    perform(plant, updating("cse-in/mn", {"m2m:csr": {"poa": ["http://127.0.0.1:2"]}}, "/mn"))
    assert plant.transaction.alarms.next() == plant.deadline == plant.now
    know(plant, box=BOX)
    later(plant)
    assert shown(plant)["mtv"] is True


@pytest.mark.parametrize("late", [AE, MISSING])
def test_strategy_1_drops_a_member_that_turns_out_to_be_wrong(plant: Work, late: Response) -> None:
    know(plant, box=SILENT)
    create(plant, "/mn/box", "cse-in/me/box", csy=1)
    know(plant, box=late)
    later(plant)
    assert (shown(plant)["mid"], shown(plant)["mtv"]) == (["cse-in/me/box"], True)


def test_strategy_2_deletes_the_group(plant: Work) -> None:
    know(plant, box=SILENT)
    create(plant, "/mn/box", "cse-in/me/box", csy=2)
    know(plant, box=AE)
    later(plant)
    assert plant.resolve("cse-in/g") is None


def test_strategy_3_makes_the_group_a_mixed_one(plant: Work) -> None:
    know(plant, box=SILENT, other=SILENT)
    create(plant, "/mn/box", "/mn/other", csy=3)
    know(plant, box=AE, other=SILENT)
    later(plant)
    assert (shown(plant)["mt"], shown(plant)["mtv"], len(shown(plant)["mid"])) == (0, True, 2)
    assert plant.transaction.alarms.next() is None


def test_a_member_that_has_left_meanwhile_does_not_matter(plant: Work) -> None:
    know(plant, box=SILENT, app=SILENT)
    create(plant, "/mn/box", "/mn/app", csy=2)
    plant.transaction.lists.replace(group(plant).ri, [("/mn/box", None)])
    know(plant, box=BOX, app=AE)
    later(plant)
    assert shown(plant)["mtv"] is True


def test_there_is_a_limit_to_what_is_asked_at_a_time(plant: Work) -> None:
    names = [f"box{number}" for number in range(1500)]
    with pytest.raises(AnswersNeeded) as needed:
        create(plant, *[f"/mn/{name}" for name in names], mnm=1500)
    assert len(needed.value.addresses) == 1000
    know(plant, **dict.fromkeys(names, BOX))
    assert create(plant, *[f"/mn/{name}" for name in names], mnm=1500)["mtv"] is False
    later(plant)
    assert shown(plant)["mtv"] is True
