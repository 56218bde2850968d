"""DM: nodes, management objects and flexContainers; their specialisations, and what the CSE does for them."""

import pytest

from conformance.application import Application, new_name
from conformance.client import Attributes, Client
from conformance.conftest import MakeAtBase
from conformance.purposes import case, purpose
from conformance.standard import AE, FCNT, MGMTOBJ, NOD

TP = "TP/own/CSE/DM"
SWITCH = {"cnd": "org.onem2m.common.moduleclass.binarySwitch", "state": True}
ROOT = "cod:binSh"
REBOOT = {"mgd": 1009}
CAPABILITY = {"mgd": 1008, "can": "lamp", "att": True, "cas": {"sus": 1}, "cus": True}


@pytest.fixture
def node(make_at_base: MakeAtBase) -> str:
    """The path of a node."""
    return make_at_base(NOD, {"ni": "urn:conformance:node"})


def hosted(admin: Client, node: str) -> list[str]:
    return list(admin.retrieve(node).resource(2000).get("hael", []))


@purpose(f"{TP}/001")
def test_the_node_follows_its_applications(admin: Client, ae: Application, node: str) -> None:
    """A nodeLink that is set, and one that is taken away: hostedAELinks follow."""
    address = admin.retrieve(node).resource(2000)["ri"]
    ae.update(ae.path, AE, {"nl": address}).expect(2004)
    assert hosted(admin, node) == [ae.identifier]
    ae.update(ae.path, AE, {"nl": None}).expect(2004)
    assert hosted(admin, node) == []


@purpose(f"{TP}/002")
def test_the_applications_follow_their_node(admin: Client, ae: Application, node: str) -> None:
    """A node that goes: nobody links to it any more."""
    ae.update(ae.path, AE, {"nl": admin.retrieve(node).resource(2000)["ri"]}).expect(2004)
    admin.delete(node).expect(2002)
    assert "nl" not in ae.retrieve(ae.path).resource(2000)


@pytest.mark.parametrize(
    ("root", "attributes"),
    [
        case(f"{TP}/003", "m2m:reboots", REBOOT),
        case(f"{TP}/004", "m2m:rbo", {}),
        case(f"{TP}/005", "m2m:rbo", CAPABILITY),
        case(f"{TP}/006", "m2m:rbo", REBOOT | {"btl": 50}),
        case(f"{TP}/007", "m2m:bat", {"mgd": 1006, "btl": 50, "bts": 8}),
    ],
)
def test_a_management_object_that_there_is_not(admin: Client, node: str, root: str, attributes: Attributes) -> None:
    """An unknown one, one without or with another's definition or attributes, a value out of the enumeration."""
    admin.create(node, MGMTOBJ, {"rn": new_name()} | attributes, root=root).expect(4000)


@pytest.mark.parametrize(
    ("root", "attributes", "pair"),
    [
        case(f"{TP}/008", "m2m:rbo", REBOOT, ("rbo", "far")),
        case(f"{TP}/009", "m2m:dvc", CAPABILITY, ("ena", "dis")),
    ],
)
def test_what_starts_something(
    admin: Client, node: str, root: str, attributes: Attributes, pair: tuple[str, str]
) -> None:
    """One of a pair at a time; it reads as before."""
    path = f"{node}/{admin.create(node, MGMTOBJ, attributes, root=root).resource(2001)['rn']}"
    before = {name: admin.retrieve(path).resource(2000)[name] for name in pair}
    for name in pair:
        changed = admin.update(path, MGMTOBJ, {name: True}, root=root).resource(2004)
        assert {name: changed[name] for name in pair} == before
    admin.update(path, MGMTOBJ, dict.fromkeys(pair, True), root=root).expect(4000)


@pytest.mark.parametrize(
    ("root", "attributes"),
    [
        case(f"{TP}/010", "cod:unheard", SWITCH),
        case(f"{TP}/011", ROOT, SWITCH | {"cnd": "org.example.other"}),
        case(f"{TP}/012", ROOT, {"state": True}),
        case(f"{TP}/013", ROOT, SWITCH | {"state": "on"}),
        case(f"{TP}/014", ROOT, SWITCH | {"curT0": 21.5}),
        case(f"{TP}/015", ROOT, SWITCH | {"cs": 4}),
    ],
)
def test_a_flex_container_that_there_is_not(ae: Application, root: str, attributes: Attributes) -> None:
    """An unknown one, one with another's definition or none, with a wrong value, another's attribute, a size."""
    ae.create(ae.path, FCNT, attributes, root=root).expect(4000)


@purpose(f"{TP}/016")
def test_history(ae: Application) -> None:
    """Each change of a flexContainer with fcinEnabled is an instance; the oldest go."""
    path = ae.make(None, FCNT, SWITCH | {"fcied": True, "mni": 2}, ROOT)
    for state in (False, True):
        ae.update(path, FCNT, {"state": state}, root=ROOT).expect(2004)
    assert ae.retrieve(f"{path}/ol").resource(2000)["state"] is False
    latest = ae.retrieve(f"{path}/la").resource(2000)
    assert (latest["state"], latest["ty"], latest["org"]) == (True, 58, ae.identifier)


@purpose(f"{TP}/017")
def test_no_history(ae: Application) -> None:
    """Without fcinEnabled there are no instances, and no limits of them."""
    path = ae.make(None, FCNT, SWITCH, ROOT)
    ae.retrieve(f"{path}/la").expect(4004)
    ae.update(path, FCNT, {"mni": 2}, root=ROOT).expect(4000)


@purpose(f"{TP}/018")
def test_instances_are_made_by_the_cse(ae: Application) -> None:
    """A CREATE of a flexContainerInstance."""
    path = ae.make(None, FCNT, SWITCH | {"fcied": True}, ROOT)
    ae.create(path, 58, {"state": False}, root=ROOT).expect(4005)
