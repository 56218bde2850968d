"""What notifications say."""

from typing import Any

import pytest

from cse.consent import Consent, ConsentNeeded
from cse.notification import Event, EventType
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import creating, deleting, updating
from tests.resources.subscribing import BOX, TARGET, Subscribing, subscribing


def only(scene: Subscribing) -> dict[str, Any]:
    """The one notification that has been sent."""
    (outgoing,) = scene.deliveries()
    content: dict[str, Any] = outgoing.content["m2m:sgn"]
    return content


def test_all_attributes_the_changed_ones_or_the_identifier(scene: Subscribing) -> None:
    scene.subscribe(nct=1)
    scene.label("a")
    told = only(scene)
    assert told["nev"]["net"] == 1
    assert told["nev"]["rep"]["m2m:cnt"].items() >= {"rn": "box", "lbl": ["a"], "ty": 3}.items()
    scene.change(nct=2)
    scene.label("b")
    assert only(scene)["nev"]["rep"] == {"m2m:cnt": {"lbl": ["b"]}}
    scene.change(nct=3)
    scene.label("c")
    assert only(scene)["nev"]["rep"] == {"m2m:uri": scene.box.ri}


def test_the_subscription_is_named_by_its_identifier_or_by_its_address(scene: Subscribing) -> None:
    identifier = scene.subscribe().ri
    scene.label("a")
    assert only(scene)["sur"] == f"/id-in/{identifier}"
    with subscribing(subscription_reference="structured") as other:
        other.subscribe()
        other.label("a")
        assert only(other)["sur"] == f"/id-in/{BOX}/news"


@pytest.mark.parametrize(
    ("attributes", "creator"),
    [({}, None), ({"cr": None}, "Cme"), ({"eeno": True}, "CAdmin"), ({"eeno": True, "cr": None}, "Cme")],
)
def test_who_created_the_subscription_or_caused_the_event(
    scene: Subscribing, attributes: dict[str, Any], creator: str | None
) -> None:
    scene.subscribe(su="Cme", **attributes)
    scene.request(updating(BOX, {"m2m:cnt": {"lbl": ["a"]}}, "CAdmin"))
    assert only(scene).get("cr") == creator
    scene.request(deleting(f"{BOX}/news", "Cme"))
    assert only(scene).get("cr") == ("Cme" if "cr" in attributes else None)


@pytest.mark.parametrize(
    ("monitor", "told"),
    [({"ops": 4, "or": "Cme"}, {"op": 3, "or": "Cme"}), ({"ops": 3, "org": "Cme"}, {"ops": 3, "org": "Cme"})],
)
def test_a_monitored_operation_in_the_names_of_either_release(
    scene: Subscribing, monitor: dict[str, Any], told: dict[str, Any]
) -> None:
    scene.subscribe(enc={"om": [monitor]})
    scene.label("a")
    happening = only(scene)["nev"]
    assert happening["om"] == told
    assert "net" not in happening


def test_a_blocking_update_is_asked_about_with_what_is_wanted(work: Work) -> None:
    scene = Subscribing(work)
    subscription = scene.subscribe(nu=["Cme"], enc={"net": [7], "atr": ["lbl", "mni"]})
    change = updating(BOX, {"m2m:cnt": {"lbl": None, "mni": 3}}, "Cme")
    with pytest.raises(ConsentNeeded) as needed:
        scene.request(change)
    (question,) = needed.value.needs
    assert (question.target, needed.value.locks) == ("Cme", scene.box.ri)
    wanted = {"net": 7, "rep": {"m2m:cnt": {"lbl": None, "mni": 3}}}
    assert question.content == {"m2m:sgn": {"nev": wanted, "sur": f"/id-in/{subscription.ri}"}}
    work.consent = Consent(frozenset({question.key}))
    perform(work, change)
    assert work.target(BOX).resource.attributes["mni"] == 3
    work.consent = Consent()
    perform(work, updating(BOX, {"m2m:cnt": {"mbs": 3}}, "Cme"))


def test_missing_data_is_told_as_the_time_series_says(scene: Subscribing) -> None:
    subscription = scene.subscribe()
    subscription.attributes |= {"enc": {"net": [8], "md": {"num": 1, "dur": "PT1M"}}, "nct": 5}
    points: dict[str, Any] = {"m2m:tsn": {"mdlt": ["20270101T000000"], "mdc": 1}}
    event = Event(EventType.REPORT_ON_MISSING_DATA_POINTS, scene.box, scene.box, content=points)
    scene.work.type_of(subscription).react(scene.work, subscription, event)
    assert only(scene)["nev"] == {"net": 8, "rep": points}


def test_children_that_were_there_before_are_told_if_that_is_wanted(scene: Subscribing) -> None:
    for text in "abc":
        scene.request(creating(BOX, 4, {"m2m:cin": {"con": text}}, "Cme"))
    scene.request(creating(BOX, 3, {"m2m:cnt": {}}, "Cme"))
    scene.deliveries()
    scene.subscribe(psn=2, enc={"net": [3], "chty": [4]})
    told = [outgoing.content["m2m:sgn"]["nev"] for outgoing in scene.deliveries()]
    assert [(nev["net"], nev["rep"]["m2m:cin"]["con"]) for nev in told] == [(3, "b"), (3, "c")]
    scene.subscribe(rn="other", psn=9, nu=[TARGET])
    assert scene.deliveries() == []


@pytest.mark.parametrize(("nfu", "told"), [([TARGET], TARGET), ([TARGET, f"{TARGET}/2"], [TARGET, f"{TARGET}/2"])])
def test_where_a_group_host_sends_it_on(scene: Subscribing, nfu: list[str], told: Any) -> None:
    scene.subscribe(nfu=nfu, gpi="/id-in/group")
    scene.label("red")
    assert only(scene)["nfu"] == told
