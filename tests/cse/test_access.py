import pytest

from cse.access import Guard, Right
from cse.errors import OriginatorHasNoPrivilege
from cse.rules import UNLIMITED, Grant
from cse.store import Resource
from cse.work import Work
from tests.cse.works import add, retrieving, working

EVERYTHING = [Right.CREATE, Right.RETRIEVE, Right.UPDATE, Right.DELETE, Right.NOTIFY, Right.DISCOVERY]


def guard_for(work: Work, originator: str) -> Guard:
    return Guard(work, retrieving("cse-in", originator))


def permitted(work: Work, originator: str, resource: Resource) -> list[Right]:
    guard = guard_for(work, originator)
    return [right for right in EVERYTHING if guard.permits(resource, right)]


def rules(*originators: str, rights: int = 63) -> dict[str, object]:
    return {"acr": [{"acor": list(originators), "acop": rights}]}


@pytest.fixture
def box(work: Work) -> Resource:
    add(work, "cse-in/app", "ae", aei="Capp", api="N.x", rr=True)
    return add(work, "cse-in/app/box")


def test_without_policies_the_creator_may_everything_and_others_nothing(work: Work, box: Resource) -> None:
    assert permitted(work, "Capp", box) == EVERYTHING
    assert permitted(work, "/id-in/Capp", box) == EVERYTHING
    assert permitted(work, "Cother", box) == []
    assert permitted(work, "", box) == []


def test_nobody_owns_what_nobody_created(work: Work) -> None:
    assert permitted(work, "", add(work, "cse-in/orphan", creator="")) == []


def test_the_administrator_and_the_server_itself_may_everything(work: Work, box: Resource) -> None:
    assert permitted(work, "CAdmin", box) == permitted(work, "/id-in", box) == EVERYTHING
    assert permitted(work, "id-in", box) == []


def test_there_need_not_be_an_administrator() -> None:
    with working(admin_originator="") as work:
        box = add(work, "cse-in/box")
        assert permitted(work, "", box) == permitted(work, "CAdmin", box) == []


@pytest.mark.parametrize("right", EVERYTHING)
def test_a_rule_grants_the_rights_of_its_sum(work: Work, box: Resource, right: Right) -> None:
    add(work, "cse-in/app/rules", "acp", pv=rules("Cother", rights=int(right)), pvs=rules("Capp"))
    box.attributes["acpi"] = ["cse-in/app/rules"]
    assert permitted(work, "Cother", box) == [right]
    assert permitted(work, "Capp", box) == []


@pytest.mark.parametrize("policy", ["missing", "a b", "/other/rules", "cse-in/app/box", ""])
def test_what_is_no_policy_grants_nothing(work: Work, box: Resource, policy: str) -> None:
    box.attributes["acpi"] = [policy]
    assert permitted(work, "Capp", box) == []


@pytest.mark.parametrize(
    ("details", "creatable"),
    [
        ([{"chty": [4]}], [4]),
        ([{"chty": [4]}, {"ty": 2, "chty": [23]}], [4]),
        ([{"ty": 3, "chty": [23, 3]}], [3, 23]),
        ([{"spty": {"mgd": 1001}, "chty": [3]}, {"spty": {"cnd": "org.example.lamp"}, "chty": [23]}], [23]),
    ],
)
def test_a_right_to_create_may_be_limited_to_types(
    work: Work, box: Resource, details: list[dict[str, object]], creatable: list[int]
) -> None:
    limited = {"acr": [{"acor": ["all"], "acop": 3, "acod": details}]}
    add(work, "cse-in/app/rules", "acp", pv=limited, pvs=rules("Capp"))
    box.attributes |= {"acpi": ["cse-in/app/rules"], "cnd": "org.example.lamp"}
    guard = guard_for(work, "Cother")
    assert [ty for ty in (3, 4, 23) if may_create(guard, box, ty)] == creatable
    assert guard.permits(box, Right.RETRIEVE)


def may_create(guard: Guard, parent: Resource, child_type: int) -> bool:
    try:
        return bool(guard.require(parent, Right.CREATE, child_type=child_type))
    except OriginatorHasNoPrivilege:
        return False


@pytest.fixture
def labelled(work: Work, box: Resource) -> Resource:
    limited = {"acor": ["Cother"], "acop": 63, "aca": ["lbl", "rn"]}
    policies = {"limited": limited, "labels": limited | {"aca": ["lbl"]}, "whole": {"acor": ["Cboss"], "acop": 63}}
    for name, rule in policies.items():
        add(work, f"cse-in/app/{name}", "acp", pv={"acr": [rule]}, pvs=rules("Capp"))
    box.attributes |= {"acpi": [f"cse-in/app/{name}" for name in policies], "lbl": ["a"]}
    return box


def test_a_rule_may_be_limited_to_attributes(work: Work, labelled: Resource) -> None:
    guard = guard_for(work, "Cother")
    for names in (["lbl"], ["rn", "lbl"], []):
        assert guard.require(labelled, Right.UPDATE, names=names) == Grant(frozenset({"lbl", "rn"}))
    for other in (["lbl", "mni"], None):
        with pytest.raises(OriginatorHasNoPrivilege):
            guard.require(labelled, Right.RETRIEVE, names=other)
    assert not guard.permits(labelled, Right.DELETE)
    assert guard_for(work, "Cboss").require(labelled, Right.DELETE) == UNLIMITED


def test_a_grant_shows_only_what_it_covers() -> None:
    content = {"m2m:cnt": {"rn": "box", "lbl": ["a"], "mni": 3}}
    assert UNLIMITED.visible(content) == content
    assert Grant(frozenset({"lbl", "et"})).visible(content) == {"m2m:cnt": {"lbl": ["a"]}}


def test_without_policies_a_custodian_takes_the_place_of_the_creator(work: Work, box: Resource) -> None:
    box.attributes["cstn"] = "/id-in/Ckeeper"
    assert permitted(work, "Ckeeper", box) == EVERYTHING
    assert permitted(work, "Capp", box) == []
    add(work, "cse-in/app/rules", "acp", pv=rules("Cother"), pvs=rules("Capp"))
    box.attributes["acpi"] = ["cse-in/app/rules"]
    assert permitted(work, "Ckeeper", box) == []


def test_instances_follow_their_parent_and_policies_themselves(work: Work, box: Resource) -> None:
    instance = add(work, "cse-in/app/box/one", "cin", creator="Cother", con="1")
    policy = add(work, "cse-in/app/rules", "acp", pv=rules("all"), pvs=rules("Cboss"))
    assert permitted(work, "Capp", instance) == EVERYTHING
    assert permitted(work, "Cother", instance) == []
    assert permitted(work, "Cboss", policy) == EVERYTHING
    assert permitted(work, "Capp", policy) == []


def test_policies_are_changed_by_self_privileges(work: Work, box: Resource) -> None:
    def changers() -> list[str]:
        return [name for name in ("Capp", "Cother", "Cboss", "CAdmin") if may_change_policies(work, name, box)]

    assert changers() == ["Capp", "CAdmin"]
    add(work, "cse-in/app/rules", "acp", pv=rules("Cother"), pvs=rules("Cboss", rights=4))
    box.attributes["acpi"] = ["cse-in/app/rules"]
    assert changers() == ["Cboss", "CAdmin"]


def may_change_policies(work: Work, originator: str, resource: Resource) -> bool:
    try:
        return bool(guard_for(work, originator).require_policy_change(resource))
    except OriginatorHasNoPrivilege:
        return False


def test_the_fan_out_point_has_policies_of_its_own(work: Work, box: Resource) -> None:
    add(work, "cse-in/app/rules", "acp", pv=rules("Cother", rights=2), pvs=rules("Capp"))
    group = add(work, "cse-in/app/group", "grp", mt=0, macp=["cse-in/app/rules"])
    guard_for(work, "Cother").require_fan_out(group, Right.RETRIEVE)
    for originator, right in (("Cother", Right.UPDATE), ("Capp", Right.RETRIEVE)):
        with pytest.raises(OriginatorHasNoPrivilege, match=right.name):
            guard_for(work, originator).require_fan_out(group, right)


def test_registered_applications_may_read_the_csebase(work: Work) -> None:
    base = work.target("cse-in").resource
    assert permitted(work, "Capp", base) == []
    work.transaction.resources.insert(
        Resource("cse-in/app", "Capp", {"ty": 2, "ri": "Capp", "pi": "id-in", "rn": "app", "rr": True})
    )
    assert permitted(work, "Capp", base) == [Right.RETRIEVE]


def test_the_refusal_says_who_lacks_what_where(work: Work, box: Resource) -> None:
    with pytest.raises(OriginatorHasNoPrivilege, match="Cother has no DELETE privilege for cse-in/app/box"):
        guard_for(work, "Cother").require(box, Right.DELETE)
