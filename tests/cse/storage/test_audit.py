"""What `cse store check` finds in a store whose files are sound."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from cse.fanout.states import State
from cse.primitive import Operation, Request
from cse.storage.audit import Audit
from cse.store import Campaign, Resource, Row
from cse.store.filling import begin
from cse.work import Work
from tests.cse.works import add, working

REQUEST = Request(Operation.NOTIFY, "cse-in/city/fopt", "Capp", "r1").to_json()
CAMPAIGN = Campaign("cmp1", 7, "grp1", REQUEST, "", 1.0, 2.0, "finished", 2.5)
MEMBERS = [Row(position, "m", "t", "h", State.ANSWERED.value) for position in range(3)]


def found(work: Work) -> list[tuple[str, str]]:
    return [tuple(finding) for finding in Audit(work).findings()]


def whole(work: Work) -> None:
    """One of everything, and nothing wrong with it."""
    add(work, "cse-in/app", "ae")
    add(work, "cse-in/app/box", cni=2, cbs=5, mni=2)
    add(work, "cse-in/app/box/1", "cin", con="abc", cs=3)
    add(work, "cse-in/app/box/2", "cin", con="é", cs=2)
    add(work, "cse-in/app/city", "grp", mnm=2)
    work.transaction.lists.replace("cse-in.app.city", [("cse-in/app", "cse-in.app"), ("/id-mn/x", None)])
    work.transaction.alarms.set("cse-in.app", "batch", 1.0)
    work.transaction.queues.append("cse-in.app", "batch", {})
    work.transaction.campaigns.add(CAMPAIGN, MEMBERS)
    work.transaction.effects.add("notification", {})


def test_nothing_is_found_in_a_store_that_is_whole() -> None:
    with working() as work:
        whole(work)
        audit = Audit(work)
        assert list(audit.findings()) == []
        expected = {"resources": 6, "lists": 2, "alarms": 1, "queues": 1, "campaigns": 4, "effects": 1}
        assert audit.rows == expected


def change(path: str, **attributes: Any) -> Callable[[Work], None]:
    """Replace attributes of a resource behind the back of its type; None deletes."""

    def unit(work: Work) -> None:
        resource = work.target(path).resource
        changed = {name: value for name, value in {**resource.attributes, **attributes}.items() if value is not None}
        work.transaction.resources.update(Resource(path, resource.creator, {"ri": resource.ri, **changed}))

    return unit


def plant(path: str, **attributes: Any) -> Callable[[Work], None]:
    """A resource as it should never be."""
    known = {"ri": "planted", "pi": "cse-in.app", "rn": path.rpartition("/")[2], "ty": 1}
    return lambda work: work.transaction.resources.insert(Resource(path, "", known | attributes))


def campaign(rows: list[Row], **changes: Any) -> Callable[[Work], None]:
    changed = dataclasses.replace(CAMPAIGN, id="cmp2", sequence=8, **changes)
    return lambda work: work.transaction.campaigns.add(changed, rows)


DAMAGES = [
    (change("cse-in/app/box", cni=3), "cse-in/app/box", "cni 3 and cbs 5 are wrong, it has 2 instances with 5 bytes"),
    (change("cse-in/app/box", cbs=0), "cse-in/app/box", "cni 2 and cbs 0 are wrong"),
    (change("cse-in/app/box", mni=1), "cse-in/app/box", "are more than mni or mbs allows: UPDATE mni"),
    (change("cse-in/app/box", mbs=4), "cse-in/app/box", "its 2 instances with 5 bytes are more than"),
    (change("cse-in/app/box", cni=None), "cse-in/app/box", "cni 0 and cbs 5 are wrong"),
    (change("cse-in/app/box/1", con="ab"), "cse-in/app/box/1", "cs is 3, and its content has 2 bytes"),
    (change("cse-in/app/box/1", con=None), "cse-in/app/box/1", "its attributes do not fit resource type 4 (KeyError"),
    (change("cse-in/app/city", mnm=1), "cse-in/app/city", "it has 2 members, and mnm allows 1: UPDATE mnm"),
    (change("cse-in/app", ty=None), "cse-in/app", "attribute ty is missing or has another type"),
    (change("cse-in/app", ty=4711), "cse-in/app", "nobody knows resource type 4711: install the plugin"),
    (change("cse-in/app", rn="other"), "cse-in/app", "its path and its pi id-in or rn other do not agree"),
    (change("cse-in/app", pi="gone"), "cse-in/app", "its parent gone is missing"),
    (change("cse-in/app", pi="cse-in.app.box"), "cse-in/app", "its path and its pi cse-in.app.box or rn app do not"),
    (plant("cse-in/app/none/deep"), "cse-in/app/none/deep", "its path and its pi cse-in.app or rn deep do not agree"),
    (
        lambda work: work.transaction.lists.replace("gone", [("a", None), ("b", None)]),
        "list of gone",
        "there is no such resource",
    ),
    (
        lambda work: work.transaction.lists.replace("cse-in.app.city", [("cse-in/x", "cse-in.x")]),
        "list of cse-in.app.city",
        "item cse-in/x stands for cse-in.x, which is missing: UPDATE the list",
    ),
    (lambda work: work.transaction.alarms.set("gone", "away", 1.0), "alarm away of gone", "there is no such resource"),
    (lambda work: work.transaction.queues.append("gone", "batch", 1), "queue batch of gone", "waits for a resource"),
    (campaign(MEMBERS, request=b"\xff"), "campaign cmp2", "its request cannot be read"),
    (campaign([MEMBERS[0], MEMBERS[2]]), "campaign cmp2", "its member 1 is missing"),
    (campaign([MEMBERS[0]._replace(state="lost")]), "campaign cmp2", "member 0 has the state lost"),
    (
        campaign([MEMBERS[0]._replace(state=State.WAITING.value)]),
        "campaign cmp2",
        "it is over, and 1 members are still waiting",
    ),
    (lambda work: work.transaction.effects.add("", {}), "effect 2", "it cannot be read"),
]


@pytest.mark.parametrize(("damage", "where", "problem"), DAMAGES)
def test_what_does_not_fit_is_found(damage: Callable[[Work], None], where: str, problem: str) -> None:
    with working() as work:
        whole(work)
        damage(work)
        findings = found(work)
        assert [finding for finding in findings if finding[0] == where and problem in finding[1]], findings
        assert all(": " in finding for _, finding in findings)  # and what to do


def test_a_campaign_that_is_not_over_may_have_members_who_wait() -> None:
    with working() as work:
        campaign([MEMBERS[0]._replace(state=State.WAITING.value)], finished_at=None, state="running")(work)
        assert found(work) == []


def test_a_store_that_is_not_whole_is_not_looked_through() -> None:
    with working() as work:
        work.transaction.resources.remove(work.target("cse-in").resource)
        begin(work.transaction)
        assert found(work) == [
            ("store", "a conversion into it has not been finished: remove it, and convert once more")
        ]
