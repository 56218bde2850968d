from typing import Any

import pytest

from cse.access import Guard, Right
from cse.errors import (
    BadRequest,
    Conflict,
    CSEError,
    NotFound,
    OperationNotAllowed,
    OriginatorHasAlreadyRegistered,
    OriginatorHasNoPrivilege,
    SecurityAssociationRequired,
)
from cse.exchange import find_host
from cse.network import Host
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import add, creating, deleting, retrieving, updating, working

ATTRIBUTES = {"cb": "/id-mn/cse-mn", "rr": True, "srv": ["3"]}


def register(work: Work, originator: str = "/id-mn", **attributes: Any) -> Resource:
    content = {"m2m:csr": ATTRIBUTES | attributes}
    return work.target(str(perform(work, creating("cse-in", 16, content, originator)).location)).resource


@pytest.mark.parametrize("originator", ["/id-mn", "//cse.example/id-mn"])
def test_a_cse_registers_with_its_identifier(work: Work, originator: str) -> None:
    remote = register(work, originator, rn="neighbour", cst=2)
    assert (remote.ri, remote.creator, remote.attributes["csi"]) == ("id-mn", "/id-mn", "/id-mn")
    assert remote.path == "cse-in/neighbour"
    for address in ("id-mn", "/id-in/id-mn", "cse-in/neighbour"):
        assert perform(work, retrieving(address, "/id-mn")).content["m2m:csr"]["csi"] == "/id-mn"


@pytest.mark.parametrize(
    ("originator", "error"),
    [
        ("", BadRequest),
        ("Capp", OperationNotAllowed),
        ("/id-mn/Capp", OperationNotAllowed),
        ("//other.example/id-x", OperationNotAllowed),
        ("/Sapp", OperationNotAllowed),
        ("/cse-in", OperationNotAllowed),
        ("/-", OperationNotAllowed),
        ("/a b", OperationNotAllowed),
        ("/id-in", SecurityAssociationRequired),
    ],
)
def test_nobody_else_registers_as_a_cse(work: Work, originator: str, error: type[CSEError]) -> None:
    with pytest.raises(error):
        register(work, originator)


def test_the_identifier_is_repeated_or_left_out(work: Work) -> None:
    with pytest.raises(OperationNotAllowed, match="csi"):
        register(work, csi="/id-other")
    assert register(work, csi="/id-mn").attributes["csi"] == "/id-mn"


def test_nobody_registers_twice(work: Work) -> None:
    register(work)
    with pytest.raises(OriginatorHasAlreadyRegistered):
        register(work, rn="again")
    add(work, "cse-in/box", ri="id-box")
    with pytest.raises(Conflict, match="cse-in/box"):
        register(work, "/id-box")


def test_a_registered_cse_reads_the_csebase_and_manages_its_own(work: Work) -> None:
    base = work.target("cse-in").resource
    assert not Guard(work, retrieving("cse-in", "/id-mn")).permits(base, Right.RETRIEVE)
    remote = register(work)
    assert Guard(work, retrieving("cse-in", "/id-mn")).permits(base, Right.RETRIEVE)
    for stranger in ("id-mn", "Cid-mn", "/id-other", "/id-mn/Capp"):
        assert not Guard(work, retrieving("cse-in", stranger)).permits(base, Right.RETRIEVE)
        with pytest.raises(OriginatorHasNoPrivilege):
            perform(work, deleting(remote.path, stranger))
    perform(work, creating(remote.path, 3, {"m2m:cnt": {"rn": "box"}}, "/id-mn"))
    perform(work, updating(remote.path, {"m2m:csr": {"dcse": ["/id-asn"], "rr": False}}, "/id-mn"))
    perform(work, deleting(remote.path, "/id-mn"))
    assert not Guard(work, retrieving("cse-in", "/id-mn")).permits(base, Right.RETRIEVE)


def test_groups_of_originators_may_have_cses(work: Work) -> None:
    remote = register(work)
    group = add(work, "cse-in/group", "grp", mt=0)
    work.transaction.lists.replace(group.ri, [(remote.path, remote.ri)])
    rule = {"acor": [group.ri], "acop": 63}
    policy = add(work, "cse-in/rules", "acp", pv={"acr": [rule]}, pvs={"acr": [rule]})
    box = add(work, "cse-in/box", acpi=[policy.ri])
    allowed = [
        name for name in ("/id-mn", "id-mn", "/id-x") if Guard(work, retrieving("-", name)).permits(box, Right.UPDATE)
    ]
    assert allowed == ["/id-mn"]


def test_it_can_be_notified(work: Work) -> None:
    register(work, poa=["http://127.0.0.1:9000"], csz=["application/cbor"])
    expected = Host("/id-mn", ("http://127.0.0.1:9000",), True, ("3",), ("application/cbor",))
    for target in ("/id-mn", "//cse.example/id-mn", "id-mn", "cse-in/id-mn"):
        assert find_host(work, target) == expected
    assert find_host(work, "/id-other") is None


def test_nothing_on_it_is_in_this_tree(work: Work) -> None:
    register(work)
    for address in ("/id-mn/cse-mn/box", "//other.example/id-x/box"):
        with pytest.raises(NotFound, match="is on another CSE"):
            perform(work, retrieving(address))


def test_the_administrator_registers_any_cse(work: Work) -> None:
    for number, attributes in enumerate(({"csi": "/id-a"}, {"cb": "/id-b/cse-b"}, {"cb": "//cse.example/id-c/cse-c"})):
        assert (
            register(work, "CAdmin", rn=f"remote{number}", **attributes).creator == ("/id-a", "/id-b", "/id-c")[number]
        )
    for wrong in ({"csi": "Capp"}, {"csi": "/id-in"}, {"cb": "cse-mn"}, {"csi": "//other.example/id-x"}):
        with pytest.raises(BadRequest, match="csi"):
            register(work, "CAdmin", **wrong)
    add(work, "cse-in/app", "ae", ri="Capp")
    with pytest.raises(Conflict, match="cse-in/app"):
        register(work, "CAdmin", cb="/Capp")


def test_the_operator_says_who_may_register() -> None:
    with working(registrees=("/id-m*", "/id-x")) as work:
        assert register(work, "/id-mn").ri == "id-mn"
        with pytest.raises(OriginatorHasNoPrivilege, match="registrees"):
            register(work, "/id-asn")
    with working(cse_type="ASN") as work, pytest.raises(OperationNotAllowed, match="ASN-CSE"):
        register(work)


def test_no_content_confuses_the_check_of_who_registers(work: Work) -> None:
    for content in (None, [], {}, {"m2m:csr": None}, {"m2m:csr": {"csi": 1}}, "text"):
        with pytest.raises(BadRequest):
            perform(work, creating("cse-in", 16, content, "/id-mn"))
