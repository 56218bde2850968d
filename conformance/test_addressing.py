"""GEN: the three scopes of an address, structured and unstructured."""

from collections.abc import Callable

import pytest

from conformance.application import Application, new_name
from conformance.client import Target
from conformance.purposes import case, purpose
from conformance.standard import CNT

TP = "TP/oneM2M/CSE/GEN"
SCOPES = ("CSR", "SPR", "ABS")

Address = Callable[[Application, str], str]


def unstructured(ae: Application, path: str) -> str:
    (identifier,) = ae.identify([path])
    return identifier


def structured(_: Application, path: str) -> str:
    return path


def forms(operation: str) -> list[object]:
    """Both forms of an address, each a test purpose of the operation."""
    return [case(f"{TP}/{operation}/001", unstructured), case(f"{TP}/{operation}/002", structured)]


def scoped(cse: Target, scope: str, relative: str) -> str:
    """A CSE-relative address in another scope."""
    prefixes = {"CSR": "", "SPR": f"{cse.cse_id}/", "ABS": f"//{cse.service_provider}{cse.cse_id}/"}
    return prefixes[scope] + relative


@pytest.mark.parametrize("form", forms("CRE"))
@pytest.mark.parametrize("scope", SCOPES)
def test_create(cse: Target, ae: Application, form: Address, scope: str) -> None:
    """A resource is created below a parent given in each form."""
    ae.create(scoped(cse, scope, form(ae, ae.container())), CNT, {"rn": new_name()}).expect(2001)


@pytest.mark.parametrize("form", forms("RET"))
@pytest.mark.parametrize("scope", SCOPES)
def test_retrieve(cse: Target, ae: Application, form: Address, scope: str) -> None:
    """A resource is retrieved by each form of its address."""
    assert ae.retrieve(scoped(cse, scope, form(ae, ae.container()))).resource(2000)["ty"] == CNT


@pytest.mark.parametrize("form", forms("UPD"))
@pytest.mark.parametrize("scope", SCOPES)
def test_update(cse: Target, ae: Application, form: Address, scope: str) -> None:
    """A resource is updated by each form of its address."""
    address = scoped(cse, scope, form(ae, ae.container()))
    assert ae.update(address, CNT, {"lbl": [scope]}).resource(2004)["lbl"] == [scope]


@pytest.mark.parametrize("form", forms("DEL"))
@pytest.mark.parametrize("scope", SCOPES)
def test_delete(cse: Target, ae: Application, form: Address, scope: str) -> None:
    """A resource is deleted by each form of its address."""
    container = ae.container()
    ae.delete(scoped(cse, scope, form(ae, container))).expect(2002)
    ae.retrieve(container).expect(4004)


@purpose("TP/own/CSE/GEN/001")
@pytest.mark.parametrize("scope", SCOPES)
def test_shortcut(cse: Target, ae: Application, scope: str) -> None:
    """`-` stands for the name of the CSEBase (TS-0004 clause 6.2.3)."""
    address = scoped(cse, scope, f"-/{ae.path.split('/')[1]}")
    assert ae.retrieve(address).resource(2000)["ri"] == ae.identifier


@purpose("TP/own/CSE/GEN/002")
def test_virtual_child_of_an_identifier(ae: Application) -> None:
    """A resource identifier may be followed by the name of a virtual child (TS-0001 clause 9.3.1)."""
    container = ae.container()
    ae.instance(container, "x")
    assert ae.retrieve(f"{unstructured(ae, container)}/la").resource(2000)["con"] == "x"


@purpose("TP/own/CSE/GEN/003")
def test_child_of_an_identifier(ae: Application) -> None:
    """A resource identifier may be followed by names (TS-0001 clause 9.3.1)."""
    container = ae.container()
    address = f"{ae.identifier}/{container.split('/')[-1]}"
    assert ae.retrieve(address).resource(2000)["ri"] == unstructured(ae, container)


@purpose("TP/own/CSE/GEN/004")
@pytest.mark.parametrize("address", ["/nobody/base", "//{sp}/nobody/base"])
def test_another_cse(cse: Target, ae: Application, address: str) -> None:
    """A CSE that nobody knows can't be reached (TS-0004 clause 7.3.2.6)."""
    ae.retrieve(address.format(sp=cse.service_provider)).expect(4004)


@purpose("TP/own/CSE/GEN/005")
@pytest.mark.parametrize("scope", SCOPES)
def test_base(cse: Target, ae: Application, scope: str) -> None:
    """The CSEBase has all forms of an address as well."""
    assert ae.retrieve(scoped(cse, scope, cse.name)).resource(2000)["csi"] == cse.cse_id


@purpose("TP/own/CSE/GEN/006")
def test_names_are_case_sensitive(ae: Application) -> None:
    """Resource names that differ in case are different names (TS-0001 clause 7.2)."""
    ae.container(rn="reading")
    ae.container(rn="Reading", lbl=["capital"])
    assert ae.retrieve(f"{ae.path}/Reading").resource(2000)["lbl"] == ["capital"]
    ae.retrieve(f"{ae.path}/READING").expect(4004)
