"""GEN: the three scopes of an address, structured and unstructured."""

import pytest

from conformance.client import CNT, Application, Target, new_name

SCOPES = ("CSR", "SPR", "ABS")


def addressed(cse: Target, scope: str, relative: str) -> str:
    """A CSE-relative address in another scope."""
    prefixes = {"CSR": "", "SPR": f"{cse.cse_id}/", "ABS": f"//{cse.service_provider}{cse.cse_id}/"}
    return prefixes[scope] + relative


@pytest.fixture(params=["unstructured", "structured"])
def container(request: pytest.FixtureRequest, ae: Application) -> str:
    """A container by its resource identifier, or by its names."""
    path = ae.container()
    return path if request.param == "structured" else str(ae.retrieve(path).resource(2000)["ri"])


@pytest.mark.parametrize("scope", SCOPES)
def test_gen_cre_001_002(cse: Target, ae: Application, container: str, scope: str) -> None:
    """A resource is created below a parent given in each form."""
    ae.create(addressed(cse, scope, container), CNT, {"rn": new_name()}).expect(2001)


@pytest.mark.parametrize("scope", SCOPES)
def test_gen_ret_001_002(cse: Target, ae: Application, container: str, scope: str) -> None:
    """A resource is retrieved by each form of its address."""
    assert ae.retrieve(addressed(cse, scope, container)).resource(2000)["ty"] == CNT


@pytest.mark.parametrize("scope", SCOPES)
def test_gen_upd_001_002(cse: Target, ae: Application, container: str, scope: str) -> None:
    """A resource is updated by each form of its address."""
    updated = ae.update(addressed(cse, scope, container), CNT, {"lbl": [scope]}).resource(2004)
    assert updated["lbl"] == [scope]


@pytest.mark.parametrize("scope", SCOPES)
def test_gen_del_001_002(cse: Target, ae: Application, container: str, scope: str) -> None:
    """A resource is deleted by each form of its address."""
    ae.delete(addressed(cse, scope, container)).expect(2002)
    ae.retrieve(container).expect(4004)


def test_gen_shortcut(ae: Application) -> None:
    """`-` stands for the name of the CSEBase (TS-0004 clause 6.2.3)."""
    assert ae.retrieve(f"-/{ae.path.split('/')[1]}").resource(2000)["ri"] == ae.identifier


def test_gen_hybrid(ae: Application) -> None:
    """A resource identifier followed by names (TS-0001 clause 9.3.1)."""
    container = ae.container()
    ae.instance(container, "x")
    identifier = ae.retrieve(container).resource(2000)["ri"]
    assert ae.retrieve(f"{identifier}/la").resource(2000)["con"] == "x"
    assert ae.retrieve(f"{ae.identifier}/{container.split('/')[-1]}").resource(2000)["ri"] == identifier


@pytest.mark.parametrize("scope", ["SPR", "ABS"])
def test_gen_another_cse(cse: Target, ae: Application, scope: str) -> None:
    """A CSE that nobody knows can't be reached (TS-0004 clause 7.3.2.6)."""
    unknown = {"SPR": "/nobody/base", "ABS": f"//{cse.service_provider}/nobody/base"}
    ae.retrieve(unknown[scope]).expect(4004)
