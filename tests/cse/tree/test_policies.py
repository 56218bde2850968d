import pytest

from cse.access import Guard, Right
from cse.errors import BadRequest
from cse.store import Resource
from cse.tree.operations import perform
from cse.tree.policies import addresses
from cse.work import Work
from tests.cse.works import add, creating, deleting, retrieving, updating

RULES = {"acr": [{"acor": ["Cother"], "acop": 63}]}


@pytest.fixture
def policy(work: Work) -> Resource:
    add(work, "cse-in/app", "ae", aei="Capp", api="N.x", rr=True)
    add(work, "cse-in/app/shelf")
    return add(work, "cse-in/app/rules", "acp", pv=RULES, pvs={"acr": [{"acor": ["Capp"], "acop": 63}]})


def box(work: Work, *policies: str) -> Resource:
    perform(work, creating("cse-in/app", 3, {"m2m:cnt": {"rn": "box", "acpi": list(policies)}}))
    return work.target("cse-in/app/box").resource


def test_all_addresses_of_a_resource_stand_for_it(work: Work, policy: Resource) -> None:
    found = addresses(work, policy)
    assert len(found) == len(set(found)) == 15
    assert {"cse-in.app.rules", "-/app/rules", "/id-in/cse-in.app/rules", "//cse.example/id-in/cse-in/app/rules"} < set(
        found
    )
    for address in found:
        assert work.target(address).resource == policy


def test_a_policy_that_is_deleted_is_named_no_more(work: Work, policy: Resource) -> None:
    other = add(work, "cse-in/other", "acp", pv=RULES, pvs=RULES)
    shared = box(work, *addresses(work, policy), other.ri, "/id-mn/policy")
    alone = add(work, "cse-in/alone", acpi=["cse-in/app/rules"])
    bystander = add(work, "cse-in/bystander", acpi=[other.ri])
    perform(work, deleting("cse-in/app/rules"))
    assert work.target(shared.ri).resource.attributes["acpi"] == [other.ri, "/id-mn/policy"]
    assert "acpi" not in work.target(alone.ri).resource.attributes
    assert work.target(bystander.ri).resource == bystander


def test_policies_go_with_what_is_above_them(work: Work, policy: Resource) -> None:
    alone = add(work, "cse-in/alone", acpi=[policy.ri])
    perform(work, deleting("cse-in/app"))
    assert "acpi" not in work.target(alone.ri).resource.attributes


def test_nobody_takes_the_place_of_a_policy(work: Work, policy: Resource) -> None:
    alone = add(work, "cse-in/alone", acpi=["cse-in/app/rules"])
    assert Guard(work, retrieving("cse-in", "Cother")).permits(alone, Right.DELETE)
    perform(work, deleting("cse-in/app/rules"))
    add(work, "cse-in/app/rules", "acp", pv=RULES, pvs=RULES)
    alone = work.target(alone.ri).resource
    assert not Guard(work, retrieving("cse-in", "Cother")).permits(alone, Right.DELETE)
    assert Guard(work, retrieving("cse-in", "Capp")).permits(alone, Right.DELETE)


@pytest.mark.parametrize("name", ["cse-in/none", "cse-in/app", "cse-in/app/box", "unknown", "a b", "/id-in/none"])
def test_what_is_no_policy_can_not_be_named(work: Work, policy: Resource, name: str) -> None:
    existing = box(work, policy.ri)
    for request in (
        creating("cse-in/app", 3, {"m2m:cnt": {"acpi": [policy.ri, name]}}),
        updating(existing.ri, {"m2m:cnt": {"acpi": [policy.ri, name]}}),
    ):
        with pytest.raises(BadRequest):
            perform(work, request)
    assert work.target(existing.ri).resource == existing


def test_policies_of_other_cses_are_not_looked_at(work: Work, policy: Resource) -> None:
    assert box(work, "/id-mn/policy").attributes["acpi"] == ["/id-mn/policy"]
