"""DIS/002: filter criteria that look at labels as keys and values, at neighbours, into content, and beyond a match."""

from typing import Any

import pytest

from conformance.application import Application, rule
from conformance.purposes import purpose
from conformance.standard import AE, ALL, CIN, CNT, DISCOVERY
from conformance.test_discovery import found

TP = "TP/oneM2M/CSE/DIS"


@pytest.fixture
def house(ae: Application) -> str:
    """A container with two rooms; each has a lamp with a reading."""
    top = ae.container(lbl=["house"])
    for room, color, level in (("hall", "red", 3), ("attic", "blue", 9)):
        path = ae.container(top, rn=room, lbl=["room", f"color:{color}"], mni=level)
        lamp = ae.container(path, rn="lamp", lbl=[room])
        content = {"rn": "reading", "con": f'{{"level": {level}, "of": ["{room}"]}}', "cnf": "application/json:0"}
        ae.create(lamp, CIN, content).expect(2001)
    return top


ROOMS = {"hall", "attic"}
LAMPS = {"hall/lamp", "attic/lamp"}
READINGS = {"hall/lamp/reading", "attic/lamp/reading"}


@purpose(f"{TP}/002", "TP/own/CSE/DIS/010")
@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"ty": CIN, "lbl": "room"}, READINGS | ROOMS),
        ({"lbl": "color:red", "mni": 9}, ROOMS),
        ({"lbl": "nothing", "ty": 9}, set()),
        ({"ty": CIN}, READINGS),
    ],
)
def test_any_criterion(ae: Application, house: str, criteria: dict[str, Any], names: set[str]) -> None:
    """filterOperation 2: one of the criteria is enough (TS-0004 clause 7.3.3.17.0)."""
    assert found(ae, house, fo=2, **criteria) == names


@purpose(f"{TP}/002", "TP/own/CSE/DIS/011")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("color", ROOMS),
        ("NT color", LAMPS | READINGS),
        ("color:red", {"hall"}),
        ("color EQ red", {"hall"}),
        ("color NE red", {"attic"}),
        ("color IN (red, green)", {"hall"}),
        ("color NI (red, green)", {"attic"}),
    ],
)
def test_labels_query(ae: Application, house: str, query: str, names: set[str]) -> None:
    """Labels as keys and values (TS-0004 clause 7.3.3.17.16)."""
    assert found(ae, house, lbq=query) == names


@purpose(f"{TP}/002", "TP/own/CSE/DIS/012")
@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"chty": CIN}, LAMPS),
        ({"chty": f"{CIN}+{CNT}"}, LAMPS | ROOMS),
        ({"pty": CNT, "ty": CIN}, READINGS),
        ({"pty": AE}, set()),
        ({"clbl": "hall"}, {"hall"}),
        ({"palb": "room"}, LAMPS),
        ({"c.rn": "reading"}, LAMPS),
        ({"p.mni": 3}, {"hall/lamp"}),
    ],
)
def test_neighbours(ae: Application, house: str, criteria: dict[str, Any], names: set[str]) -> None:
    """Conditions on children and on the parent (TS-0004 clauses 7.3.3.17.5, .6 and .9)."""
    assert found(ae, house, **criteria) == names


@purpose("TP/own/CSE/DIS/013")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("$.level GT 3", {"attic/lamp/reading"}),
        ("$.level LE 9", READINGS),
        ('$.of[0] EQ "hall"', {"hall/lamp/reading"}),
        ('$.of[0] MATCH "tt" AND $.level EQ 9', {"attic/lamp/reading"}),
        ("$.level EQ 1 OR $.level EQ 3", {"hall/lamp/reading"}),
        ("$.nothing NE 1", set()),
    ],
)
def test_content_query(ae: Application, house: str, query: str, names: set[str]) -> None:
    """Conditions on content that is JSON (TS-0001 annex J.2)."""
    assert found(ae, house, cfs=1, cfq=query) == names


@purpose("TP/own/CSE/DIS/014")
@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"lbl": "room", "arp": "lamp"}, LAMPS),
        ({"lbl": "room", "arp": "lamp/reading"}, READINGS),
        ({"lbl": "hall", "arp": "/la"}, {"hall/lamp/reading"}),
        ({"ty": CIN, "arp": "../.."}, ROOMS),
        ({"ty": CIN, "arp": "nothing"}, set()),
    ],
)
def test_relative_path(ae: Application, house: str, criteria: dict[str, Any], names: set[str]) -> None:
    """applyRelativePath: what is found is at a path from each match (TS-0004 clause 7.3.3.17.17)."""
    assert found(ae, house, **criteria) == names


@purpose("TP/own/CSE/DIS/015")
@pytest.mark.parametrize("cty", ["application/json", "application/json:0", "text/plain+application/json"])
def test_content_type(ae: Application, house: str, cty: str) -> None:
    """The typeOfContent of contentInfo (TS-0004 clause 7.3.3.17.8), or the whole of it."""
    assert found(ae, house, cty=cty) == READINGS


@purpose("TP/own/CSE/DIS/016")
def test_several_attributes(ae: Application, house: str) -> None:
    """Conditions on attributes are of one kind: one of them is enough (TS-0004 clause 7.3.3.17.9)."""
    assert found(ae, house, mni=3, rn="attic") == ROOMS


@purpose("TP/own/CSE/DIS/017")
@pytest.mark.parametrize("rcn", [0, 1, 2, 3, 4, 5, 7, 8, 9])
def test_wrong_result(ae: Application, rcn: int) -> None:
    """A discovery has addresses or references (TS-0001 table 8.1.2-1)."""
    ae.retrieve(ae.path, fu=1, rcn=rcn).expect(4000)


@purpose("TP/own/CSE/DIS/018")
@pytest.mark.parametrize("criteria", [{"fo": 9}, {"lbq": "EQ"}, {"chty": "x"}, {"cfs": 1}, {"cfs": 7, "cfq": "$ EQ 1"}])
def test_malformed(ae: Application, criteria: dict[str, Any]) -> None:
    """Malformed criteria of these kinds."""
    ae.retrieve(ae.path, fu=1, **criteria).expect(4000, 4102)


@purpose("TP/own/CSE/DIS/019")
def test_hidden_parent(ae: Application, stranger: Application, house: str) -> None:
    """Who may not discover the parent still finds the child (TS-0001 clause 10.2.6)."""
    shown = ae.policy(rule(DISCOVERY, stranger.identifier), rule(ALL, ae.identifier))
    ae.update(house, CNT, {"acpi": [shown]}).expect(2004)
    ae.update(f"{house}/hall/lamp", CNT, {"acpi": [shown]}).expect(2004)
    assert found(stranger, house, ty=CNT) == {"hall/lamp"}


@purpose("TP/own/CSE/DIS/020")
def test_relative_form(ae: Application, house: str) -> None:
    """Addresses are CSE-relative, whatever the form of the start (TS-0004 clause 6.2.4)."""
    answer = ae.retrieve(f"{ae.cse.cse_id}/{house}", fu=1, lbl="color:red")
    assert answer.expect(2000)["m2m:uril"] == [f"{house}/hall"]
