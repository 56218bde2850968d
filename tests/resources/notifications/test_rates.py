"""At most so many notifications in each window of time; the others wait for the next ones."""

from tests.resources.subscribing import Subscribing, subscribing

LIMIT = {"mnn": 2, "tww": "PT10S"}


def test_the_surplus_waits_for_the_windows_that_follow(scene: Subscribing) -> None:
    scene.subscribe(rl=LIMIT)
    scene.label("a", "b", "c", "d", "e")
    assert scene.sent() == ["a", "b"]
    scene.later(9)
    scene.label("f")
    assert scene.sent() == []
    scene.later(1)
    assert scene.sent() == ["c", "d"]
    scene.later(10)
    scene.label("g")
    assert scene.sent() == ["e", "f"]
    scene.later(10)
    assert scene.sent() == ["g"]
    scene.label("h", "i")
    assert scene.sent() == ["h"]


def test_windows_count_from_the_creation(scene: Subscribing) -> None:
    scene.subscribe(rl=LIMIT)
    scene.later(18)
    scene.label("a", "b", "c")
    assert scene.sent() == ["a", "b"]
    scene.later(2)
    assert scene.sent() == ["c"]


def test_a_limit_of_nothing_sends_nothing_until_it_goes(scene: Subscribing) -> None:
    scene.subscribe(rl={"mnn": 0, "tww": "PT10S"})
    scene.label("a", "b")
    scene.later(25)
    assert scene.sent() == []
    scene.change(rl=None)
    assert scene.sent() == ["a", "b"]
    assert "_sent_in_window" not in scene.subscription.attributes
    scene.label("c")
    assert scene.sent() == ["c"]


def test_a_batch_counts_as_one(scene: Subscribing) -> None:
    scene.subscribe(rl={"mnn": 1, "tww": "PT10S"}, bn={"num": 2})
    scene.label("a", "b", "c", "d")
    assert scene.sent() == [["a", "b"]]
    scene.later(10)
    assert scene.sent() == [["c", "d"]]


def test_only_the_newest_waits_if_that_is_wanted(scene: Subscribing) -> None:
    scene.subscribe(rl={"mnn": 1, "tww": "PT10S"}, ln=True)
    scene.label("a", "b", "c")
    assert scene.sent() == ["a"]
    scene.later(10)
    assert scene.sent() == ["c"]


def test_the_oldest_are_dropped_when_too_many_wait() -> None:
    with subscribing(max_stored_notifications=2) as scene:
        scene.subscribe(rl={"mnn": 1, "tww": "PT10S"})
        scene.label("a", "b", "c", "d")
        assert scene.sent() == ["a"]
        scene.later(20)
        assert scene.sent() == ["c", "d"]
