import pytest

from cse.errors import BadRequest
from cse.primitive import Response
from cse.tree.operations import perform
from cse.work import Work
from resources.access_control_policy import AccessControlPolicy
from tests.cse.works import creating, updating

TYPE = AccessControlPolicy()
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
        {"acor": ["all"], "acop": 63, "acod": [{"ty": [3], "chty": [4]}]},
        {"acor": ["all"], "acop": 63, "acod": [{"spty": "lamp", "chty": [4]}]},
        {"acor": ["all"], "acop": 63, "acod": []},
        {"acor": ["all"], "acop": 63, "aca": []},
        {"acor": ["all"], "acop": 63, "acaf": "true"},
        {"acor": ["all"], "acop": 63, "acco": []},
        {"acor": ["all"], "acop": 63, "acco": {"actw": ["* * * * * * *"]}},
        {"acor": ["all"], "acop": 63, "acco": [{"when": "always"}]},
        {"acor": ["all"], "acop": 63, "acco": [{"actw": []}]},
        {"acor": ["all"], "acop": 63, "acco": [{"acip": {"ipv4": "127.0.0.1"}}]},
        {"acor": ["all"], "acop": 63, "acco": [{"aclr": {"accr": [91, 0, 10]}}]},
        {"acor": ["all"], "acop": 63, "acco": [{"aclr": {"accr": [0, 0]}}]},
        {"acor": ["all"], "acop": 63, "acco": [{"aclr": {"accc": ["Germany"]}}]},
        {"acor": ["all"], "acop": 63, "other": 1},
    ],
)
def test_a_rule_must_be_complete(work: Work, rule: dict[str, object]) -> None:
    for pv, pvs, name in (({"acr": [rule]}, {"acr": [RULE]}, "pv "), ({"acr": []}, {"acr": [rule]}, "pvs ")):
        with pytest.raises(BadRequest, match=name):
            create(work, pv, pvs)


@pytest.mark.parametrize(
    "rule",
    [
        {"acaf": True},
        {"aca": ["lbl"]},
        {"acod": [{"ty": 28, "spty": {"cnd": "org.example.lamp"}, "chty": [4]}]},
        {"acco": [{"actw": ["* * 8-17 * * 1-5 *"]}, {"acip": {"ipv4": ["10.0.0.0/8"], "ipv6": ["::1"]}}]},
        {"acco": [{"aclr": {"accr": [48.1, 11.5, 1000], "accc": ["DE", "AT"]}}]},
    ],
)
def test_a_rule_may_have_conditions(work: Work, rule: dict[str, object]) -> None:
    assert create(work, {"acr": [RULE | rule]}, {"acr": [RULE | rule]}).succeeded


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"actw": ["* * * * * *"]}, "actw in pvs? must have seven fields"),
        ({"actw": ["* * 24 * * * *"]}, "actw in pvs?: the hour"),
        ({"acip": {"ipv4": ["10.0.0.0/33"]}}, "ipv4 in pvs? must be"),
        ({"acip": {"ipv6": ["10.0.0.1"]}}, "ipv6 in pvs? must be"),
        ({}, "pvs? has an empty acco"),
        ({"acip": {}}, "pvs? has an empty acip"),
        ({"aclr": {}}, "pvs? has an empty aclr"),
    ],
)
def test_a_condition_that_can_not_be_checked_is_never_taken_for_true(
    work: Work, context: dict[str, object], sentence: str
) -> None:
    limited = {"acr": [RULE | {"acco": [context]}]}
    for pv, pvs in ((limited, {"acr": [RULE]}), ({}, limited)):
        with pytest.raises(BadRequest, match=sentence):
            create(work, pv, pvs)
    policy = create(work, {}, {"acr": [RULE]}).location
    for name in ("pv", "pvs"):
        with pytest.raises(BadRequest, match=sentence):
            perform(work, updating(str(policy), {"m2m:acp": {name: limited}}))


def test_the_lists_of_a_policy_have_an_end(work: Work) -> None:
    many = {"acr": [RULE | {"acor": [f"C{number}" for number in range(1990)]}]}
    assert create(work, many, {"acr": [RULE]}).succeeded
    with pytest.raises(BadRequest, match="name a group"):
        create(work, many, {"acr": [RULE | {"aca": ["lbl"] * 10}]})


def test_self_privileges_are_never_empty(work: Work) -> None:
    with pytest.raises(BadRequest, match="pvs"):
        create(work, {"acr": [RULE]}, {"acr": []})
    policy = create(work, {"acr": []}, {"acr": [RULE]}).location
    with pytest.raises(BadRequest, match="pvs"):
        perform(work, updating(str(policy), {"m2m:acp": {"pvs": {}}}))
