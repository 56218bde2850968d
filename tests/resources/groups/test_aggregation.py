"""Notifications that members send to their group: whose are taken, what is collected, and when it goes out."""

from collections.abc import Iterator
from typing import Any

import pytest

from cse.consent import Consent, ConsentNeeded, WritingNeeded
from cse.errors import BadRequest, OriginatorHasNoPrivilege
from cse.primitive import Operation, Request
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from resources.groups.aggregation import MOST_KNOWN
from tests.cse.works import add, creating, deleting, updating, working

TARGET, OTHER = "http://127.0.0.1/x", "http://127.0.0.1/y"
HOSTS = ("/id-in", "/id-mn")


class Scene:
    """Cme has a group of three containers; TARGET and OTHER accept to be notified."""

    def __init__(self, work: Work) -> None:
        self.work = work
        work.consent = Consent(frozenset({f"verify {TARGET}", f"verify {OTHER}", "verify /id-up/grp1"}))
        for name in "abc":
            add(work, f"cse-in/{name}")
        self.create()

    def create(self, **attributes: Any) -> None:
        members = [f"cse-in/{name}" for name in "abc"]
        content = {"rn": "g", "mnm": 9, "mid": members} | attributes
        perform(self.work, creating("cse-in", 9, {"m2m:grp": content}))

    @property
    def group(self) -> Resource:
        return self.work.target("cse-in/g").resource

    @property
    def own(self) -> str:
        return f"/id-in/{self.group.ri}"

    def fan_out(self, request: Request, *hosts: str) -> Request:
        self.work.request = request
        return self.work.type_of(self.group).fanned_out(self.work, self.group, request, hosts or HOSTS)

    def subscribe(self, *hosts: str, to: str = "cse-in/g/fopt", **attributes: Any) -> Any:
        """What the members get."""
        content = {"rn": "news", "nu": [TARGET], "nfu": [TARGET]} | attributes
        got: Any = self.fan_out(creating(to, 23, {"m2m:sub": content}), *hosts).content
        return got["m2m:sub"]

    def notify(self, *labels: str, originator: str = "/id-mn", **elements: Any) -> None:
        """A notification for each label."""
        for label in labels:
            self.send({"m2m:sgn": told(label) | {"nfu": TARGET} | elements}, originator)

    def send(self, content: Any, originator: str = "/id-mn") -> None:
        perform(self.work, Request(Operation.NOTIFY, self.own, originator, "r1", content=content))

    def sent(self) -> list[Any]:
        """(target, content) of what has gone out since the last call."""
        effects = [effect for effect in self.work.transaction.effects.pending() if effect.kind == "notification"]
        self.work.transaction.effects.remove([effect.id for effect in effects])
        return [(effect.document["target"], effect.document["content"]) for effect in effects]

    def ring(self) -> float:
        """The next alarm rings; how long that took."""
        before, alarms = self.work.now, self.work.transaction.alarms
        due = alarms.next()
        assert due is not None
        self.work.now = due
        for alarm in alarms.due(due, 10):
            alarms.cancel(alarm.ri, alarm.name)
            self.work.type_of(self.group).alarm(self.work, self.group, alarm.name)
        return due - before


def told(label: str) -> dict[str, Any]:
    return {"sur": "/id-mn/sub1", "nev": {"net": 1, "rep": {"m2m:cnt": {"lbl": [label]}}}}


def together(*labels: str) -> Any:
    return {"m2m:agn": {"m2m:sgn": [told(label) | {"nfu": TARGET} for label in labels]}}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with working() as work:
        yield Scene(work)


def test_subscriptions_notify_the_group_instead(scene: Scene) -> None:
    got = scene.subscribe(enc={"net": [3]})
    assert got == {
        "rn": "news", "nu": [scene.own], "gpi": scene.own, "nfu": [TARGET], "enc": {"net": [3]},
    }  # fmt: skip


@pytest.mark.parametrize("content", [{"m2m:sub": {"nu": [TARGET]}}, {"m2m:cnt": {}}, {"m2m:sub": {"nfu": None}}])
def test_whatever_has_no_nfu_is_unchanged(scene: Scene, content: Any) -> None:
    request = creating("cse-in/g/fopt", 23, content)
    assert scene.fan_out(request) is request


def test_the_target_is_asked_once_for_all_members(scene: Scene) -> None:
    scene.work.consent = Consent()
    with pytest.raises(ConsentNeeded) as needed:
        scene.subscribe()
    (question,) = needed.value.needs
    assert (question.target, question.content["m2m:sgn"]["vrq"]) == (TARGET, True)  # type: ignore[union-attr]


def test_writing_happens_only_where_there_is_something_new(scene: Scene) -> None:
    scene.work.reads_only = True
    with pytest.raises(WritingNeeded):
        scene.subscribe()
    scene.work.reads_only = False
    scene.subscribe()
    scene.work.reads_only = True
    scene.subscribe()
    with pytest.raises(WritingNeeded):
        scene.subscribe("/id-third")


def test_as_many_as_there_are_members_go_out_together(scene: Scene) -> None:
    scene.subscribe()
    scene.notify("a", "b")
    assert scene.sent() == []
    scene.notify("c", "d", originator="/id-in")
    assert scene.sent() == [(TARGET, together("a", "b", "c"))]
    assert scene.ring() == 60
    assert scene.sent() == [(TARGET, together("d"))]


def test_number_and_duration_can_be_stated(scene: Scene) -> None:
    perform(scene.work, updating("cse-in/g", {"m2m:grp": {"nar": {"num": 2, "dur": "PT5S"}}}))
    scene.subscribe()
    scene.notify("a", "b", "c")
    assert scene.sent() == [(TARGET, together("a", "b"))]
    assert scene.ring() == 5
    assert scene.sent() == [(TARGET, together("c"))]
    scene.notify("d")
    perform(scene.work, updating("cse-in/g", {"m2m:grp": {"nar": None}}))
    assert scene.sent() == [(TARGET, together("d"))]


def test_batches_of_members_are_not_nested(scene: Scene) -> None:
    scene.subscribe()
    scene.notify("a")
    scene.send(together("b", "c"))
    assert scene.sent() == [(TARGET, together("a", "b", "c"))]


def test_each_target_has_its_own(scene: Scene) -> None:
    scene.subscribe()
    scene.subscribe(rn="views", nfu=[OTHER])
    scene.notify("a", "b", "c")
    scene.notify("d", nfu=OTHER)
    assert scene.sent() == [(TARGET, together("a", "b", "c"))]
    scene.ring()
    ((target, content),) = scene.sent()
    assert (target, [one["nfu"] for one in content["m2m:agn"]["m2m:sgn"]]) == (OTHER, [OTHER])


def test_several_targets_get_the_same(scene: Scene) -> None:
    scene.subscribe(nfu=[TARGET, OTHER])
    scene.notify("a", "b", "c", nfu=[TARGET, OTHER])
    assert [target for target, _ in scene.sent()] == [TARGET, OTHER]


def test_strangers_and_other_targets_are_refused(scene: Scene) -> None:
    with pytest.raises(OriginatorHasNoPrivilege):
        scene.notify("a")
    scene.subscribe()
    for wrong in ({"originator": "/id-third"}, {"originator": "Cme"}, {"nfu": OTHER}, {"nfu": None}):
        with pytest.raises(OriginatorHasNoPrivilege):
            scene.notify("a", **wrong)
    scene.subscribe("/id-third")
    scene.notify("a", originator="/id-third")
    scene.notify("b")


@pytest.mark.parametrize("content", [None, {}, {"m2m:sgn": []}, {"m2m:agn": {"m2m:sgn": ["x"]}}, {"m2m:rsp": {}}, "x"])
def test_what_is_no_notification_is_refused(scene: Scene, content: Any) -> None:
    scene.subscribe()
    with pytest.raises(BadRequest, match="m2m:sgn"):
        scene.send(content)


def test_verifications_of_members_are_answered_for_the_target(scene: Scene) -> None:
    verification = {"m2m:sgn": {"vrq": True, "sur": "/id-mn/sub1", "cr": "CAdmin"}}
    with pytest.raises(OriginatorHasNoPrivilege):
        scene.send(verification)
    scene.subscribe()
    scene.send(verification)
    assert scene.sent() == []
    assert scene.work.transaction.alarms.next() is None


def test_where_another_group_is_in_charge_each_is_passed_on(scene: Scene) -> None:
    assert scene.subscribe(nu=["/id-up/grp1"], gpi="/id-up/grp1")["gpi"] == scene.own
    scene.notify("a", "b")
    up = [("/id-up/grp1", {"m2m:sgn": told(label) | {"nfu": TARGET}}) for label in "ab"]
    assert scene.sent() == up


def test_what_the_outer_group_has_made_for_its_members_only_carries_requests(scene: Scene) -> None:
    group = scene.group
    group.creator = "/id-up"
    content = {"nu": ["/id-up/grp1"], "gpi": "/id-up/grp1", "nfu": [TARGET]}
    request = creating("cse-in/g/fopt", 23, {"m2m:sub": content}, "/id-up/Capp")
    assert scene.work.type_of(group).fanned_out(scene.work, group, request, HOSTS) is request
    for other in ("/id-other/grp1", "cse-in/g", 5):
        request = creating("cse-in/g/fopt", 23, {"m2m:sub": content | {"gpi": other}}, "/id-up/Capp")
        assert scene.fan_out(request) is not request


def test_a_subscription_without_name_gets_one_to_be_deleted_by(scene: Scene) -> None:
    content = {"nu": [TARGET], "nfu": [TARGET]}
    got: Any = scene.fan_out(creating("cse-in/g/fopt", 23, {"m2m:sub": content})).content
    name = got["m2m:sub"]["rn"]
    scene.fan_out(deleting(f"cse-in/g/fopt/{name}"))
    with pytest.raises(OriginatorHasNoPrivilege):
        scene.notify("a")


@pytest.mark.parametrize(("to", "name"), [("cse-in/g/fopt", "news"), ("cse-in/g/fopt/box", "box/news")])
def test_who_unsubscribes_gets_what_has_been_collected(scene: Scene, to: str, name: str) -> None:
    scene.subscribe(to=to)
    scene.notify("a")
    scene.fan_out(deleting("cse-in/g/fopt/other"))
    scene.fan_out(deleting(f"cse-in/g/fopt/{name}").derive(group_target_members=("cse-in/a",)))
    assert scene.sent() == []
    scene.fan_out(deleting(f"cse-in/g/fopt/{name}"))
    assert scene.sent() == [(TARGET, together("a"))]
    with pytest.raises(OriginatorHasNoPrivilege):
        scene.notify("b")


def test_a_new_target_by_update_is_the_one_from_then_on(scene: Scene) -> None:
    scene.subscribe()
    request = updating("cse-in/g/fopt/news", {"m2m:sub": {"nu": [OTHER], "nfu": [OTHER]}})
    assert scene.fan_out(request).content == {"m2m:sub": {"nu": [scene.own], "nfu": [OTHER], "gpi": scene.own}}
    scene.notify("a", "b", "c", nfu=OTHER)
    assert [target for target, _ in scene.sent()] == [OTHER]


def test_what_is_left_goes_out_with_the_group(scene: Scene) -> None:
    scene.subscribe()
    scene.notify("a")
    perform(scene.work, deleting("cse-in/g"))
    assert scene.sent() == [(TARGET, together("a"))]


@pytest.mark.parametrize("wrong", [{"nfu": [1]}, {"nfu": []}, {"nfu": {}}, {"nu": None, "gpi": "/id-up/grp1"}])
def test_malformed_targets_are_refused(scene: Scene, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="nfu"):
        scene.subscribe(**wrong)


def test_there_is_a_limit_to_what_a_group_remembers(scene: Scene) -> None:
    known = [
        {"name": f"n{number}", "nfu": [TARGET], "targets": [TARGET], "passes": False, "hosts": []}
        for number in range(MOST_KNOWN)
    ]
    group = scene.group
    group.attributes["_forwarded"] = known
    scene.work.transaction.resources.update(group)
    with pytest.raises(BadRequest, match="delete one"):
        scene.subscribe()
