"""REG: another CSE, which the tests are, registers. The CSE under test must be willing to accept its CSE-ID."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.application import new_name
from conformance.client import Client, Target
from conformance.purposes import purpose
from conformance.standard import CSR

TP = "TP/oneM2M/CSE/REG"
CSE_ID = "/id-conformance"
MINIMUM = {"cb": f"{CSE_ID}/base", "csi": CSE_ID, "rr": False, "srv": ["3"]}


class Registree(Client):
    """The tests as a CSE."""

    def __init__(self, cse: Target, remove: Callable[[str], None]) -> None:
        super().__init__(cse, CSE_ID)
        self._remove = remove

    def register(self, **attributes: Any) -> str:
        """The resource identifier of a new remoteCSE."""
        made = self.create(self.cse.name, CSR, MINIMUM | {"rn": new_name()} | attributes).resource(2001)
        address = self.cse.relative(made["ri"])
        self._remove(address)
        return address


@pytest.fixture
def registree(cse: Target, remove: Callable[[str], None]) -> Registree:
    return Registree(cse, remove)


@purpose(f"{TP}/CRE/018", f"{TP}/RET/006")
def test_minimum(registree: Registree) -> None:
    """With the mandatory attributes, which it retrieves."""
    attributes = registree.retrieve(registree.register()).resource(2000)
    assert {name: attributes[name] for name in MINIMUM} == MINIMUM
    assert attributes["ty"] == CSR
    assert {"ri", "pi", "ct", "lt", "et"} <= set(attributes)


@purpose(f"{TP}/CRE/013", f"{TP}/RET/007")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lbl", ["a"]),
        ("cst", 2),
        ("poa", ["http://127.0.0.1:9"]),
        ("csz", ["application/json"]),
        ("dcse", ["/conformance-below"]),
        ("mei", "conformance@example.com"),
    ],
)
def test_optional_attribute(registree: Registree, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    address = registree.register(**{name: value})
    assert registree.retrieve(address).resource(2000)[name] == value


@purpose("TP/own/CSE/REG/013")
@pytest.mark.parametrize("missing", ["cb", "rr", "srv"])
def test_mandatory_attribute_missing(registree: Registree, missing: str) -> None:
    """A mandatory attribute is left out."""
    attributes = {name: value for name, value in MINIMUM.items() if name != missing}
    registree.create(registree.cse.name, CSR, attributes).expect(4000)


@purpose("TP/own/CSE/REG/014")
def test_registered_already(registree: Registree) -> None:
    """A CSE is registered once (TS-0004 clause 7.4.4.2.1)."""
    registree.register()
    registree.create(registree.cse.name, CSR, MINIMUM | {"rn": new_name()}).expect(4117)


@purpose(f"{TP}/UPD/002")
def test_update(registree: Registree) -> None:
    """An optional attribute is updated."""
    address = registree.register()
    registree.update(address, CSR, {"poa": ["http://127.0.0.1:10"]}).expect(2004)
    assert registree.retrieve(address).resource(2000)["poa"] == ["http://127.0.0.1:10"]


@purpose(f"{TP}/DEL/002")
def test_deregistration(registree: Registree, admin: Client) -> None:
    """A CSE deregisters."""
    address = registree.register()
    registree.delete(address).expect(2002)
    assert admin.retrieve(address).rsc == 4004
