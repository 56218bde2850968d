from typing import Any

import pytest

from cse.address import Naming
from cse.rules import UNLIMITED, Grant, Privileges, Rule, kept_privileges
from cse.store import Resource

NAMING = Naming("/id-in", "cse-in", "cse.example")


def rule(*originators: str, acop: int = 2, **more: Any) -> dict[str, Any]:
    return {"acor": list(originators), "acop": acop, **more}


def policy(*rules: dict[str, Any]) -> Resource:
    return Resource("cse-in/rules", "Capp", {"ty": 1, "pv": {"acr": list(rules)}, "pvs": {"acr": []}})


def plainly(right: int, originator: str, *rules: dict[str, Any]) -> bool:
    return Privileges.of(policy(*rules), "pv", NAMING).grant_plainly(right, originator)


def test_whom_a_rule_without_conditions_names_has_its_rights_plainly() -> None:
    rules = (rule("Capp", "/id-in/Clamp", acop=3), rule("/id-mn/Cfar", acop=4))
    names = ("Capp", "Clamp", "/id-mn/Cfar", "Cother", "")
    for right, meant in ((1, ["Capp", "Clamp"]), (2, ["Capp", "Clamp"]), (4, ["/id-mn/Cfar"]), (8, [])):
        assert [name for name in names if plainly(right, name, *rules)] == meant


def test_everybody_is_whoever_asks() -> None:
    assert plainly(2, "Cother", rule("Capp"), rule("all"))
    assert plainly(2, "", rule("all"))
    assert not plainly(4, "Cother", rule("all"))


@pytest.mark.parametrize("entry", ["/id-in/all", "//cse.example/id-in/all"])
def test_an_originator_with_the_name_of_everybody_is_not_everybody(entry: str) -> None:
    assert not plainly(2, "Capp", rule(entry))
    assert plainly(2, "all", rule(entry))


@pytest.mark.parametrize(
    "condition",
    [
        {"acaf": True},
        {"acco": [{"actw": ["* * * * * * *"]}]},
        {"acod": [{"chty": [4]}]},
        {"aca": ["lbl"]},
    ],
)
def test_a_rule_with_a_condition_grants_nothing_plainly(condition: dict[str, Any]) -> None:
    assert not plainly(2, "Capp", rule("Capp", **condition))
    assert not plainly(2, "Capp", rule("all", **condition))
    assert plainly(2, "Capp", rule("Capp", **condition), rule("Capp"))


@pytest.mark.parametrize("entry", ["C*", "//cse.example", "cse-in/group"])
def test_patterns_and_groups_have_to_be_looked_at(entry: str) -> None:
    assert not plainly(2, "Capp", rule(entry))


def test_a_rule_sorts_whom_it_means() -> None:
    compiled = Rule.of(rule("all", "//cse.example", "/id-in/C*", "/id-in/Capp"), NAMING)
    assert (compiled.everybody, compiled.provider) == (True, True)
    assert (compiled.names, compiled.patterns) == ({"Capp"}, {"C*"})


def test_a_rule_grants_what_it_names() -> None:
    assert Rule.of(rule("Capp", aca=["lbl", "mni"]), NAMING).grant == Grant(frozenset({"lbl", "mni"}))
    assert Rule.of(rule("Capp"), NAMING).grant is UNLIMITED


def test_a_policy_that_nobody_changes_is_read_once() -> None:
    one = policy(rule("Capp"))
    assert kept_privileges(one, "pv", NAMING) is kept_privileges(one, "pv", NAMING)
    assert kept_privileges(one, "pvs", NAMING).rules == []
    assert kept_privileges(Resource("cse-in/box", "Capp", {"ty": 3}), "pv", NAMING).rules == []
