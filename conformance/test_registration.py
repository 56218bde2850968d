"""REG: registration of application entities, and the CSEBase."""

import secrets
from typing import Any

import pytest

from conformance.client import AE, CSEBASE, Client, Target, new_name
from conformance.conftest import Register

ENTITY = {"api": "N.conformance", "rr": False, "srv": ["3"]}


def test_reg_cre_002(cse: Target, admin: Client) -> None:
    """An AE-ID stem in From is the AE-ID and the resource identifier."""
    stem = f"C{secrets.token_hex(6)}"
    path = f"{cse.name}/{new_name()}"
    try:
        created = Client(cse, stem).create(cse.name, AE, ENTITY | {"rn": path.split("/")[1]}).resource(2001)
        assert (created["aei"], created["ri"]) == (stem, stem)
    finally:
        admin.delete(path)


def test_reg_cre_011(register: Register) -> None:
    """From = C: the host makes a stem that begins with C."""
    ae = register()
    created = ae.retrieve(ae.path).resource(2000)
    assert created["aei"].startswith("C")
    assert len(created["aei"]) > 1
    assert created["ri"] == created["aei"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lbl", ["a", "key:value"]),
        ("apn", "conformance"),
        ("poa", ["http://127.0.0.1:9"]),
        ("or", "http://example.com/ontology"),
        ("csz", ["application/json"]),
    ],
)
def test_reg_cre_012(register: Register, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    ae = register(**{name: value})
    assert ae.retrieve(ae.path).resource(2000)[name] == value


@pytest.mark.parametrize("missing", ["api", "rr", "srv"])
def test_reg_cre_017(cse: Target, missing: str) -> None:
    """A mandatory attribute is left out."""
    entity = {name: value for name, value in ENTITY.items() if name != missing}
    Client(cse, "C").create(cse.name, AE, entity | {"rn": new_name()}).expect(4000)


def test_reg_cre_017_app_id(cse: Target) -> None:
    """The App-ID must begin with R or N (TS-0001 clause 7.1.3)."""
    Client(cse, "C").create(cse.name, AE, ENTITY | {"rn": new_name(), "api": "x.conformance"}).expect(4000)


def test_reg_cre_021(cse: Target, admin: Client) -> None:
    """A CSEBase can't be created."""
    admin.create(cse.name, CSEBASE, {"rn": new_name(), "csi": "/another"}).expect(4005)


def test_reg_cre_022(cse: Target, admin: Client) -> None:
    """A registration needs no From."""
    name = new_name()
    try:
        created = Client(cse, None).create(cse.name, AE, ENTITY | {"rn": name}).resource(2001)
        assert created["aei"] == created["ri"]
    finally:
        admin.delete(f"{cse.name}/{name}")


def test_reg_cre_023(register: Register) -> None:
    """An AE is registered once (the ATS of 2018 expects 4105; TS-0004 has a code of its own)."""
    ae = register()
    ae.create(ae.cse.name, AE, ENTITY | {"rn": new_name()}).expect(4117)


def test_reg_ret_001(cse: Target, admin: Client) -> None:
    """The mandatory attributes of the CSEBase."""
    base = admin.retrieve(cse.name).resource(2000)
    assert (base["ty"], base["rn"], base["csi"]) == (CSEBASE, cse.name, cse.cse_id)
    assert {"ri", "pi", "ct", "lt"} <= set(base)


def test_reg_ret_003(register: Register) -> None:
    """The mandatory attributes of an AE."""
    ae = register()
    attributes = ae.retrieve(ae.path).resource(2000)
    assert attributes["ty"] == AE
    assert {"rn", "ri", "pi", "ct", "lt", "et", "api", "aei", "rr"} <= set(attributes)


def test_reg_ret_005(cse: Target, admin: Client) -> None:
    """The CSEBase says of which type its CSE is."""
    assert admin.retrieve(cse.name).resource(2000)["cst"] in (1, 2, 3)


def test_reg_ret_008(cse: Target, admin: Client) -> None:
    """The CSEBase lists the supported resource types and its points of access."""
    base = admin.retrieve(cse.name).resource(2000)
    assert {1, 2, 3, 4, 5, 9, 23} <= set(base["srt"])
    assert base["poa"]


def test_reg_upd_001(cse: Target, admin: Client) -> None:
    """The CSEBase can't be updated."""
    admin.update(cse.name, CSEBASE, {"lbl": ["conformance"]}).expect(4005)


def test_reg_del_001(cse: Target, admin: Client) -> None:
    """The CSEBase can't be deleted."""
    admin.delete(cse.name).expect(4005)


def test_reg_del_003(register: Register, admin: Client) -> None:
    """A deregistered AE is gone with all below it."""
    ae = register()
    container = ae.container()
    ae.delete(ae.path).expect(2002)
    admin.retrieve(ae.path).expect(4004)
    admin.retrieve(container).expect(4004)


def test_reg_again(cse: Target, register: Register, admin: Client) -> None:
    """After its deregistration an AE may register under the same AE-ID."""
    ae = register()
    ae.delete(ae.path).expect(2002)
    created = ae.create(cse.name, AE, ENTITY | {"rn": ae.path.split("/")[1]}).resource(2001)
    assert created["aei"] == ae.identifier
