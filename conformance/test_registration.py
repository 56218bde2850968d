"""REG: registration of application entities and of CSEs, and the CSEBase."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from conformance.application import Application, new_name
from conformance.client import Answer, Attributes, Client, Target
from conformance.conftest import Register
from conformance.purposes import purpose
from conformance.standard import AE, CNT, CSEBASE, CSR

TP = "TP/oneM2M/CSE/REG"
ENTITY = {"api": "N.conformance", "rr": False, "srv": ["3"]}

RegisterAs = Callable[..., Answer]


@pytest.fixture
def register_as(cse: Target, remove: Callable[[str], None]) -> RegisterAs:
    """Tries to register under a name of its own as somebody (None: nobody)."""

    def register(originator: str | None, **attributes: Any) -> Answer:
        entity = ENTITY | {"rn": new_name()} | attributes
        answer = Client(cse, originator).create(cse.name, AE, entity)
        remove(f"{cse.name}/{entity['rn']}")
        return answer

    return register


@purpose(f"{TP}/CRE/002")
def test_stem_in_from(register_as: RegisterAs) -> None:
    """An AE-ID stem in From is the AE-ID and the resource identifier."""
    stem = f"C{secrets.token_hex(6)}"
    created = register_as(stem).resource(2001)
    assert (created["aei"], created["ri"]) == (stem, stem)


@purpose(f"{TP}/CRE/011")
def test_stem_by_host(register: Register) -> None:
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
        ("mei", "conformance@example.com"),
    ],
)
@purpose(f"{TP}/CRE/012", f"{TP}/RET/004")
def test_optional_attribute(register: Register, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    ae = register(**{name: value})
    assert ae.retrieve(ae.path).resource(2000)[name] == value


@purpose(f"{TP}/CRE/012")
def test_expiration_time(register: Register) -> None:
    """The expirationTime of the request is taken, unless it is later than the host permits."""
    ae = register(et="20990101T000000")
    wanted = ae.retrieve(ae.path).resource(2000)["et"][:15]
    assert wanted <= "20990101T000000"


@pytest.mark.parametrize("missing", ["api", "rr", "srv"])
@purpose(f"{TP}/CRE/017")
def test_mandatory_attribute_missing(cse: Target, missing: str) -> None:
    """A mandatory attribute is left out."""
    entity = {name: value for name, value in ENTITY.items() if name != missing}
    Client(cse, "C").create(cse.name, AE, entity | {"rn": new_name()}).expect(4000)


@purpose("TP/own/CSE/REG/001")
@pytest.mark.parametrize("api", ["x.conformance", "", 7])
def test_app_id(register_as: RegisterAs, api: Any) -> None:
    """The App-ID begins with R or N (TS-0001 clause 7.1.3)."""
    register_as("C", api=api).expect(4000)


@purpose("TP/own/CSE/REG/002")
@pytest.mark.parametrize(
    "attributes",
    [
        {"aei": "Cmine"},
        {"rr": "yes"},
        {"poa": "one"},
        {"srv": "3"},
        {"unknown": 1},
        {"lbl": [7]},
        {"ct": "20200101T000000"},
    ],
)
def test_bad_attribute(register_as: RegisterAs, attributes: Attributes) -> None:
    """Attributes that the host sets, that do not exist, or that have another type."""
    register_as("C", **attributes).expect(4000)


@purpose("TP/own/CSE/REG/003")
def test_refused_registration_leaves_nothing(register_as: RegisterAs) -> None:
    """After a refusal the same AE may register."""
    stem = f"C{secrets.token_hex(6)}"
    register_as(stem, unknown=1).expect(4000)
    assert register_as(stem).resource(2001)["aei"] == stem


@purpose(f"{TP}/CRE/021")
def test_base_is_not_created(cse: Target, admin: Client) -> None:
    """A CSEBase can't be created."""
    admin.create(cse.name, CSEBASE, {"rn": new_name(), "csi": "/another"}).expect(4005)


@purpose(f"{TP}/CRE/022")
def test_no_from(register_as: RegisterAs) -> None:
    """A registration needs no From."""
    created = register_as(None).resource(2001)
    assert created["aei"] == created["ri"]


@purpose("TP/own/CSE/REG/004")
def test_only_registrations_need_no_from(cse: Target) -> None:
    """Any other request needs one (TS-0004 clause 7.1.1)."""
    answer = Client(cse, None).create(cse.name, CNT, {"rn": new_name()})
    assert answer.rsc == 4000


@purpose(f"{TP}/CRE/023")
def test_registered_already(register: Register) -> None:
    """An AE is registered once (the ATS of 2018 expects 4105; TS-0004 has a code of its own)."""
    ae = register()
    ae.create(ae.cse.name, AE, ENTITY | {"rn": new_name()}).expect(4117)


@purpose("TP/own/CSE/REG/005")
def test_name_taken(register: Register, register_as: RegisterAs) -> None:
    """Another AE can't have the same resource name."""
    register_as("C", rn=register().path.split("/")[1]).expect(4105)


@purpose("TP/own/CSE/REG/006")
def test_wrong_parent(register: Register) -> None:
    """An AE is a child of the CSEBase only."""
    ae = register()
    Client(ae.cse, "C").create(ae.path, AE, ENTITY | {"rn": new_name()}).expect(4103, 4108)


@purpose(f"{TP}/RET/001")
def test_base(cse: Target, admin: Client) -> None:
    """The mandatory attributes of the CSEBase."""
    base = admin.retrieve(cse.name).resource(2000)
    assert (base["ty"], base["rn"], base["csi"]) == (CSEBASE, cse.name, cse.cse_id)
    assert {"ri", "pi", "ct", "lt"} <= set(base)


@pytest.mark.parametrize("name", ["csi", "cst", "srt", "poa", "srv"])
@purpose(f"{TP}/RET/002")
def test_attribute_of_base(cse: Target, admin: Client, name: str) -> None:
    """Attributes of the CSEBase, one by one."""
    assert admin.retrieve(cse.name, atrl=name).resource(2000)[name]


@purpose(f"{TP}/RET/003")
def test_entity(register: Register) -> None:
    """The mandatory attributes of an AE."""
    ae = register()
    attributes = ae.retrieve(ae.path).resource(2000)
    assert attributes["ty"] == AE
    assert {"rn", "ri", "pi", "ct", "lt", "et", "api", "aei", "rr"} <= set(attributes)


@purpose(f"{TP}/RET/005")
def test_type_of_cse(cse: Target, admin: Client) -> None:
    """The CSEBase says of which type its CSE is."""
    assert admin.retrieve(cse.name).resource(2000)["cst"] in (1, 2, 3)


@purpose(f"{TP}/RET/008")
def test_supported_types(cse: Target, admin: Client) -> None:
    """The CSEBase lists the supported resource types and its points of access."""
    base = admin.retrieve(cse.name).resource(2000)
    assert {1, 2, 3, 4, 5, 9, 23} <= set(base["srt"])
    assert base["poa"]


@purpose("TP/own/CSE/REG/007")
def test_base_for_entities(ae: Application) -> None:
    """A registered AE may look at the CSE where it is registered."""
    assert ae.retrieve(ae.cse.name).resource(2000)["csi"] == ae.cse.cse_id


@purpose(f"{TP}/UPD/001")
def test_base_is_not_updated(cse: Target, admin: Client) -> None:
    """The CSEBase can't be updated."""
    admin.update(cse.name, CSEBASE, {"lbl": ["conformance"]}).expect(4005)


@purpose(f"{TP}/DEL/001")
def test_base_is_not_deleted(cse: Target, admin: Client) -> None:
    """The CSEBase can't be deleted."""
    admin.delete(cse.name).expect(4005)


@purpose(f"{TP}/DEL/003")
def test_deregistration(register: Register, admin: Client) -> None:
    """A deregistered AE is gone with all below it."""
    ae = register()
    container = ae.container()
    ae.delete(ae.path).expect(2002)
    admin.retrieve(ae.path).expect(4004)
    admin.retrieve(container).expect(4004)


@purpose("TP/own/CSE/REG/008")
def test_registration_again(cse: Target, register: Register) -> None:
    """After its deregistration an AE may register under the same AE-ID."""
    ae = register()
    ae.delete(ae.path).expect(2002)
    created = ae.create(cse.name, AE, ENTITY | {"rn": ae.path.split("/")[1]}).resource(2001)
    assert created["aei"] == ae.identifier


@purpose("TP/own/CSE/REG/009")
def test_deregistered(register: Register) -> None:
    """A deregistered AE has lost its rights."""
    ae = register()
    ae.delete(ae.path).expect(2002)
    ae.retrieve(ae.cse.name).expect(4103, 4106)


@pytest.mark.parametrize(
    "changes",
    [
        {"lbl": ["new"]},
        {"poa": ["http://127.0.0.1:10"]},
        {"apn": "other"},
        {"rr": False},
        {"srv": ["3", "4"]},
        {"csz": ["application/json", "application/cbor"]},
    ],
)
@purpose("TP/own/CSE/REG/010")
def test_entity_is_updated(ae: Application, changes: Attributes) -> None:
    """An AE changes what is its own."""
    ae.update(ae.path, AE, changes).expect(2004)
    attributes = ae.retrieve(ae.path).resource(2000)
    assert {name: attributes[name] for name in changes} == changes


@pytest.mark.parametrize("changes", [{"api": "N.other"}, {"aei": "Cother"}, {"rn": "other"}, {"rr": "maybe"}])
@purpose("TP/own/CSE/REG/011")
def test_entity_keeps_its_identity(ae: Application, changes: Attributes) -> None:
    """What a registration has settled can't be changed."""
    ae.update(ae.path, AE, changes).expect(4000)


@purpose("TP/own/CSE/REG/012")
def test_entities_register_no_cse(ae: Application) -> None:
    """A remoteCSE comes from a CSE, if the host takes any, not from an AE (TS-0004 clause 7.4.4.2.1)."""
    cse = {"rn": new_name(), "cb": "/id-conformance/base", "csi": "/id-conformance", "rr": True, "srv": ["3"]}
    ae.create(ae.cse.name, CSR, cse).expect(4103, 4005, 4107, 5001)
