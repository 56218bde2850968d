"""SEC/ACP: accessControlPolicies and the default."""

import pytest

from conformance.application import Application, rule
from conformance.client import Attributes
from conformance.purposes import case, purpose
from conformance.rights import OPERATIONS, attempt, guarded, right
from conformance.standard import ACP, AE, ALL, CIN, CNT, CREATE, DELETE, DISCOVERY, GRP, NOTIFY, RETRIEVE, SUB

TP = "TP/oneM2M/CSE/SEC/ACP"
EVERYBODY = {"acr": [rule(ALL, "all")]}


@pytest.mark.parametrize("privileges", [case(f"{TP}/CRE/001", "pv"), case(f"{TP}/CRE/002", "pvs")])
def test_several_rules(ae: Application, privileges: str) -> None:
    """Several rules."""
    rules = {"acr": [rule(RETRIEVE, "Cone", "Ctwo"), rule(ALL, ae.identifier)]}
    attributes = {"pv": {"acr": [rule(RETRIEVE, "all")]}, "pvs": {"acr": [rule(ALL, ae.identifier)]}}
    assert ae.create(ae.path, ACP, attributes | {privileges: rules}).resource(2001)[privileges] == rules


@purpose(f"{TP}/CRE/003")
def test_empty_privileges(ae: Application) -> None:
    """privileges may be empty."""
    ae.policy()


@purpose(f"{TP}/CRE/004")
@pytest.mark.parametrize("empty", [{}, {"acr": []}])
def test_empty_self_privileges(ae: Application, empty: Attributes) -> None:
    """selfPrivileges may not be empty."""
    ae.create(ae.path, ACP, {"pv": EVERYBODY, "pvs": empty}).expect(4000)


@purpose("TP/own/CSE/SEC/001")
@pytest.mark.parametrize(
    "bad",
    [
        {"acop": 63},
        {"acor": ["all"]},
        {"acor": ["all"], "acop": "all"},
        {"acor": ["all"], "acop": 64},
        {"acor": "all", "acop": 1},
    ],
)
def test_malformed_rule(ae: Application, bad: Attributes) -> None:
    """A rule without originators or operations, or with others than there are."""
    ae.create(ae.path, ACP, {"pv": {"acr": [bad]}, "pvs": EVERYBODY}).expect(4000)


@purpose(f"{TP}/001")
@right
def test_all_but_the_right(ae: Application, stranger: Application, right: int) -> None:
    """Every right but the one that is needed."""
    attempt(stranger, right, guarded(ae, rule(ALL - right, stranger.identifier))).expect(4103)


@purpose("TP/own/CSE/SEC/002")
@right
def test_nothing_but_the_right(ae: Application, stranger: Application, right: int) -> None:
    """Only the one that is needed."""
    attempt(stranger, right, guarded(ae, rule(right, stranger.identifier))).expect(OPERATIONS[right])


@purpose(f"{TP}/002")
@right
def test_two_policies(ae: Application, stranger: Application, right: int) -> None:
    """Two policies, one of which permits."""
    policies = [ae.policy(rule(ALL - right, stranger.identifier)), ae.policy(rule(right, stranger.identifier))]
    attempt(stranger, right, ae.container(acpi=policies)).expect(OPERATIONS[right])


@purpose("TP/own/CSE/SEC/003")
@right
def test_two_rules(ae: Application, stranger: Application, right: int) -> None:
    """Two rules of one policy, one of which permits."""
    path = guarded(ae, rule(ALL - right, stranger.identifier), rule(right, stranger.identifier))
    attempt(stranger, right, path).expect(OPERATIONS[right])


@purpose(f"{TP}/003")
@right
def test_domain(ae: Application, stranger: Application, right: int) -> None:
    """The domain of a service provider permits all its originators (TS-0001 clause 9.6.2.1)."""
    path = guarded(ae, rule(right, f"//{ae.cse.service_provider}"))
    attempt(stranger, right, path).expect(OPERATIONS[right])


@purpose("TP/own/CSE/SEC/004")
def test_another_domain(ae: Application, stranger: Application) -> None:
    """The domain of another service provider does not."""
    stranger.retrieve(guarded(ae, rule(RETRIEVE, "//another.example"))).expect(4103)


@purpose(f"{TP}/004")
@right
def test_everybody(ae: Application, stranger: Application, right: int) -> None:
    """`all` permits everybody."""
    attempt(stranger, right, guarded(ae, rule(right, "all"))).expect(OPERATIONS[right])


@purpose(f"{TP}/011", f"{TP}/012")
@right
def test_no_policy(ae: Application, stranger: Application, right: int) -> None:
    """Without any policy the creator may do everything, and nobody else anything."""
    path = ae.container()
    attempt(stranger, right, path).expect(4103)
    attempt(ae, right, path).expect(OPERATIONS[right])


@purpose("TP/own/CSE/SEC/005")
def test_own_rights(ae: Application, stranger: Application) -> None:
    """A policy is governed by its own selfPrivileges only (TS-0001 clause 9.6.2)."""
    policy = ae.policy(rule(ALL, stranger.identifier), own=[rule(RETRIEVE, stranger.identifier)])
    stranger.retrieve(policy).expect(2000)
    stranger.update(policy, ACP, {"lbl": ["a"]}).expect(4103)
    ae.retrieve(policy).expect(4103)


@purpose("TP/own/CSE/SEC/006")
def test_policy_that_is_gone(ae: Application, stranger: Application) -> None:
    """A policy that is gone permits nothing."""
    policy = ae.policy(rule(ALL, "all"))
    path = ae.container(acpi=[policy])
    ae.delete(policy).expect(2002)
    stranger.retrieve(path).expect(4103)


@purpose("TP/own/CSE/SEC/007")
def test_policy_is_changed(ae: Application, stranger: Application) -> None:
    """A changed policy holds at once."""
    policy = ae.policy(rule(ALL, "all"))
    path = ae.container(acpi=[policy])
    stranger.retrieve(path).expect(2000)
    ae.update(policy, ACP, {"pv": {"acr": [rule(ALL, ae.identifier)]}}).expect(2004)
    stranger.retrieve(path).expect(4103)


@purpose(f"{TP}/UPD/001")
def test_policies_are_changed(ae: Application) -> None:
    """acpi is changed with UPDATE in the selfPrivileges of the present policies."""
    first, second = (ae.policy(rule(ALL, ae.identifier)) for _ in range(2))
    ae.update(ae.path, AE, {"acpi": [first]}).expect(2004)
    updated = ae.update(ae.path, AE, {"acpi": [second]}).resource(2004)
    assert ae.identify(updated["acpi"]) == ae.identify([second])


@purpose(f"{TP}/UPD/002")
def test_policies_are_not_changed(ae: Application, stranger: Application) -> None:
    """acpi is not changed without it."""
    locked = ae.policy(rule(ALL, ae.identifier), own=[rule(ALL, stranger.identifier)])
    ae.update(ae.path, AE, {"acpi": [locked]}).expect(2004)
    ae.update(ae.path, AE, {"acpi": [ae.policy(rule(ALL, "all"))]}).expect(4103)


@purpose("TP/own/CSE/SEC/008")
def test_policies_are_changed_alone(ae: Application) -> None:
    """acpi is changed by a request of its own (TS-0004 clause 7.3.3.7)."""
    policy = ae.policy(rule(ALL, ae.identifier))
    ae.update(ae.path, AE, {"acpi": [policy], "lbl": ["a"]}).expect(4000)


@purpose("TP/own/CSE/SEC/009")
@pytest.mark.parametrize("form", ["{id}", "{cse}/{id}", "//{sp}{cse}/{id}", "C*", "{cse}/C*"])
def test_originators(ae: Application, stranger: Application, form: str) -> None:
    """An originator may be named in every scope, and by wildcard (TS-0001 clause 9.6.2.1)."""
    cse = ae.cse
    entry = form.format(id=stranger.identifier, cse=cse.cse_id, sp=cse.service_provider)
    stranger.retrieve(guarded(ae, rule(RETRIEVE, entry))).expect(2000)


@purpose("TP/own/CSE/SEC/010")
@pytest.mark.parametrize("form", ["{id}x", "/nobody/{id}", "{id}/*", "S*"])
def test_other_originators(ae: Application, stranger: Application, form: str) -> None:
    """Others than the originator are not meant."""
    stranger.retrieve(guarded(ae, rule(RETRIEVE, form.format(id=stranger.identifier)))).expect(4103)


@purpose("TP/own/CSE/SEC/011")
def test_group_of_originators(ae: Application, stranger: Application) -> None:
    """A group permits its members (TS-0001 clause 9.6.2.1)."""
    stranger.update(stranger.path, AE, {"acpi": [stranger.policy(rule(RETRIEVE | DISCOVERY, "all"))]}).expect(2004)
    with_stranger, without = ae.identify([ae.group(stranger.identifier), ae.group(ae.identifier)])
    stranger.retrieve(guarded(ae, rule(RETRIEVE, with_stranger))).expect(2000)
    stranger.retrieve(guarded(ae, rule(RETRIEVE, without))).expect(4103)


@purpose("TP/own/CSE/SEC/012")
@pytest.mark.parametrize(
    ("details", "code"),
    [
        ([{"chty": [CNT]}], 2001),
        ([{"chty": [CIN]}], 4103),
        ([{"ty": CNT, "chty": [CNT]}], 2001),
        ([{"ty": AE, "chty": [CNT]}], 4103),
        ([{"chty": [SUB]}, {"chty": [GRP, CNT]}], 2001),
    ],
)
def test_object_details(ae: Application, stranger: Application, details: list[Attributes], code: int) -> None:
    """accessControlObjectDetails limit what may be created (TS-0001 clause 9.6.2.4)."""
    path = guarded(ae, rule(CREATE, stranger.identifier, acod=details))
    stranger.create(path, CNT, {}).expect(code)


@purpose("TP/own/CSE/SEC/016")
def test_instances_follow_their_container(ae: Application, stranger: Application) -> None:
    """A type without acpi is governed by the policies of its parent (TS-0001 clause 9.6.1.3.2)."""
    path = guarded(ae, rule(RETRIEVE | CREATE | DELETE, stranger.identifier), rule(ALL, ae.identifier))
    instance = f"{path}/{ae.instance(path, 'x')['rn']}"
    stranger.retrieve(instance).expect(2000)
    stranger.delete(instance).expect(2002)


@purpose("TP/own/CSE/SEC/017")
def test_children_do_not_inherit(ae: Application, stranger: Application) -> None:
    """A type with acpi is not governed by those of its parent (TS-0001 clause 9.6.1.3.2)."""
    inner = ae.container(guarded(ae, rule(ALL, "all")))
    stranger.retrieve(inner).expect(4103)


@purpose("TP/own/CSE/SEC/018")
@pytest.mark.parametrize("right", [DISCOVERY, NOTIFY])
def test_other_rights(ae: Application, stranger: Application, right: int) -> None:
    """DISCOVERY and NOTIFY permit neither of the other operations."""
    path = guarded(ae, rule(right, stranger.identifier))
    for other in OPERATIONS:
        attempt(stranger, other, path).expect(4103)
