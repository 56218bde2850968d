import pytest

from cse.access import Guard, Right
from cse.errors import OriginatorHasNoPrivilege
from cse.resource import Work
from cse.store import Resource
from tests.cse.works import add, working

EVERYTHING = [Right.CREATE, Right.RETRIEVE, Right.UPDATE, Right.DELETE, Right.NOTIFY, Right.DISCOVERY]


def permitted(work: Work, originator: str, resource: Resource) -> list[Right]:
    guard = Guard(work, originator)
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


def test_a_right_to_create_may_be_limited_to_types(work: Work, box: Resource) -> None:
    limited = {"acr": [{"acor": ["all"], "acop": 3, "acod": [{"chty": [4]}, {"ty": 2, "chty": [3]}]}]}
    add(work, "cse-in/app/rules", "acp", pv=limited, pvs=rules("Capp"))
    box.attributes["acpi"] = ["cse-in/app/rules"]
    guard = Guard(work, "Cother")
    assert [ty for ty in (3, 4, 23) if guard.permits(box, Right.CREATE, child_type=ty)] == [4]
    assert guard.permits(box, Right.RETRIEVE)


def test_instances_follow_their_parent_and_policies_themselves(work: Work, box: Resource) -> None:
    instance = add(work, "cse-in/app/box/one", "cin", creator="Cother", con="1")
    policy = add(work, "cse-in/app/rules", "acp", pv=rules("all"), pvs=rules("Cboss"))
    assert permitted(work, "Capp", instance) == EVERYTHING
    assert permitted(work, "Cother", instance) == []
    assert permitted(work, "Cboss", policy) == EVERYTHING
    assert permitted(work, "Capp", policy) == []


def test_policies_are_changed_by_self_privileges(work: Work, box: Resource) -> None:
    assert Guard(work, "Capp").permits_policy_change(box)
    add(work, "cse-in/app/rules", "acp", pv=rules("Cother"), pvs=rules("Cboss", rights=4))
    box.attributes["acpi"] = ["cse-in/app/rules"]
    changers = ("Capp", "Cother", "Cboss", "CAdmin")
    assert [name for name in changers if Guard(work, name).permits_policy_change(box)] == ["Cboss", "CAdmin"]


def test_the_fan_out_point_has_policies_of_its_own(work: Work, box: Resource) -> None:
    add(work, "cse-in/app/rules", "acp", pv=rules("Cother", rights=2), pvs=rules("Capp"))
    group = add(work, "cse-in/app/group", "grp", mt=0, macp=["cse-in/app/rules"])
    Guard(work, "Cother").require_fan_out(group, Right.RETRIEVE)
    for originator, right in (("Cother", Right.UPDATE), ("Capp", Right.RETRIEVE)):
        with pytest.raises(OriginatorHasNoPrivilege, match=right.name):
            Guard(work, originator).require_fan_out(group, right)


def test_registered_applications_may_read_the_csebase(work: Work) -> None:
    base = work.target("cse-in").resource
    assert permitted(work, "Capp", base) == []
    work.transaction.resources.insert(
        Resource("cse-in/app", "Capp", {"ty": 2, "ri": "Capp", "pi": "id-in", "rn": "app", "rr": True})
    )
    assert permitted(work, "Capp", base) == [Right.RETRIEVE]


def test_the_refusal_says_who_lacks_what_where(work: Work, box: Resource) -> None:
    with pytest.raises(OriginatorHasNoPrivilege, match="Cother has no DELETE privilege for cse-in/app/box"):
        Guard(work, "Cother").require(box, Right.DELETE)
