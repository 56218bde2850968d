"""GMG: requests to the members of a group through its fanOutPoint."""

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.application import Application, new_name, rule
from conformance.client import Answer, Attributes
from conformance.purposes import case, purpose
from conformance.standard import ACP, AE, ALL, CIN, CNT, DELETE, DISCOVERY, GRP, RETRIEVE, UPDATE

TP = "TP/oneM2M/CSE/GMG"
LATEST = 20002


@pytest.fixture
def members(ae: Application) -> list[str]:
    """Two containers."""
    return [ae.container(), ae.container()]


def items(answer: Answer) -> list[Attributes]:
    """The answers of all members, nested ones included."""
    return list(_items(answer.expect(2000)))


def _items(content: Any) -> Iterator[Attributes]:
    for item in content["m2m:agr"]["m2m:rsp"]:
        nested = item.get("pc")
        if isinstance(nested, dict) and "m2m:agr" in nested:
            yield from _items(nested)
        else:
            yield item


def codes(answer: Answer) -> list[int]:
    """The response status codes of all members, sorted."""
    return sorted(int(item["rsc"]) for item in items(answer))


def labels(ae: Application, addresses: list[str]) -> list[Any]:
    return [ae.retrieve(address).resource(2000).get("lbl") for address in addresses]


@purpose(f"{TP}/RET/001")
def test_latest_of_each(ae: Application, members: list[str]) -> None:
    """The latest instance of each member."""
    for member in members:
        ae.instance(member, member)
    found = items(ae.retrieve(f"{ae.group(*members)}/fopt/la"))
    assert sorted(item["pc"]["m2m:cin"]["con"] for item in found) == sorted(members)


@pytest.mark.parametrize("scope", [case(f"{TP}/001", "macp"), case(f"{TP}/003", "acpi")])
def test_permitted(ae: Application, stranger: Application, scope: str) -> None:
    """membersAccessControlPolicyIDs, or without it the group's own policies, give the right."""
    policy = ae.policy(rule(RETRIEVE, stranger.identifier), rule(ALL, ae.identifier))
    group = ae.group(ae.container(acpi=[policy]), **{scope: [policy]})
    assert codes(stranger.retrieve(f"{group}/fopt")) == [2000]


@pytest.mark.parametrize("scope", [case(f"{TP}/002", "macp"), case(f"{TP}/004", "acpi")])
@pytest.mark.parametrize("right", [RETRIEVE, UPDATE, DELETE])
def test_refused(ae: Application, stranger: Application, scope: str, right: int) -> None:
    """They withhold it."""
    member = ae.container(acpi=[ae.policy(rule(ALL, "all"))])
    group = ae.group(member, **{scope: [ae.policy(rule(ALL - right, stranger.identifier))]})
    requests = {
        RETRIEVE: lambda: stranger.retrieve(f"{group}/fopt"),
        UPDATE: lambda: stranger.update(f"{group}/fopt", CNT, {"lbl": ["a"]}),
        DELETE: lambda: stranger.delete(f"{group}/fopt"),
    }
    requests[right]().expect(4103)
    assert labels(ae, [member]) == [None]


@purpose("TP/own/CSE/GMG/001")
def test_precedence(ae: Application, stranger: Application) -> None:
    """macp decides alone, whatever acpi says (TS-0001 clause 9.6.14)."""
    permits, denies = ae.policy(rule(ALL, "all")), ae.policy(rule(ALL, ae.identifier))
    member = ae.container(acpi=[permits])
    stranger.retrieve(f"{ae.group(member, macp=[denies], acpi=[permits])}/fopt").expect(4103)
    assert codes(stranger.retrieve(f"{ae.group(member, macp=[permits], acpi=[denies])}/fopt")) == [2000]


@purpose(f"{TP}/005")
def test_create(ae: Application, members: list[str]) -> None:
    """CREATE: one answer per member; the outer code is 2000 (2001 in the ATS of 2018)."""
    assert codes(ae.create(f"{ae.group(*members)}/fopt", CIN, {"con": "x"})) == [2001, 2001]
    assert [ae.retrieve(f"{member}/la").resource(2000)["con"] for member in members] == ["x", "x"]


@purpose(f"{TP}/005")
def test_retrieve(ae: Application, members: list[str]) -> None:
    """RETRIEVE: each answer holds the member's representation."""
    found = items(ae.retrieve(f"{ae.group(*members)}/fopt"))
    assert {item["pc"]["m2m:cnt"]["rn"] for item in found} == {member.split("/")[-1] for member in members}


@purpose(f"{TP}/005")
def test_update(ae: Application, members: list[str]) -> None:
    """UPDATE: the outer code is 2000 (2004 in the ATS of 2018)."""
    assert codes(ae.update(f"{ae.group(*members)}/fopt", CNT, {"lbl": ["x"]})) == [2004, 2004]
    assert labels(ae, members) == [["x"], ["x"]]


@purpose(f"{TP}/005")
def test_delete(ae: Application, members: list[str]) -> None:
    """DELETE: the outer code is 2000 (2002 in the ATS of 2018)."""
    assert codes(ae.delete(f"{ae.group(*members)}/fopt")) == [2002, 2002]
    for member in members:
        ae.retrieve(member).expect(4004)


@purpose("TP/own/CSE/GMG/002")
def test_deleted_members_leave(ae: Application, members: list[str]) -> None:
    """Members that were deleted through the group are members no more (TS-0004 clause 7.4.14.2)."""
    group = ae.group(*members)
    ae.delete(f"{group}/fopt").expect(2000)
    attributes = ae.retrieve(group).resource(2000)
    assert (attributes["mid"], attributes["cnm"]) == ([], 0)


@purpose("TP/own/CSE/GMG/003")
def test_answers_name_their_members(ae: Application, members: list[str]) -> None:
    """Each answer says whose it is (TS-0004 clause 7.4.14.2: From is the member)."""
    found = items(ae.retrieve(f"{ae.group(*members)}/fopt"))
    assert sorted(ae.identify(item["fr"] for item in found)) == sorted(ae.identify(members))


@purpose("TP/own/CSE/GMG/004")
def test_answers_name_their_request(ae: Application, members: list[str]) -> None:
    """Each answer has a response status code and a request identifier (TS-0004 clause 7.1.2)."""
    for item in items(ae.retrieve(f"{ae.group(*members)}/fopt")):
        assert item["rqi"]
        assert int(item["rsc"]) == 2000


@purpose(f"{TP}/006")
def test_relative_address(ae: Application, members: list[str]) -> None:
    """What follows the fanOutPoint is applied to each member."""
    for member in members:
        ae.container(member, rn="child")
    assert codes(ae.create(f"{ae.group(*members)}/fopt/child", CIN, {"con": "x"})) == [2001, 2001]
    assert [ae.retrieve(f"{member}/child/la").resource(2000)["con"] for member in members] == ["x", "x"]


@purpose("TP/own/CSE/GMG/005")
def test_one_fails(ae: Application, members: list[str]) -> None:
    """Where a member fails, its answer says so; the others are carried out (TS-0004 clause 7.4.14.2)."""
    ae.container(members[0], rn="child")
    assert codes(ae.create(f"{ae.group(*members)}/fopt/child", CIN, {"con": "x"})) == [2001, 4004]
    assert ae.retrieve(f"{members[0]}/child/la").resource(2000)["con"] == "x"


@purpose(f"{TP}/007")
def test_fan_out_to_nobody(ae: Application) -> None:
    """A group without members."""
    ae.retrieve(f"{ae.group()}/fopt").expect(4109)


@purpose("TP/own/CSE/GMG/006")
def test_members_check_access(ae: Application, stranger: Application) -> None:
    """Each member checks the original originator (TS-0004 clause 7.4.14.2)."""
    policy = ae.policy(rule(RETRIEVE, stranger.identifier), rule(ALL, ae.identifier))
    group = ae.group(ae.container(acpi=[policy]), ae.container(), macp=[policy])
    assert codes(stranger.retrieve(f"{group}/fopt")) == [2000, 4103]


@purpose("TP/own/CSE/GMG/007")
def test_deleted_member(ae: Application, members: list[str]) -> None:
    """A member that was deleted meanwhile does not spoil the answers of the others."""
    group = ae.group(*members)
    ae.delete(members[0]).expect(2002)
    assert codes(ae.retrieve(f"{group}/fopt")) in ([2000], [2000, 4004])


@purpose("TP/own/CSE/GMG/008")
def test_nested(ae: Application, members: list[str]) -> None:
    """The members of a member group are reached by its fanOutPoint (TS-0001 clause 10.2.7)."""
    inner = ae.group(members[0])
    answer = ae.create(f"{ae.group(f'{inner}/fopt', members[1])}/fopt", CIN, {"con": "x"})
    assert codes(answer) == [2001, 2001]


@purpose("TP/own/CSE/GMG/009")
def test_group_as_member(ae: Application) -> None:
    """A group that is named without its fanOutPoint is meant itself."""
    inner = ae.group(gn="inner")
    (item,) = items(ae.retrieve(f"{ae.group(inner)}/fopt"))
    assert item["pc"]["m2m:grp"]["gn"] == "inner"


@purpose("TP/own/CSE/GMG/010")
def test_loop(ae: Application, members: list[str]) -> None:
    """Two groups that contain each other: everybody gets the request once (TS-0004 clause 7.4.14.2)."""
    first, second = members
    one = ae.group(first)
    other = ae.group(second, f"{one}/fopt")
    ae.update(one, GRP, {"mid": [first, f"{other}/fopt"]}).expect(2004)
    assert codes(ae.create(f"{one}/fopt", CIN, {"con": "x"}))[:2] == [2001, 2001]
    assert [ae.retrieve(member).resource(2000)["cni"] for member in members] == [1, 1]


@purpose("TP/own/CSE/GMG/011")
def test_not_a_group(ae: Application) -> None:
    """Only a group has a fanOutPoint."""
    ae.retrieve(f"{ae.container()}/fopt").expect(4004)


@purpose("TP/own/CSE/GMG/012")
def test_entities_as_members(ae: Application, stranger: Application) -> None:
    """Members may be application entities, by their AE-ID too."""
    stranger.update(stranger.path, AE, {"acpi": [stranger.policy(rule(RETRIEVE | DISCOVERY, "all"))]}).expect(2004)
    created = ae.create(ae.path, GRP, {"mnm": 5, "mid": [stranger.identifier], "mt": AE}).resource(2001)
    assert (created["mt"], created["cnm"]) == (AE, 1)


@purpose("TP/own/CSE/GMG/013")
@pytest.mark.parametrize("prefix", ["", "{cse}/", "//{sp}{cse}/"])
def test_unstructured(ae: Application, members: list[str], prefix: str) -> None:
    """The group may be named by its resource identifier, in every scope."""
    (identifier,) = ae.identify([ae.group(*members)])
    scope = prefix.format(cse=ae.cse.cse_id, sp=ae.cse.service_provider)
    assert codes(ae.retrieve(f"{scope}{identifier}/fopt")) == [2000, 2000]


@purpose("TP/own/CSE/GMG/014")
@pytest.mark.parametrize("form", ["{path}", "{id}", "{cse}/{id}", "{cse}/{path}", "//{sp}{cse}/{id}"])
def test_forms_of_members(ae: Application, members: list[str], form: str) -> None:
    """Members may be named in every form."""
    names = {"cse": ae.cse.cse_id, "sp": ae.cse.service_provider}
    forms = [form.format(path=path, id=ae.identify([path])[0], **names) for path in members]
    assert codes(ae.update(f"{ae.group(*forms)}/fopt", CNT, {"lbl": ["x"]})) == [2004, 2004]
    assert labels(ae, members) == [["x"], ["x"]]


@purpose("TP/own/CSE/GMG/015")
def test_result_content(ae: Application, members: list[str]) -> None:
    """resultContent is that of each member's answer."""
    found = items(ae.create(f"{ae.group(*members)}/fopt", CIN, {"con": "x"}, rcn=0))
    assert [item.get("pc") for item in found] == [None, None]


@purpose("TP/own/CSE/GMG/016")
def test_latest_as_member(ae: Application) -> None:
    """A virtual child may be a member; its deletion does not remove it from the group (TS-0004 clause 7.4.13)."""
    container = ae.container()
    for content in ("old", "new"):
        ae.instance(container, content)
    group = ae.group(f"{container}/la", mt=LATEST)
    (item,) = items(ae.retrieve(f"{group}/fopt"))
    assert item["pc"]["m2m:cin"]["con"] == "new"
    assert codes(ae.delete(f"{group}/fopt")) == [2002]
    assert ae.retrieve(f"{container}/la").resource(2000)["con"] == "old"
    assert ae.retrieve(group).resource(2000)["cnm"] == 1


@purpose("TP/own/CSE/GMG/017")
def test_group_request_identifier(ae: Application, members: list[str]) -> None:
    """A group carries out a request with the same groupRequestIdentifier once (TS-0004 clause 7.4.14.2)."""
    group = ae.group(*members)
    sent = {"X-M2M-GID": new_name()}
    ae.send("GET", f"{group}/fopt", headers=sent).expect(2000)
    ae.send("GET", f"{group}/fopt", headers=sent).expect(4104)
    ae.send("GET", f"{group}/fopt", headers={"X-M2M-GID": new_name()}).expect(2000)


@purpose("TP/own/CSE/GMG/018")
def test_many_members(ae: Application) -> None:
    """All members answer."""
    members = [ae.container() for _ in range(20)]
    answer = ae.create(f"{ae.group(*members, mnm=20)}/fopt", CIN, {"con": "x"})
    assert codes(answer) == [2001] * 20


@purpose("TP/own/CSE/GMG/019")
def test_policies_of_all_members(ae: Application) -> None:
    """What suits the members' type is created below each; elsewhere the answers say why not."""
    groups = ae.group(ae.group(), ae.group()), ae.group(ae.path, ae.container())
    assert codes(ae.update(f"{groups[0]}/fopt", GRP, {"gn": "x"})) == [2004, 2004]
    rules = {"acr": [rule(ALL, "all")]}
    assert codes(ae.create(f"{groups[1]}/fopt", ACP, {"pv": rules, "pvs": rules})) == [2001, 4108]
