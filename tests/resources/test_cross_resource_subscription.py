from typing import Any

import pytest

from cse.errors import BadRequest, CrossResourceOperationFailure, NotFound
from cse.notification import Outgoing
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from resources.notifications import windows
from tests.cse.works import NOW, add, creating, deleting, updating

BOXES = ["cse-in/me/a", "cse-in/me/b"]
CHILDREN = {"enc": [{"net": [3]}]}


@pytest.fixture(autouse=True)
def boxes(work: Work) -> None:
    add(work, "cse-in/me", "ae", ri="Cme", creator="Cme", rr=True)
    for path in BOXES:
        add(work, path, creator="Cme")


def cross(work: Work, originator: str = "Cme", **attributes: Any) -> Resource:
    content = {"nu": ["Cme"], "twt": 1, "tws": "PT10S", "rrat": BOXES, "encs": CHILDREN} | attributes
    content = {name: value for name, value in content.items() if value is not None}
    response = perform(work, creating("cse-in/me", 48, {"m2m:crs": content}, originator))
    return work.target(str(response.location)).resource


def fill(work: Work, *paths: str) -> None:
    for path in paths:
        perform(work, creating(path, 3, {"m2m:cnt": {}}, "Cme"))


def told(work: Work) -> list[Any]:
    """What has been sent so far."""
    return [effect.document["content"] for effect in work.transaction.effects.pending()]


def current(work: Work, crossing: Resource) -> Resource:
    return work.target(crossing.ri).resource


def ring(work: Work, crossing: Resource) -> None:
    """The alarm of the window, if one is set, at its moment."""
    due = work.transaction.alarms.get(crossing.ri, windows.ALARM)
    assert due is not None
    work.now = due
    work.transaction.alarms.cancel(crossing.ri, windows.ALARM)
    work.type_of(crossing).alarm(work, current(work, crossing), windows.ALARM)


def test_it_subscribes_in_the_name_of_its_creator(work: Work) -> None:
    crossing = cross(work, encs={"encn": [{"net": [3]}, {"atr": ["lbl"]}]})
    made = [work.target(address).resource for address in crossing.attributes["rrats"]]
    assert [subscription.path.rpartition("/")[0] for subscription in made] == BOXES
    assert [subscription.attributes["enc"] for subscription in made] == [{"net": [3]}, {"atr": ["lbl"], "net": [1]}]
    for subscription in made:
        assert subscription.creator == "Cme"
        assert subscription.attributes["nu"] == subscription.attributes["acrs"] == [f"/id-in/{crossing.ri}"]
        assert subscription.attributes["et"] == crossing.attributes["et"]
    assert crossing.attributes["cr"] == "Cme"


def test_all_events_in_one_window_are_one_notification(work: Work) -> None:
    crossing = cross(work)
    fill(work, *BOXES, *BOXES)
    assert told(work) == []
    ring(work, crossing)
    assert work.now == NOW + 10
    assert told(work) == [{"m2m:sgn": {"sur": f"/id-in/{crossing.ri}"}}]


def test_events_in_different_windows_are_none(work: Work) -> None:
    crossing = cross(work)
    for path in (*BOXES, BOXES[0]):
        fill(work, path)
        ring(work, crossing)
    assert told(work) == []


@pytest.mark.parametrize(("kind", "end"), [(windows.PERIODIC, NOW + 20), (windows.SLIDING, NOW + 22)])
def test_periodic_windows_follow_each_other_and_sliding_ones_begin_with_an_event(
    work: Work, kind: int, end: float
) -> None:
    crossing = cross(work, twt=kind)
    assert work.transaction.alarms.get(crossing.ri, windows.ALARM) is None
    work.now = NOW + 12
    fill(work, BOXES[1])
    work.now = NOW + 15
    fill(work, BOXES[0])
    assert work.transaction.alarms.get(crossing.ri, windows.ALARM) == end


@pytest.mark.parametrize(
    ("mode", "none", "some", "every"),
    [
        (1, False, False, True),
        (2, False, True, True),
        (3, True, True, False),
        (4, True, False, False),
        (5, False, True, False),
    ],
)
def test_the_evaluation_mode_says_which_events_count(
    work: Work, mode: int, none: bool, some: bool, every: bool
) -> None:
    for filled, expected in (([], none), (BOXES[:1], some), (BOXES, every)):
        crossing = cross(work, eem=mode)
        fill(work, *filled)
        if filled or mode in windows.SILENCE:
            ring(work, crossing)
        else:
            assert work.transaction.alarms.get(crossing.ri, windows.ALARM) is None
        assert len(told(work)) == expected
        work.transaction.effects.remove([effect.id for effect in work.transaction.effects.pending()])
        perform(work, deleting(crossing.path, "Cme"))


def test_silence_is_noticed_in_each_window(work: Work) -> None:
    crossing = cross(work, eem=4)
    for count in (1, 2, 3):
        ring(work, crossing)
        assert work.now == NOW + 10 * count
        assert len(told(work)) == count


def test_new_windows_begin_with_their_change(work: Work) -> None:
    crossing = cross(work)
    fill(work, BOXES[0])
    work.now = NOW + 4
    perform(work, updating(crossing.path, {"m2m:crs": {"tws": "PT30S", "et": "20270301T000000"}}, "Cme"))
    assert work.transaction.alarms.get(crossing.ri, windows.ALARM) is None
    fill(work, BOXES[1])
    ring(work, crossing)
    assert work.now == NOW + 34
    assert told(work) == []
    for address in crossing.attributes["rrats"]:
        assert work.target(address).resource.attributes["et"] == "20270301T000000"


def test_it_joins_subscriptions_of_others(work: Work) -> None:
    existing = [add(work, f"{path}/news", "sub", creator="Cme", nu=["Cme"], enc={"net": [3]}, nct=1) for path in BOXES]
    crossing = cross(work, rrat=None, encs=None, srat=[existing[0].path, existing[1].ri])
    own = f"/id-in/{crossing.ri}"
    for subscription in existing:
        assert work.target(subscription.ri).resource.attributes["nu"] == ["Cme", own]
    fill(work, *BOXES)
    assert len(told(work)) == 2
    ring(work, crossing)
    assert told(work)[2] == {"m2m:sgn": {"sur": own}}
    perform(work, deleting(crossing.path, "Cme"))
    for subscription in existing:
        attributes = work.target(subscription.ri).resource.attributes
        assert attributes["nu"] == ["Cme"]
        assert "acrs" not in attributes


def test_its_subscriptions_go_with_it(work: Work) -> None:
    crossing = cross(work, su="Cme")
    perform(work, deleting(crossing.path, "Cme"))
    for address in crossing.attributes["rrats"]:
        with pytest.raises(NotFound):
            work.target(address)
    assert told(work) == [{"m2m:sgn": {"sud": True, "sur": f"/id-in/{crossing.ri}", "cr": "Cme"}}]


@pytest.mark.parametrize("gone", ["subscription", "cse-in/me/a", "cse-in/me"])
def test_it_goes_with_one_of_its_subscriptions(work: Work, gone: str) -> None:
    crossing = cross(work, su="Cme")
    first, second = crossing.attributes["rrats"]
    perform(work, deleting(first if gone == "subscription" else gone, "Cme"))
    for address in (crossing.ri, first, second):
        with pytest.raises(NotFound):
            work.target(address)
    assert len(told(work)) == 1


def test_the_last_notification_is_the_end(work: Work) -> None:
    crossing = cross(work, exc=1)
    fill(work, *BOXES)
    ring(work, crossing)
    (effect,) = work.transaction.effects.pending()
    assert effect.document["source"] == crossing.ri
    kind = work.type_of(crossing)
    document = {name: value for name, value in effect.document.items() if name != "created"}
    kind.delivered(work, current(work, crossing), Outgoing(**document), arrived=True)
    with pytest.raises(NotFound):
        work.target(crossing.ri)


def test_a_schedule_says_when_it_may_notify(work: Work) -> None:
    crossing = cross(work)
    perform(work, creating(crossing.path, 18, {"m2m:sch": {"se": {"sce": ["* * * * * * 1999"]}}}, "Cme"))
    fill(work, *BOXES)
    ring(work, crossing)
    assert told(work) == []


@pytest.mark.parametrize(
    "attributes",
    [
        {"rrat": None, "encs": None},
        {"rrat": None},
        {"encs": None},
        {"encs": {}},
        {"encs": {"enc": [{"net": [3]}] * 3}},
        {"rrat": ["cse-in/me/a"] * 101},
        {"tws": "PT0.5S"},
        {"tws": None},
        {"twt": 3},
        {"twt": 2, "eem": 4},
        {"rrats": ["x"]},
        {"srat": ["cse-in/me/a"]},
    ],
)
def test_what_does_not_fit_is_refused(work: Work, attributes: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        cross(work, **attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"rrat": ["cse-in/me/a", "cse-in/none"]},
        {"rrat": ["cse-in/theirs"]},
        {"rrat": ["/id-mn/cse-mn/box"]},
        {"rrat": ["cse-in/me/a/entry"]},
        {"encs": {"enc": [{"net": [7]}]}},
        {"encs": {"enc": [{"net": [3], "chty": [2]}]}},
        {"srat": ["cse-in/none"]},
        {"srat": ["cse-in/theirs/news"]},
    ],
)
def test_a_target_that_can_not_be_subscribed_to_fails_the_whole(work: Work, attributes: dict[str, Any]) -> None:
    add(work, "cse-in/theirs", creator="Cother")
    add(work, "cse-in/theirs/news", "sub", creator="Cother", nu=["Cother"], enc={"net": [3]})
    add(work, "cse-in/me/a/entry", "cin", creator="Cme", con="1")
    with pytest.raises(CrossResourceOperationFailure), work.transaction.savepoint():
        cross(work, **attributes)
    assert [child.ty for path in BOXES for child in work.transaction.resources.children(path.replace("/", "."))] == [4]
