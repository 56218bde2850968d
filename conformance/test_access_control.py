"""SEC/ACP: accessControlPolicies and the default."""

from typing import Any

import pytest

from conformance.client import (
    ACP,
    AE,
    ALL,
    CNT,
    CREATE,
    DELETE,
    RETRIEVE,
    UPDATE,
    Answer,
    Application,
    Attributes,
    Client,
    rule,
)

OPERATIONS = {CREATE: 2001, RETRIEVE: 2000, UPDATE: 2004, DELETE: 2002}


def attempt(who: Client, right: int, path: str) -> Answer:
    """The operation that needs a right, on a container."""
    if right == CREATE:
        return who.create(path, CNT, {})
    if right == RETRIEVE:
        return who.retrieve(path)
    return who.update(path, CNT, {"lbl": ["a"]}) if right == UPDATE else who.delete(path)


@pytest.mark.parametrize("privileges", ["pv", "pvs"])
def test_acp_cre_001_002(ae: Application, privileges: str) -> None:
    """Several rules."""
    rules = {"acr": [rule(RETRIEVE, "Cone", "Ctwo"), rule(ALL, ae.identifier)]}
    attributes = {"pv": {"acr": [rule(RETRIEVE, "all")]}, "pvs": {"acr": [rule(ALL, ae.identifier)]}}
    assert ae.create(ae.path, ACP, attributes | {privileges: rules}).resource(2001)[privileges] == rules


def test_acp_cre_003(ae: Application) -> None:
    """privileges may be empty."""
    ae.policy()


@pytest.mark.parametrize("empty", [{}, {"acr": []}])
def test_acp_cre_004(ae: Application, empty: Attributes) -> None:
    """selfPrivileges may not be empty."""
    ae.create(ae.path, ACP, {"pv": {"acr": [rule(ALL, "all")]}, "pvs": empty}).expect(4000)


@pytest.mark.parametrize("right", OPERATIONS)
def test_acp_001(ae: Application, stranger: Application, right: int) -> None:
    """Every right but the one that is needed."""
    path = ae.container(acpi=[ae.policy(rule(ALL - right, stranger.identifier))])
    attempt(stranger, right, path).expect(4103)


@pytest.mark.parametrize("right", OPERATIONS)
def test_acp_001_alone(ae: Application, stranger: Application, right: int) -> None:
    """Only the one that is needed."""
    path = ae.container(acpi=[ae.policy(rule(right, stranger.identifier))])
    attempt(stranger, right, path).expect(OPERATIONS[right])


@pytest.mark.parametrize("right", OPERATIONS)
def test_acp_002(ae: Application, stranger: Application, right: int) -> None:
    """Two policies, one of which permits."""
    policies = [ae.policy(rule(ALL - right, stranger.identifier)), ae.policy(rule(right, stranger.identifier))]
    attempt(stranger, right, ae.container(acpi=policies)).expect(OPERATIONS[right])


@pytest.mark.parametrize("right", OPERATIONS)
def test_acp_004(ae: Application, stranger: Application, right: int) -> None:
    """`all` permits everybody."""
    attempt(stranger, right, ae.container(acpi=[ae.policy(rule(right, "all"))])).expect(OPERATIONS[right])


@pytest.mark.parametrize("right", OPERATIONS)
def test_acp_011_012(ae: Application, stranger: Application, right: int) -> None:
    """Without any policy the creator may do everything, and nobody else anything."""
    path = ae.container()
    attempt(stranger, right, path).expect(4103)
    attempt(ae, right, path).expect(OPERATIONS[right])


def test_acp_own_rights(ae: Application, stranger: Application) -> None:
    """A policy is governed by its own selfPrivileges only (TS-0001 clause 9.6.2)."""
    policy = ae.policy(rule(ALL, stranger.identifier), own=[rule(RETRIEVE, stranger.identifier)])
    stranger.retrieve(policy).expect(2000)
    stranger.update(policy, ACP, {"lbl": ["a"]}).expect(4103)
    ae.retrieve(policy).expect(4103)


def test_acp_missing_policy(ae: Application, stranger: Application) -> None:
    """A policy that is gone permits nothing, and is not replaced by the default."""
    policy = ae.policy(rule(ALL, "all"))
    path = ae.container(acpi=[policy])
    ae.delete(policy).expect(2002)
    stranger.retrieve(path).expect(4103)


def test_acp_object_details(ae: Application, stranger: Application) -> None:
    """accessControlObjectDetails limits what may be created (TS-0001 clause 9.6.2.4)."""
    limited: dict[str, Any] = rule(CREATE, stranger.identifier) | {"acod": [{"chty": [CNT]}]}
    path = ae.container(acpi=[ae.policy(limited)])
    stranger.create(path, CNT, {}).expect(2001)
    stranger.create(path, 4, {"con": "x"}).expect(4103)


def test_acp_upd_001(ae: Application) -> None:
    """acpi is changed with UPDATE in the selfPrivileges of the present policies."""
    first, second = (ae.policy(rule(ALL, ae.identifier)) for _ in range(2))
    ae.update(ae.path, AE, {"acpi": [first]}).expect(2004)
    assert ae.update(ae.path, AE, {"acpi": [second]}).resource(2004)["acpi"] == [second]


def test_acp_upd_002(ae: Application, stranger: Application) -> None:
    """acpi is not changed without it."""
    locked = ae.policy(rule(ALL, ae.identifier), own=[rule(ALL, stranger.identifier)])
    ae.update(ae.path, AE, {"acpi": [locked]}).expect(2004)
    ae.update(ae.path, AE, {"acpi": [ae.policy(rule(ALL, "all"))]}).expect(4103)


def test_acp_upd_alone(ae: Application) -> None:
    """acpi is changed by a request of its own (TS-0004 clause 7.3.3.7)."""
    policy = ae.policy(rule(ALL, ae.identifier))
    ae.update(ae.path, AE, {"acpi": [policy], "lbl": ["a"]}).expect(4000)


def test_acp_003(ae: Application, stranger: Application) -> None:
    """The domain of a service provider permits all its originators."""
    policies = [ae.policy(rule(RETRIEVE, domain)) for domain in (f"//{ae.cse.service_provider}", "//another.example")]
    permitted, refused = (ae.container(acpi=[policy]) for policy in policies)
    stranger.retrieve(permitted).expect(2000)
    stranger.retrieve(refused).expect(4103)


@pytest.mark.parametrize("form", ["{id}", "{cse}/{id}", "//{sp}{cse}/{id}", "C*", "{cse}/C*"])
def test_acp_originator_forms(ae: Application, stranger: Application, form: str) -> None:
    """An originator may be named in every scope, and by wildcard (TS-0001 clause 9.6.2.1)."""
    cse = ae.cse
    entry = form.format(id=stranger.identifier, cse=cse.cse_id, sp=cse.service_provider)
    stranger.retrieve(ae.container(acpi=[ae.policy(rule(RETRIEVE, entry))])).expect(2000)


@pytest.mark.parametrize("form", ["{id}x", "/nobody/{id}", "{id}/*", "S*"])
def test_acp_other_originators(ae: Application, stranger: Application, form: str) -> None:
    """Others than the originator are not meant."""
    entry = form.format(id=stranger.identifier)
    stranger.retrieve(ae.container(acpi=[ae.policy(rule(RETRIEVE, entry))])).expect(4103)


def test_acp_group_of_originators(ae: Application, stranger: Application) -> None:
    """A group permits its members (TS-0001 clause 9.6.2.1)."""
    with_stranger, without = ae.group(stranger.identifier), ae.group(ae.identifier)
    identifiers = [ae.retrieve(group).resource(2000)["ri"] for group in (with_stranger, without)]
    permitted, refused = (ae.container(acpi=[ae.policy(rule(RETRIEVE, entry))]) for entry in identifiers)
    stranger.retrieve(permitted).expect(2000)
    stranger.retrieve(refused).expect(4103)
