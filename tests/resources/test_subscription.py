import pytest

from cse.errors import BadRequest, CSEError, NotImplementedByThisCSE
from cse.primitive import Operation
from cse.resource import Work
from cse.store import Resource
from cse.tree.operations import perform
from resources.subscription import Subscription
from tests.cse.works import add, creating, updating
from tests.resources.facts import declared, read

TYPE = Subscription()
R3 = read(
    """
    rn O NP 1; ty NP NP 1; ri NP NP 1; pi NP NP 1; acpi O O 0; ct NP NP 1; et O O 1; lt NP NP 1; lbl O O 0;
    daci O O 0; cr O NP 0; enc O O 0; exc O O 0; nu M O 1; gpi O O 0; nfu O O 0; bn O O 0; rl O O 0; psn O NP 0;
    pn O O 0; nsp O O 0; ln O O 0; nct O O 1; nec O O 0; su O NP 0; acrs O O 0
    """
)


def test_the_attributes_are_those_of_release_3() -> None:
    assert declared(TYPE) == R3


def test_a_subscription_does_not_see_its_own_birth(work: Work) -> None:
    add(work, "cse-in/box", ri="box")
    subscribe = creating("cse-in/box", 23, {"m2m:sub": {"nu": ["http://127.0.0.1/x"], "enc": {"net": [3]}}})
    perform(work, subscribe)
    assert work.transaction.effects.pending() == []
    perform(work, subscribe)
    (effect,) = work.transaction.effects.pending()
    assert effect.document["content"]["m2m:sgn"]["nev"]["net"] == 3


def test_only_targets_that_are_new_and_others_are_asked(work: Work) -> None:
    add(work, "cse-in/me", "ae", ri="Cme", rr=True)
    box = add(work, "cse-in/box", ri="box")
    request = creating("cse-in/box", 23, {}, "CAdmin").derive(originator="Cme")
    box.creator = "Cme"
    content = {"nu": ["Cme", "/id-in/Cme", "cse-in/me", "Cother", "http://127.0.0.1/x", "Cother"]}
    asked = TYPE.verifications(work, request, box, content)
    assert [outgoing.target for outgoing in asked] == ["Cother", "http://127.0.0.1/x"]
    assert asked[0].content["m2m:sgn"].items() >= {"vrq": True, "cr": "Cme"}.items()
    before = Resource("x", "Cme", {"nu": ["Cother"], "nct": 1})
    changed = TYPE.verifications(work, request.derive(operation=Operation.UPDATE), before, content)
    assert [outgoing.target for outgoing in changed] == ["http://127.0.0.1/x"]


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"nct": 5}, BadRequest),
        ({"nct": 2, "enc": {"net": [1, 3]}}, BadRequest),
        ({"enc": {"net": [5]}}, NotImplementedByThisCSE),
        ({"enc": {"md": {}}}, NotImplementedByThisCSE),
        ({"enc": {"fo": 2}}, NotImplementedByThisCSE),
        ({"enc": {"chty": [99]}}, BadRequest),
    ],
)
def test_what_can_not_be_watched_is_refused(work: Work, attributes: dict[str, object], error: type[CSEError]) -> None:
    with pytest.raises(error):
        perform(work, creating("cse-in", 23, {"m2m:sub": {"nu": ["http://127.0.0.1/x"], **attributes}}))


def test_a_deleted_attribute_falls_back_to_its_default(work: Work) -> None:
    content = {"rn": "s", "nu": ["http://127.0.0.1/x"], "enc": {"net": [3]}, "exc": 5}
    perform(work, creating("cse-in", 23, {"m2m:sub": content}))
    perform(work, updating("cse-in/s", {"m2m:sub": {"enc": None, "exc": None}}))
    attributes = work.target("cse-in/s").resource.attributes
    assert not {"enc", "exc"} & attributes.keys()
