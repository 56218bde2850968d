"""How many points must be missing within a time before somebody is told."""

from typing import Any

from cse.notification import Event, EventType
from resources.notifications.missing_data import MOST_LISTED
from tests.resources.subscribing import Subscribing


def watch(scene: Subscribing, num: int) -> None:
    """Have the container be watched like a timeSeries."""
    subscription = scene.subscribe()
    subscription.attributes |= {"enc": {"net": [8], "md": {"num": num, "dur": "PT10S"}}, "nct": 5}
    scene.work.transaction.resources.update(subscription)


def miss(scene: Subscribing, *points: str) -> list[Any]:
    """What is told when these points turn out to be missing, one after another."""
    subscription = scene.subscription
    for point in points:
        content = {"m2m:tsn": {"mdlt": [point], "mdc": 1}}
        event = Event(EventType.REPORT_ON_MISSING_DATA_POINTS, scene.box, scene.box, content=content)
        scene.work.type_of(subscription).react(scene.work, subscription, event)
    told = [outgoing.content["m2m:sgn"]["nev"]["rep"]["m2m:tsn"] for outgoing in scene.deliveries()]
    assert all(item["mdc"] >= len(item["mdlt"]) for item in told)
    return [item["mdlt"] for item in told]


def test_from_so_many_on_each_is_told_until_the_time_is_over(scene: Subscribing) -> None:
    watch(scene, 3)
    scene.later(100)
    assert miss(scene, "1", "2") == []
    scene.later(9)
    assert miss(scene, "3", "4") == [["1", "2", "3"], ["1", "2", "3", "4"]]
    scene.later(1)
    assert miss(scene, "5") == []
    scene.later(60)
    assert miss(scene, "6", "7", "8") == [["6", "7", "8"]]


def test_an_update_of_the_criteria_starts_anew(scene: Subscribing) -> None:
    watch(scene, 2)
    assert miss(scene, "1") == []
    scene.change(enc={"net": [1]}, nct=1)
    assert "_missing_points" not in scene.subscription.attributes


def test_of_very_many_points_only_the_newest_are_named(scene: Subscribing) -> None:
    watch(scene, MOST_LISTED + 2)
    points = [str(number) for number in range(MOST_LISTED + 2)]
    assert miss(scene, *points) == [points[2:]]
