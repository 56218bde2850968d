"""GMG: groups, and requests to their members through the fanOutPoint."""

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.client import (
    AE,
    ALL,
    CIN,
    CNT,
    GRP,
    RETRIEVE,
    Answer,
    Application,
    Attributes,
    new_name,
    rule,
)

MIXED = 0
ABANDON_MEMBER, ABANDON_GROUP, SET_MIXED = 1, 2, 3


@pytest.fixture
def members(ae: Application) -> list[str]:
    """Two containers."""
    return [ae.container(), ae.container()]


def items(answer: Answer) -> dict[str, Attributes]:
    """The answers of all members by the member's identifier, nested ones included."""
    found = list(_items(answer.expect(2000)))
    assert all("fr" in item for item in found), f"an answer does not name its member: {found}"
    by_member = {item["fr"]: item for item in found}
    assert len(by_member) == len(found), f"a member has several answers: {found}"
    return by_member


def _items(content: Any) -> Iterator[Attributes]:
    for item in content["m2m:agr"]["m2m:rsp"]:
        nested = item.get("pc")
        if isinstance(nested, dict) and "m2m:agr" in nested:
            yield from _items(nested)
        else:
            yield item


def codes(answer: Answer) -> dict[str, int]:
    """The response status codes of all members."""
    return {member: item["rsc"] for member, item in items(answer).items()}


def test_gmg_cre_001(ae: Application, members: list[str]) -> None:
    """More members than maxNrOfMembers."""
    ae.create(ae.path, GRP, {"mnm": 1, "mid": members}).expect(6010)


def test_gmg_cre_003(ae: Application, members: list[str]) -> None:
    """Duplicates are dropped."""
    first, second = members
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": [first, second, first]}).resource(2001)
    assert (created["mid"], created["cnm"]) == (members, 2)


def test_gmg_cre_004(ae: Application, members: list[str]) -> None:
    """All members are of the type."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": members, "mt": CNT}).resource(2001)
    assert (created["mt"], created["mtv"], created["mnm"]) == (CNT, True, 5)


def test_gmg_cre_005(ae: Application, members: list[str]) -> None:
    """A member of another type, SET_MIXED."""
    wanted = {"mnm": 5, "mid": [*members, ae.path], "mt": CNT, "csy": SET_MIXED}
    created = ae.create(ae.path, GRP, wanted).resource(2001)
    assert (created["mt"], created["cnm"]) == (MIXED, 3)


def test_gmg_cre_006(ae: Application, members: list[str]) -> None:
    """A member of another type, ABANDON_MEMBER."""
    wanted = {"mnm": 5, "mid": [*members, ae.path], "mt": CNT, "csy": ABANDON_MEMBER}
    created = ae.create(ae.path, GRP, wanted).resource(2001)
    assert (created["mt"], created["mid"], created["mtv"]) == (CNT, members, True)


def test_gmg_cre_007(ae: Application, members: list[str]) -> None:
    """A member of another type, ABANDON_GROUP."""
    wanted = {"rn": "abandoned", "mnm": 5, "mid": [*members, ae.path], "mt": CNT, "csy": ABANDON_GROUP}
    ae.create(ae.path, GRP, wanted).expect(4110)
    ae.retrieve(f"{ae.path}/abandoned").expect(4004)


def test_gmg_cre_008(ae: Application) -> None:
    """No members."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": []}).resource(2001)
    assert (created["mid"], created["cnm"], created["csy"], created["mt"]) == ([], 0, ABANDON_MEMBER, MIXED)


def test_gmg_upd_002(ae: Application, members: list[str]) -> None:
    """Duplicates are dropped."""
    first, second = members
    updated = ae.update(ae.group(), GRP, {"mid": [first, second, first]}).resource(2004)
    assert (updated["mid"], updated["cnm"]) == (members, 2)


@pytest.mark.parametrize(("strategy", "mt", "cnm"), [(SET_MIXED, MIXED, 2), (ABANDON_MEMBER, CNT, 1)])
def test_gmg_upd_003_005(ae: Application, members: list[str], strategy: int, mt: int, cnm: int) -> None:
    """A new member of another type, SET_MIXED and ABANDON_MEMBER."""
    group = ae.group(*members, mt=CNT, csy=strategy)
    updated = ae.update(group, GRP, {"mid": [members[0], ae.path]}).resource(2004)
    assert (updated["mt"], updated["cnm"]) == (mt, cnm)


def test_gmg_upd_006(ae: Application, members: list[str]) -> None:
    """A new member of another type, ABANDON_GROUP: the group stays as it was."""
    group = ae.group(*members, mt=CNT, csy=ABANDON_GROUP)
    ae.update(group, GRP, {"mid": [members[0], ae.path]}).expect(4110)
    assert ae.retrieve(group).resource(2000)["mid"] == members


@pytest.mark.parametrize("changes", [{"mnm": 1}, {"mid": ["cnt1", "cnt2", "cnt3"], "mnm": 2}])
def test_gmg_upd_007_008(ae: Application, members: list[str], changes: Attributes) -> None:
    """Too many members, or a maximum below their number."""
    if "mid" in changes:
        changes = changes | {"mid": [*members, ae.container()]}
    group = ae.group(*members)
    ae.update(group, GRP, changes).expect(6010)
    assert ae.retrieve(group).resource(2000)["mid"] == members


@pytest.mark.parametrize("name", ["mt", "csy", "cnm", "mtv"])
def test_gmg_upd_not_permitted(ae: Application, name: str) -> None:
    """What UPDATE must not set (TS-0004 clause 7.4.13.1)."""
    group = ae.group()
    ae.update(group, GRP, {name: 1 if name != "mtv" else True}).expect(4000)


def test_gmg_ret_001(ae: Application, members: list[str]) -> None:
    """A tail is applied to each member."""
    for number, member in enumerate(members):
        ae.instance(member, str(number))
    found = items(ae.retrieve(f"{ae.group(*members)}/fopt/la"))
    assert [found[member]["pc"]["m2m:cin"]["con"] for member in members] == ["0", "1"]


@pytest.mark.parametrize("scope", ["macp", "acpi"])
def test_gmg_001_003(ae: Application, stranger: Application, scope: str) -> None:
    """membersAccessControlPolicyIDs, or without it the group's own policies, give the right."""
    policy = ae.policy(rule(RETRIEVE, stranger.identifier))
    member = ae.container(acpi=[policy])
    assert codes(stranger.retrieve(f"{ae.group(member, **{scope: [policy]})}/fopt")) == {member: 2000}


@pytest.mark.parametrize("scope", ["macp", "acpi"])
def test_gmg_002_004(ae: Application, stranger: Application, scope: str) -> None:
    """They withhold it."""
    member = ae.container(acpi=[ae.policy(rule(RETRIEVE, stranger.identifier))])
    withheld = ae.policy(rule(ALL - RETRIEVE, stranger.identifier))
    stranger.retrieve(f"{ae.group(member, **{scope: [withheld]})}/fopt").expect(4103)


def test_gmg_002_precedence(ae: Application, stranger: Application) -> None:
    """macp decides alone, whatever acpi says (TS-0001 clause 9.6.14)."""
    permits, denies = ae.policy(rule(ALL, stranger.identifier)), ae.policy(rule(ALL, ae.identifier))
    member = ae.container(acpi=[permits])
    stranger.retrieve(f"{ae.group(member, macp=[denies], acpi=[permits])}/fopt").expect(4103)
    assert codes(stranger.retrieve(f"{ae.group(member, macp=[permits], acpi=[denies])}/fopt")) == {member: 2000}


def test_gmg_005_create(ae: Application, members: list[str]) -> None:
    """CREATE: one answer per member; the outer code is 2000 (2001 in the ATS of 2018)."""
    answer = ae.create(f"{ae.group(*members)}/fopt", CIN, {"con": "x"})
    assert codes(answer) == dict.fromkeys(members, 2001)
    assert [ae.retrieve(f"{member}/la").resource(2000)["con"] for member in members] == ["x", "x"]


def test_gmg_005_retrieve(ae: Application, members: list[str]) -> None:
    """RETRIEVE: each answer holds the member's representation."""
    found = items(ae.retrieve(f"{ae.group(*members)}/fopt"))
    names = [found[member]["pc"]["m2m:cnt"]["rn"] for member in members]
    assert names == [member.split("/")[-1] for member in members]


def test_gmg_005_update(ae: Application, members: list[str]) -> None:
    """UPDATE: the outer code is 2000 (2004 in the ATS of 2018)."""
    answer = ae.update(f"{ae.group(*members)}/fopt", CNT, {"lbl": ["x"]})
    assert codes(answer) == dict.fromkeys(members, 2004)
    assert [ae.retrieve(member).resource(2000)["lbl"] for member in members] == [["x"], ["x"]]


def test_gmg_005_delete(ae: Application, members: list[str]) -> None:
    """DELETE: the outer code is 2000 (2002 in the ATS of 2018), and the members leave the group."""
    group = ae.group(*members)
    assert codes(ae.delete(f"{group}/fopt")) == dict.fromkeys(members, 2002)
    for member in members:
        ae.retrieve(member).expect(4004)
    assert ae.retrieve(group).resource(2000)["mid"] == []


def test_gmg_006(ae: Application, members: list[str]) -> None:
    """A tail leads to a child; where it is missing, that member's answer says so."""
    first, second = members
    ae.container(first, rn="child")
    answer = ae.create(f"{ae.group(*members)}/fopt/child", CIN, {"con": "x"})
    assert codes(answer) == {first: 2001, second: 4004}


def test_gmg_007(ae: Application) -> None:
    """A group without members."""
    ae.retrieve(f"{ae.group()}/fopt").expect(4109)


def test_gmg_refused_member(ae: Application, stranger: Application) -> None:
    """Each member checks the original originator (TS-0004 clause 7.4.14.2)."""
    policy = ae.policy(rule(RETRIEVE, stranger.identifier))
    open_one, closed_one = ae.container(acpi=[policy]), ae.container()
    answer = stranger.retrieve(f"{ae.group(open_one, closed_one, macp=[policy])}/fopt")
    assert codes(answer) == {open_one: 2000, closed_one: 4103}


def test_gmg_missing_member(ae: Application, members: list[str]) -> None:
    """A member that was deleted meanwhile does not spoil the answers of the others."""
    group = ae.group(*members)
    gone, left = members
    ae.delete(gone).expect(2002)
    found = codes(ae.retrieve(f"{group}/fopt"))
    assert found[left] == 2000
    assert found.get(gone, 4004) == 4004


def test_gmg_nested(ae: Application, members: list[str]) -> None:
    """The members of a member group are reached by its fanOutPoint (TS-0001 clause 10.2.7)."""
    inner = ae.group(members[0])
    answer = ae.create(f"{ae.group(f'{inner}/fopt', members[1])}/fopt", CIN, {"con": "x"})
    assert codes(answer) == dict.fromkeys(members, 2001)


def test_gmg_group_as_member(ae: Application) -> None:
    """A group that is named without its fanOutPoint is meant itself."""
    inner = ae.group()
    found = items(ae.retrieve(f"{ae.group(inner)}/fopt"))
    assert found[inner]["pc"]["m2m:grp"]["mid"] == []


def test_gmg_loop(ae: Application, members: list[str]) -> None:
    """Two groups that contain each other: everybody gets the request once (TS-0004 clause 7.4.14.2)."""
    first, second = members
    one = ae.group(first)
    other = ae.group(second, f"{one}/fopt")
    ae.update(one, GRP, {"mid": [first, f"{other}/fopt"]}).expect(2004)
    found = codes(ae.create(f"{one}/fopt", CIN, {"con": "x"}))
    assert {member: found.get(member) for member in members} == dict.fromkeys(members, 2001)
    assert [ae.retrieve(member).resource(2000)["cni"] for member in members] == [1, 1]


def test_gmg_not_a_group(ae: Application) -> None:
    """Only a group has a fanOutPoint."""
    ae.retrieve(f"{ae.container()}/fopt").expect(4004)


def test_gmg_member_type_ae(ae: Application, stranger: Application) -> None:
    """Members may be application entities, by their AE-ID too."""
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": [stranger.identifier], "mt": AE}).resource(2001)
    assert (created["mt"], created["mid"]) == (AE, [stranger.identifier])


def test_gmg_unstructured(ae: Application, members: list[str]) -> None:
    """The group may be named by its resource identifier, in every scope."""
    cse = ae.cse
    identifier = ae.retrieve(ae.group(*members)).resource(2000)["ri"]
    for prefix in ("", f"{cse.cse_id}/", f"//{cse.service_provider}{cse.cse_id}/"):
        assert codes(ae.retrieve(f"{prefix}{identifier}/fopt")) == dict.fromkeys(members, 2000)


def test_gmg_result_content(ae: Application, members: list[str]) -> None:
    """resultContent is that of each member's answer."""
    found = items(ae.create(f"{ae.group(*members)}/fopt", CIN, {"con": "x"}, rcn=0))
    assert [item.get("pc") for item in found.values()] == [None, None]


def test_gmg_latest_as_member(ae: Application) -> None:
    """A virtual child may be a member; its deletion does not remove it from the group (TS-0004 clause 7.4.13)."""
    container = ae.container()
    for content in ("old", "new"):
        ae.instance(container, content)
    group = ae.group(f"{container}/la", mt=20002)
    assert items(ae.retrieve(f"{group}/fopt"))[f"{container}/la"]["pc"]["m2m:cin"]["con"] == "new"
    assert codes(ae.delete(f"{group}/fopt")) == {f"{container}/la": 2002}
    assert ae.retrieve(f"{container}/la").resource(2000)["con"] == "old"
    assert ae.retrieve(group).resource(2000)["mid"] == [f"{container}/la"]


def test_gmg_group_request_identifier(ae: Application, members: list[str]) -> None:
    """A group carries out a request with the same groupRequestIdentifier once (TS-0004 clause 7.4.14.2)."""
    group = ae.group(*members)
    sent = {"X-M2M-GID": new_name()}
    ae.send("GET", f"{group}/fopt", headers=sent).expect(2000)
    ae.send("GET", f"{group}/fopt", headers=sent).expect(4104)
    ae.send("GET", f"{group}/fopt", headers={"X-M2M-GID": new_name()}).expect(2000)
