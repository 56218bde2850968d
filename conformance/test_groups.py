"""GMG: groups and their members."""

import pytest

from conformance.application import Application
from conformance.client import Attributes
from conformance.purposes import case, purpose
from conformance.standard import CNT, GRP

TP = "TP/oneM2M/CSE/GMG"
MIXED = 0
ABANDON_MEMBER, ABANDON_GROUP, SET_MIXED = 1, 2, 3


@pytest.fixture
def members(ae: Application) -> list[str]:
    """Two containers."""
    return [ae.container(), ae.container()]


def same_members(ae: Application, group: Attributes, members: list[str]) -> bool:
    """Whether a group has these members, whatever the forms of their addresses."""
    return ae.identify(group["mid"]) == ae.identify(members)


@purpose(f"{TP}/CRE/001")
def test_too_many(ae: Application, members: list[str]) -> None:
    """More members than maxNrOfMembers."""
    ae.create(ae.path, GRP, {"mnm": 1, "mid": members}).expect(6010)


@purpose(f"{TP}/CRE/003")
def test_duplicates(ae: Application, members: list[str]) -> None:
    """Duplicates are dropped."""
    first, second = members
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": [first, second, first]}).resource(2001)
    assert created["cnm"] == 2
    assert same_members(ae, created, members)


@purpose("TP/own/CSE/GMG/CRE/001")
def test_duplicates_in_other_forms(ae: Application, members: list[str]) -> None:
    """Two addresses of one resource are one member."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": [*members, *ae.identify(members)]}).resource(2001)
    assert created["cnm"] == 2
    assert same_members(ae, created, members)


@purpose(f"{TP}/CRE/004")
def test_type_fits(ae: Application, members: list[str]) -> None:
    """All members are of the type."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": members, "mt": CNT}).resource(2001)
    assert (created["mt"], created["mtv"], created["mnm"]) == (CNT, True, 5)


@purpose(f"{TP}/CRE/005")
def test_set_mixed(ae: Application, members: list[str]) -> None:
    """A member of another type, SET_MIXED."""
    wanted = {"mnm": 5, "mid": [*members, ae.path], "mt": CNT, "csy": SET_MIXED}
    created = ae.create(ae.path, GRP, wanted).resource(2001)
    assert (created["mt"], created["cnm"]) == (MIXED, 3)


@purpose(f"{TP}/CRE/006")
@pytest.mark.parametrize("strategy", [{"csy": ABANDON_MEMBER}, {}])
def test_abandon_member(ae: Application, members: list[str], strategy: Attributes) -> None:
    """A member of another type, ABANDON_MEMBER, which is the default."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": [*members, ae.path], "mt": CNT} | strategy).resource(2001)
    assert (created["mt"], created["cnm"], created["mtv"]) == (CNT, 2, True)
    assert same_members(ae, created, members)


@purpose(f"{TP}/CRE/007")
def test_abandon_group(ae: Application, members: list[str]) -> None:
    """A member of another type, ABANDON_GROUP."""
    wanted = {"rn": "abandoned", "mnm": 5, "mid": [*members, ae.path], "mt": CNT, "csy": ABANDON_GROUP}
    ae.create(ae.path, GRP, wanted).expect(4110)
    ae.retrieve(f"{ae.path}/abandoned").expect(4004)


@purpose(f"{TP}/CRE/008")
def test_no_members(ae: Application) -> None:
    """No members; the defaults."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": []}).resource(2001)
    assert (created["mid"], created["cnm"], created["csy"], created["mt"]) == ([], 0, ABANDON_MEMBER, MIXED)


@purpose(f"{TP}/UPD/002")
def test_update_with_duplicates(ae: Application, members: list[str]) -> None:
    """Duplicates are dropped."""
    first, second = members
    updated = ae.update(ae.group(), GRP, {"mid": [first, second, first]}).resource(2004)
    assert updated["cnm"] == 2
    assert same_members(ae, updated, members)


@purpose(f"{TP}/UPD/003")
def test_new_members_fit(ae: Application, members: list[str]) -> None:
    """All new members are of the type."""
    updated = ae.update(ae.group(mt=CNT), GRP, {"mid": members}).resource(2004)
    assert (updated["mt"], updated["cnm"], updated["mtv"]) == (CNT, 2, True)


@pytest.mark.parametrize(
    ("strategy", "mt", "cnm"),
    [case(f"{TP}/UPD/004", SET_MIXED, MIXED, 2), case(f"{TP}/UPD/005", ABANDON_MEMBER, CNT, 1)],
)
def test_new_member_of_another_type(ae: Application, members: list[str], strategy: int, mt: int, cnm: int) -> None:
    """A new member of another type, SET_MIXED and ABANDON_MEMBER."""
    group = ae.group(*members, mt=CNT, csy=strategy)
    updated = ae.update(group, GRP, {"mid": [members[0], ae.path]}).resource(2004)
    assert (updated["mt"], updated["cnm"]) == (mt, cnm)


@purpose(f"{TP}/UPD/006")
def test_update_is_abandoned(ae: Application, members: list[str]) -> None:
    """A new member of another type, ABANDON_GROUP: the group stays as it was."""
    group = ae.group(*members, mt=CNT, csy=ABANDON_GROUP)
    ae.update(group, GRP, {"mid": [members[0], ae.path]}).expect(4110)
    assert same_members(ae, ae.retrieve(group).resource(2000), members)


@pytest.mark.parametrize("changes", [case(f"{TP}/UPD/007", {"mnm": 2}), case(f"{TP}/UPD/008", {"mnm": 1})])
def test_maximum(ae: Application, members: list[str], changes: Attributes) -> None:
    """Too many members, or a maximum below their number."""
    group = ae.group(*members)
    more = {"mid": [*members, ae.container()]} if changes["mnm"] == 2 else {}
    ae.update(group, GRP, changes | more).expect(6010)
    assert same_members(ae, ae.retrieve(group).resource(2000), members)


@purpose("TP/own/CSE/GMG/UPD/001")
@pytest.mark.parametrize("changes", [{"mt": 1}, {"csy": 1}, {"cnm": 1}, {"mtv": True}])
def test_not_updatable(ae: Application, changes: Attributes) -> None:
    """What UPDATE must not set (TS-0004 clause 7.4.13.1)."""
    ae.update(ae.group(), GRP, changes).expect(4000)
