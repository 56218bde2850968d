"""How many points must be missing within a time before somebody is told."""

from cse.store import Resource
from resources.missing_data import restart, suffice
from tests.resources.subscribing import Subscribing


def missing(scene: Subscribing, subscription: Resource, count: int) -> list[bool]:
    return [suffice(scene.work, subscription) for _ in range(count)]


def test_from_so_many_on_each_is_told_until_the_time_is_over(scene: Subscribing) -> None:
    subscription = scene.subscribe()
    subscription.attributes["enc"] = {"net": [8], "md": {"num": 3, "dur": "PT10S"}}
    scene.later(100)
    assert missing(scene, subscription, 2) == [False, False]
    scene.later(9)
    assert missing(scene, subscription, 2) == [True, True]
    scene.later(1)
    assert missing(scene, subscription, 1) == [False]
    scene.later(60)
    assert missing(scene, subscription, 3) == [False, False, True]
    restart(subscription)
    assert missing(scene, subscription, 3) == [False, False, True]
