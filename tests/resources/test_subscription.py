from typing import Any

import pytest

from cse.consent import Consent, ConsentNeeded
from cse.errors import (
    BadRequest,
    BlockingSubscriptionAlreadyExists,
    CSEError,
    NotImplementedByThisCSE,
    OriginatorHasNoPrivilege,
    SubscriptionVerificationFailed,
)
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from resources.subscription import Subscription
from tests.cse.works import add, creating, updating

TYPE = Subscription()
URL = "http://127.0.0.1/x"


@pytest.fixture(autouse=True)
def targets(work: Work) -> None:
    """Cme is registered; the target URL has consented."""
    add(work, "cse-in/me", "ae", ri="Cme", creator="Cme", rr=True)
    work.consent = Consent(frozenset({f"verify {URL}", "verify Cother"}))


def subscribe(work: Work, to: str = "cse-in/me", originator: str = "Cme", **attributes: Any) -> Resource:
    """Create a subscription; its attributes in the store."""
    response = perform(work, creating(to, 23, {"m2m:sub": {"nu": ["Cme"]} | attributes}, originator))
    assert response.location is not None
    return work.target(response.location).resource


def test_a_subscription_does_not_see_its_own_birth(work: Work) -> None:
    subscribe(work, enc={"net": [3]})
    assert work.transaction.effects.pending() == []
    subscribe(work, enc={"net": [3]})
    (effect,) = work.transaction.effects.pending()
    assert effect.document["content"]["m2m:sgn"]["nev"]["net"] == 3


def test_only_targets_that_are_new_and_others_are_asked(work: Work) -> None:
    work.consent = Consent()
    asked = {"Cother", URL}
    mine = ["Cme", "/id-in/Cme", "cse-in/me", "//cse.example/id-in/cse-in/me"]
    with pytest.raises(ConsentNeeded) as needed:
        subscribe(work, nu=[*mine, "Cother", URL, "Cother"])
    assert {question.target for question in needed.value.needs} == asked
    question = needed.value.needs[0].content["m2m:sgn"]
    assert question == {"vrq": True, "cr": "Cme", "sur": f"/id-in/{needed.value.identifier}"}
    subscription = subscribe(work, nu=["Cme"])
    change = {"m2m:sub": {"nu": [*mine, URL]}}
    with pytest.raises(ConsentNeeded) as needed:
        perform(work, updating(subscription.path, change, "Cme"))
    assert [question.target for question in needed.value.needs] == [URL]
    assert needed.value.needs[0].content["m2m:sgn"]["sur"] == f"/id-in/{subscription.ri}"


def test_the_resource_gets_the_identifier_that_the_targets_were_asked_about(work: Work) -> None:
    work.consent = Consent(frozenset({f"verify {URL}"}), "sub-promised")
    assert subscribe(work, nu=[URL]).ri == "sub-promised"


@pytest.mark.parametrize(
    ("nu", "creator"), [(["Cme"], None), ([URL], None), (["Cother"], "Cme"), (["cse-in/me", "Cother"], "Cme")]
)
def test_the_creator_is_named_if_another_entity_is_notified(work: Work, nu: list[str], creator: str | None) -> None:
    assert subscribe(work, nu=nu).attributes.get("cr") == creator


def test_the_creator_is_named_if_that_is_wanted(work: Work) -> None:
    assert subscribe(work, nu=["Cme"], cr=None).attributes["cr"] == "Cme"


@pytest.mark.parametrize(
    ("attributes", "nct"),
    [
        ({}, 1),
        ({"enc": {"net": [2, 3, 4]}}, 1),
        ({"enc": {"om": [{"ops": 2}]}}, 1),
        ({"enc": {"net": [7]}}, 2),
        ({"enc": {"net": [1]}, "nct": 3}, 3),
        ({"enc": {"net": [1], "nct": 2}}, 2),
        ({"enc": {"net": [1], "nct": 2}, "nct": 3}, 3),
    ],
)
def test_the_content_type_follows_from_the_events(work: Work, attributes: dict[str, Any], nct: int) -> None:
    assert subscribe(work, **attributes).attributes["nct"] == nct


def test_without_criteria_updates_are_meant(work: Work) -> None:
    assert subscribe(work).attributes["enc"] == {"net": [1]}
    assert subscribe(work, enc={"atr": ["lbl"]}).attributes["enc"] == {"atr": ["lbl"], "net": [1]}


@pytest.mark.parametrize(("batch", "filled"), [({}, "PT60S"), ({"num": 3}, "PT60S"), ({"dur": "PT5S"}, "PT5S")])
def test_a_batch_has_a_duration(work: Work, batch: dict[str, Any], filled: str) -> None:
    subscription = subscribe(work, bn=batch)
    assert subscription.attributes["bn"] == batch | {"dur": filled}
    perform(work, updating(subscription.path, {"m2m:sub": {"bn": {"num": 7}}}, "Cme"))
    assert work.target(subscription.path).resource.attributes["bn"] == {"num": 7, "dur": "PT60S"}


WRONG: list[tuple[dict[str, Any], type[CSEError], str]] = [
    ({"nct": 5}, BadRequest, "nct 5"),
    ({"nct": 4}, BadRequest, "nct 4"),
    ({"nct": 2, "enc": {"net": [1, 3]}}, BadRequest, "net 3"),
    ({"nct": 1, "enc": {"net": [7]}}, BadRequest, "net 7"),
    ({"nct": 2, "enc": {"om": [{"ops": 2}]}}, BadRequest, "om"),
    ({"enc": {"net": [1, 7]}}, BadRequest, "net"),
    ({"enc": {"net": [5]}}, BadRequest, "net 5 does not happen to a AE"),
    ({"enc": {"net": [6]}, "nct": 4}, NotImplementedByThisCSE, "net 6"),
    ({"enc": {"net": [8], "md": {"num": 2, "dur": "PT1M"}}}, BadRequest, "net 8"),
    ({"enc": {"net": [9]}}, BadRequest, "enc"),
    ({"enc": {"net": [3], "nct": 2}}, BadRequest, "nct 2"),
    ({"enc": {"md": {"num": 2, "dur": "PT1M"}}}, BadRequest, "md"),
    ({"enc": {"net": [1], "om": [{"ops": 2}]}}, BadRequest, "om"),
    ({"enc": {"om": [{}]}}, BadRequest, "om"),
    ({"enc": {"om": [{"ops": 64}]}}, BadRequest, "om"),
    ({"enc": {"om": [{"ops": 6, "org": "Cme"}]}}, BadRequest, "om"),
    ({"enc": {"om": [{"or": "Cme", "org": "Cme"}]}}, BadRequest, "om"),
    ({"enc": {"net": [3], "chty": [99]}}, BadRequest, "chty 99"),
    ({"enc": {"net": [3], "chty": [4]}}, BadRequest, "chty 4"),
    ({"enc": {"crb": "20270101T000000", "cra": "20280101T000000"}}, BadRequest, "cra"),
    ({"enc": {"colour": 1}}, BadRequest, "enc"),
    ({"enc": {"net": [7], "sza": 0}}, BadRequest, "atr"),
    ({"enc": {"net": [7]}, "nu": ["Cme", URL]}, BadRequest, "nu"),
    ({"enc": {"net": [7]}, "nu": [URL]}, SubscriptionVerificationFailed, "nu"),
    ({"enc": {"net": [7]}, "bn": {"num": 1}}, BadRequest, "bn"),
    ({"enc": {"net": [7]}, "exc": 1}, BadRequest, "exc"),
    ({"nu": [f"{URL}{i}" for i in range(101)]}, BadRequest, "nu"),
    ({"rl": {"mnn": 1, "tww": "PT0S"}}, BadRequest, "tww"),
    ({"rl": {"mnn": 1}}, BadRequest, "rl"),
    ({"nec": 1}, BadRequest, "nec"),
    ({"nec": 99}, BadRequest, "nec"),
    ({"cr": "Cme"}, BadRequest, "cr"),
    ({"nsi": []}, BadRequest, "nsi"),
    ({"ma": "PT1M"}, NotImplementedByThisCSE, "ma"),
]


@pytest.mark.parametrize(("attributes", "error", "sentence"), WRONG)
def test_what_does_not_fit_is_refused(
    work: Work, attributes: dict[str, Any], error: type[CSEError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        subscribe(work, **attributes)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"enc": {"net": [7]}}, "net 7"),
        ({"enc": {"chty": [2]}}, "chty 2"),
        ({"enc": {"net": [3]}}, "nct 2"),
        ({"enc": {"net": [1], "nct": 5}}, "nct 5"),
        ({"nct": 5}, "nct 5"),
        ({"rl": {"mnn": 1, "tww": "PT0S"}}, "tww"),
        ({"nu": None}, "nu"),
        ({"su": URL}, "su"),
        ({"psn": 1}, "psn"),
    ],
)
def test_what_does_not_fit_is_refused_in_an_update_as_well(
    work: Work, attributes: dict[str, Any], sentence: str
) -> None:
    subscription = subscribe(work, nct=2)
    with pytest.raises(BadRequest, match=sentence):
        perform(work, updating(subscription.path, {"m2m:sub": attributes}, "Cme"))


def test_an_old_client_may_combine_what_does_not_fit(work: Work) -> None:
    content = {"m2m:sub": {"nu": ["Cme"], "nct": 2, "enc": {"net": [1, 3]}}}
    perform(work, creating("cse-in/me", 23, content, "Cme").derive(lenient=True))


def test_one_blocking_subscription_is_enough(work: Work) -> None:
    subscribe(work, enc={"net": [7]})
    subscribe(work)
    with pytest.raises(BlockingSubscriptionAlreadyExists):
        subscribe(work, enc={"net": [7]})


def test_whoever_may_not_retrieve_may_not_subscribe(work: Work) -> None:
    everybody = {"acr": [{"acor": ["all"], "acop": 1}]}
    add(work, "cse-in/policy", "acp", pv=everybody, pvs=everybody)
    add(work, "cse-in/box", acpi=["cse-in/policy"])
    with pytest.raises(OriginatorHasNoPrivilege, match="RETRIEVE"):
        subscribe(work, "cse-in/box", "Cother")


def test_a_deleted_attribute_falls_back_to_its_default(work: Work) -> None:
    subscription = subscribe(work, enc={"net": [3]}, exc=5)
    perform(work, updating(subscription.path, {"m2m:sub": {"enc": None, "exc": None}}, "Cme"))
    attributes = work.target(subscription.path).resource.attributes
    assert attributes["enc"] == {"net": [1]}
    assert "exc" not in attributes


def test_every_type_can_be_subscribed_to_but_those_of_the_standard_that_can_not(work: Work) -> None:
    without = {number for number, kind in work.model.types.items() if not kind.subscribable}
    assert without == {4, 15, 23, 30, 45, 48, 58} & work.model.types.keys()
    assert all(TYPE.may_be_below(kind) for number, kind in work.model.types.items() if number not in without)
