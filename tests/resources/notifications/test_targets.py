"""Each target gets its notifications now, when its schedule opens, or when it can be reached again."""

import pytest

from tests.cse.works import add, deleting
from tests.resources.subscribing import BOX, PAUSE, TARGET, Subscribing, subscribing

SECOND = f"{TARGET}/2"
FOR_TEN_SECONDS = {"sce": ["0-9 * * * * * *"]}  # of each minute; scenes begin with one


def test_every_target_gets_each_once(scene: Subscribing) -> None:
    scene.subscribe(nu=[TARGET, SECOND])
    scene.label("a", "b")
    sent = scene.deliveries()
    assert [(outgoing.target, outgoing.reported) for outgoing in sent] == [(TARGET, False), (SECOND, False)] * 2
    assert len({outgoing.identifier for outgoing in sent}) == 4


def test_without_storage_a_deaf_target_misses_what_is_sent(scene: Subscribing) -> None:
    scene.subscribe()
    scene.deaf = {TARGET}
    scene.label("a")
    assert scene.sent() == []
    scene.deaf = set()
    scene.later(10 * PAUSE)
    scene.label("b")
    assert scene.sent() == ["b"]


def test_everything_pending_is_sent_when_the_target_is_back(scene: Subscribing) -> None:
    scene.subscribe(pn=2)
    scene.deaf = {TARGET}
    scene.label("a", "b")
    assert scene.sent() == []
    scene.label("c")
    assert scene.deliveries() == []
    scene.later(PAUSE)
    assert len(scene.deliveries()) == 1
    scene.deaf = set()
    scene.later(PAUSE)
    scene.label("d")
    assert scene.sent() == ["a", "b", "c", "d"]
    scene.later(10 * PAUSE)
    scene.label("e")
    assert scene.sent() == ["e"]


def test_only_the_latest_of_what_is_pending(scene: Subscribing) -> None:
    scene.subscribe(pn=1)
    scene.label("a", "b")
    assert scene.sent() == ["a", "b"]
    scene.deaf = {TARGET}
    scene.label("c", "d")
    assert len(scene.deliveries()) == 1
    scene.label("e")
    scene.deaf = set()
    scene.later(PAUSE)
    assert scene.sent() == ["e"]
    scene.label("f", "g")
    assert scene.sent() == ["f", "g"]


def test_targets_wait_for_themselves(scene: Subscribing) -> None:
    scene.subscribe(pn=2, nu=[TARGET, SECOND])
    scene.deaf = {SECOND}
    scene.label("a", "b")
    assert scene.sent() == ["a", "b"]
    scene.deaf = {TARGET}
    scene.later(PAUSE)
    scene.label("c")
    assert scene.sent() == ["a", "b", "c"]


def test_no_more_is_kept_than_there_may_be() -> None:
    with subscribing(max_stored_notifications=2) as scene:
        scene.subscribe(pn=2)
        scene.deaf = {TARGET}
        scene.label("a", "b", "c", "d")
        scene.sent()
        scene.deaf = set()
        scene.later(PAUSE)
        assert scene.sent() == ["c", "d"]


@pytest.mark.parametrize("change", [{"pn": None}, {"nu": [SECOND]}])
def test_what_is_pending_is_forgotten_with_the_policy_or_the_target(
    scene: Subscribing, change: dict[str, object]
) -> None:
    scene.subscribe(pn=2)
    scene.deaf = {TARGET}
    scene.label("a")
    scene.sent()
    scene.deaf = set()
    scene.change(**change)
    scene.later(PAUSE)
    assert scene.sent() == []
    scene.label("b")
    assert scene.sent() == ["b"]


def test_nothing_goes_out_before_the_schedule_opens(scene: Subscribing) -> None:
    add_schedule(scene, scene.subscribe().path)
    scene.label("a")
    scene.later(20)
    scene.label("b")
    scene.later(40)
    scene.label("c")
    assert scene.sent() == ["a", "c"]


@pytest.mark.parametrize(("pn", "told"), [(1, ["c"]), (2, ["b", "c"])])
def test_what_is_pending_goes_out_when_the_schedule_opens(scene: Subscribing, pn: int, told: list[str]) -> None:
    add_schedule(scene, scene.subscribe(pn=pn).path)
    scene.label("a")
    assert scene.sent() == ["a"]
    scene.later(20)
    scene.label("b", "c")
    assert scene.sent() == []
    scene.later(40)
    assert scene.sent() == told


def test_immediate_means_whatever_the_schedule_says(scene: Subscribing) -> None:
    add_schedule(scene, scene.subscribe(nec=2).path)
    scene.later(20)
    scene.label("a")
    assert scene.sent() == ["a"]


def test_the_schedule_of_the_node_behind_a_target_holds_in_any_case(scene: Subscribing) -> None:
    add(scene.work, "cse-in/node")
    add_schedule(scene, "cse-in/node")
    me = scene.work.target("cse-in/me").resource
    me.attributes["nl"] = "cse-in/node"
    scene.work.transaction.resources.update(me)
    scene.subscribe(nec=2, nu=["Cme", TARGET])
    scene.later(20)
    scene.label("a")
    assert [outgoing.target for outgoing in scene.deliveries()] == [TARGET]


def test_two_schedules_have_to_agree_and_one_may_never_open(scene: Subscribing) -> None:
    path = scene.subscribe(pn=2).path
    add_schedule(scene, path)
    add(scene.work, f"{path}/other", creator="Cme", se={"sce": ["5-30 * * * * * *"]})
    scene.label("a")
    scene.later(4)
    assert scene.sent() == []
    scene.later(1)
    assert scene.sent() == ["a"]
    never = add(scene.work, f"{path}/never", creator="Cme", se={"sce": ["* * * * * * 2000"]})
    scene.label("b")
    scene.later(2 * 3600)
    assert scene.sent() == []
    scene.request(deleting(never.path, "CAdmin"))
    scene.later(60)
    assert scene.sent() == ["b"]


def test_only_the_newest_is_kept_while_others_are_on_their_way(scene: Subscribing) -> None:
    scene.subscribe(ln=True)
    scene.label("a", "b", "c")
    assert scene.sent() == ["c"]
    scene.deaf = {TARGET}
    scene.label("d")
    assert scene.sent() == []
    scene.deaf = set()
    scene.label("e")
    assert scene.sent() == ["e"]


def test_a_subscription_ends_with_its_last_notification_and_no_other_is_sent(scene: Subscribing) -> None:
    scene.subscribe(exc=2, su="Cme")
    scene.deaf = {TARGET}
    scene.label("lost")
    assert scene.sent() == []
    assert scene.subscription.attributes["exc"] == 2
    scene.deaf = set()
    scene.label("a", "b", "c")
    assert scene.sent() == ["a", "b", "deleted"]
    assert scene.work.resource(f"{BOX}/news") is None


def test_a_batch_counts_as_one_for_the_expiration_counter(scene: Subscribing) -> None:
    scene.subscribe(exc=1, bn={"num": 2})
    scene.label("a", "b")
    assert scene.sent() == [["a", "b"]]
    assert scene.work.resource(f"{BOX}/news") is None


def test_statistics_are_kept_while_they_are_wanted(scene: Subscribing) -> None:
    scene.subscribe(nse=True, nu=[TARGET, SECOND], bn={"num": 2})
    scene.deaf = {SECOND}
    scene.label("a", "b", "c")
    scene.sent()
    heard = {"tg": TARGET, "rqs": 2, "rsr": 2, "noec": 3}
    silent = {"tg": SECOND, "rqs": 2, "rsr": 0, "noec": 3}
    assert scene.subscription.attributes["nsi"] == [heard, silent]
    scene.change(nse=False)
    scene.label("d")
    scene.sent()
    assert [entry["noec"] for entry in scene.subscription.attributes["nsi"]] == [3, 3]
    scene.change(nse=True)
    assert "nsi" not in scene.subscription.attributes


def add_schedule(scene: Subscribing, path: str) -> None:
    add(scene.work, f"{path}/hours", creator="Cme", se=FOR_TEN_SECONDS)
