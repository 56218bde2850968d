"""Notifications are sent together when there are enough of them, or after a while."""

from tests.cse.works import deleting
from tests.resources.subscribing import BOX, Subscribing, subscribing


def test_so_many_are_sent_together_and_in_order(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 3})
    scene.label("a", "b")
    assert scene.sent() == []
    scene.label("c", "d", "e")
    assert scene.sent() == [["a", "b", "c"]]
    scene.label("f")
    assert scene.sent() == [["d", "e", "f"]]


def test_what_there_is_goes_out_after_the_duration_which_begins_with_the_first(scene: Subscribing) -> None:
    scene.subscribe(bn={"dur": "PT10S"})
    scene.later(100)
    scene.label("a")
    scene.later(9)
    scene.label("b")
    assert scene.sent() == []
    scene.later(1)
    assert scene.sent() == [["a", "b"]]
    scene.later(100)
    assert scene.sent() == []
    scene.label("c")
    scene.later(10)
    assert scene.sent() == [["c"]]


def test_a_full_batch_ends_the_duration(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 2, "dur": "PT10S"})
    scene.label("a")
    scene.later(6)
    scene.label("b", "c")
    scene.later(6)
    assert scene.sent() == [["a", "b"]]
    scene.later(4)
    assert scene.sent() == [["c"]]


def test_a_batch_without_a_number_or_with_none_is_bounded() -> None:
    with subscribing(max_batch=2) as scene:
        scene.subscribe(bn={"num": 0})
        scene.label("a", "b", "c")
        assert scene.sent() == [["a", "b"]]


def test_large_notifications_are_not_put_into_one_request(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 3})
    long = ["a" * 300_000, "b" * 300_000, "c"]
    scene.label(*long)
    assert scene.sent() == [[long[0]], long[1:]]


def test_only_the_newest_of_a_batch(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 3}, ln=True)
    scene.label("a", "b", "c")
    (outgoing,) = scene.deliveries()
    assert outgoing.event_category == 4
    assert [item["nev"]["rep"]["m2m:cnt"]["lbl"] for item in outgoing.content["m2m:agn"]["m2m:sgn"]] == [["c"]]


def test_what_has_been_collected_is_sent_when_batches_are_given_up_or_changed(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 3})
    scene.label("a")
    scene.change(bn={"num": 2})
    assert scene.sent() == [["a"]]
    scene.label("b")
    scene.change(bn=None)
    scene.label("c")
    assert scene.sent() == [["b"], "c"]
    scene.later(100)
    assert scene.sent() == []


def test_what_has_been_collected_is_sent_before_the_subscription_goes(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 3}, su="Cme", rl={"mnn": 0, "tww": "PT1M"})
    scene.label("a")
    scene.request(deleting(f"{BOX}/news", "Cme"))
    assert scene.sent() == [["a"], "deleted"]


def test_the_deletion_of_what_is_watched_is_part_of_the_last_batch(scene: Subscribing) -> None:
    scene.subscribe(bn={"num": 9}, enc={"net": [1, 2]})
    scene.label("a")
    scene.request(deleting(BOX, "Cme"))
    assert scene.sent() == [["a", "a"]]
