import pytest

from cse.errors import BadRequest, NotImplementedByThisCSE
from cse.primitive import Response
from cse.resource import Work
from cse.tree.operations import perform
from resources.access_control_policy import AccessControlPolicy
from tests.cse.works import creating, updating
from tests.resources.facts import declared, read

TYPE = AccessControlPolicy()
R3 = read(
    """
    rn O NP 1; ty NP NP 1; ri NP NP 1; pi NP NP 1; et O O 1; lbl O O 0; ct NP NP 1; lt NP NP 1; at O O 0; aa O O 0;
    pv M O 1; pvs M O 1; adri O O 0; apri O O 0; airi O O 0
    """
)


def test_the_attributes_are_those_of_release_3() -> None:
    assert declared(TYPE) == R3


RULE = {"acor": ["all"], "acop": 63}


def create(work: Work, pv: object, pvs: object) -> Response:
    return perform(work, creating("cse-in", 1, {"m2m:acp": {"pv": pv, "pvs": pvs}}))


@pytest.mark.parametrize("pv", [{}, {"acr": []}, {"acr": [RULE]}, {"acr": [RULE | {"acod": [{"chty": [4]}]}]}])
def test_privileges_may_be_empty(work: Work, pv: object) -> None:
    assert create(work, pv, {"acr": [RULE]}).succeeded


@pytest.mark.parametrize(
    "rule",
    [
        {"acor": ["all"]},
        {"acop": 63},
        {"acor": [], "acop": 63},
        {"acor": [""], "acop": 63},
        {"acor": ["all"], "acop": 0},
        {"acor": ["all"], "acop": 64},
        {"acor": ["all"], "acop": True},
        {"acor": ["all"], "acop": "63"},
        {"acor": ["all"], "acop": 63, "acod": [{"ty": 3}]},
        {"acor": ["all"], "acop": 63, "other": 1},
    ],
)
def test_a_rule_must_be_complete(work: Work, rule: dict[str, object]) -> None:
    for pv, pvs, name in (({"acr": [rule]}, {"acr": [RULE]}, "pv "), ({"acr": []}, {"acr": [rule]}, "pvs ")):
        with pytest.raises(BadRequest, match=name):
            create(work, pv, pvs)


@pytest.mark.parametrize("member", ["acco", "acaf"])
def test_a_condition_that_can_not_be_checked_is_never_taken_for_true(work: Work, member: str) -> None:
    with pytest.raises(NotImplementedByThisCSE, match=member):
        create(work, {"acr": [RULE | {member: [{}]}]}, {"acr": [RULE]})


def test_self_privileges_are_never_empty(work: Work) -> None:
    with pytest.raises(BadRequest, match="pvs"):
        create(work, {"acr": [RULE]}, {"acr": []})
    policy = create(work, {"acr": []}, {"acr": [RULE]}).location
    with pytest.raises(BadRequest, match="pvs"):
        perform(work, updating(str(policy), {"m2m:acp": {"pvs": {}}}))
