"""Which neighbour carries what is not for us."""

import pytest

from cse.errors import BadRequest
from cse.forwarding import carrier, known, remote_host
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import NOW, add, creating, updating

PAST, FUTURE = "20260101T000000", "20280101T000000"


@pytest.fixture
def federation(work: Work) -> Work:
    """An MN-CSE with two descendants, a leaf, the way to another service provider, and our own registrar."""
    for name, attributes in {
        "mn": {"dcse": ["/id-asn", "/id-deep"], "poa": ["http://10.0.0.1/", "http://10.0.0.2/"]},
        "leaf": {"mtcc": 2, "csz": ["application/cbor"]},
        "abroad": {"spi": "//other.example"},
        "up": {},
    }.items():
        content = {"cb": f"/id-{name}/cse-{name}", "rr": True, "srv": ["3"], **attributes}
        perform(work, creating("cse-in", 16, {"m2m:csr": content}, f"/id-{name}"))
    return work


def mark_registrar(work: Work, identifier: str) -> None:
    resource = work.transaction.resources.get(identifier)
    assert resource is not None
    resource.attributes["_registrar"] = True
    work.transaction.resources.update(resource)


def name_of(resource: Resource | None) -> str | None:
    return None if resource is None else resource.ri


@pytest.mark.parametrize(
    ("address", "without", "with_registrar"),
    [
        ("/id-mn/cse-mn/box", "id-mn", "id-mn"),
        ("/id-mn", "id-mn", "id-mn"),
        ("//cse.example/id-mn/-", "id-mn", "id-mn"),
        ("/id-asn/-", "id-mn", "id-mn"),
        ("/id-leaf/Capp", "id-leaf", "id-leaf"),
        ("//other.example/id-x/-", "id-abroad", "id-abroad"),
        ("//third.example/id-x/-", None, "id-up"),
        ("/id-unknown/-", None, "id-up"),
        ("/id-in/Capp", None, None),
        ("cse-in/app", None, None),
        ("/Sapp", None, None),
    ],
)
def test_the_next_cse_on_the_way(
    federation: Work, address: str, without: str | None, with_registrar: str | None
) -> None:
    assert name_of(carrier(federation, address)) == without
    mark_registrar(federation, "id-up")
    assert name_of(carrier(federation, address)) == with_registrar


def test_what_is_no_address_leads_nowhere(federation: Work) -> None:
    for text in ("/", "//", "/id-mn/a b", "/id-mn//x", "/id-mn/" + "x/" * 70 + "x"):
        with pytest.raises(BadRequest):
            carrier(federation, text)


def test_only_what_stands_for_a_cse_carries(work: Work) -> None:
    add(work, "cse-in/app", "ae", creator="/id-app", ri="id-app", rr=True)
    assert carrier(work, "/id-app/x") is None


def test_a_registration_that_has_expired_carries_nothing(federation: Work) -> None:
    for end, expected in ((FUTURE, "id-mn"), (PAST, None)):
        remote = federation.transaction.resources.get("id-mn")
        assert remote is not None
        remote.attributes["et"] = end
        federation.transaction.resources.update(remote)
        assert [name_of(known(federation, cse)) for cse in ("/id-mn", "/id-asn")] == [expected, expected]
    assert federation.now == NOW


def test_descendants_are_those_that_it_names_now(federation: Work) -> None:
    perform(federation, updating("id-mn", {"m2m:csr": {"dcse": ["/id-new"]}}, "/id-mn"))
    assert name_of(carrier(federation, "/id-asn/-")) is None
    assert name_of(carrier(federation, "/id-new/-")) == "id-mn"


def test_the_host_says_where_the_request_goes_and_how_it_gets_there(federation: Work) -> None:
    host = remote_host(federation, "//cse.example/id-mn/cse-mn/box/la", "/id-mn/cse-mn/box")
    assert host is not None
    assert (host.id, host.cse, host.member) == ("/id-mn/cse-mn/box/la", "/id-mn", "/id-mn/cse-mn/box")
    assert host.points_of_access == ("http://10.0.0.1/", "http://10.0.0.2/")
    assert remote_host(federation, "/id-unknown/-") is None
    assert remote_host(federation, "cse-in") is None


def test_multicast_is_a_matter_of_the_cse_itself(federation: Work) -> None:
    direct = remote_host(federation, "/id-leaf/-")
    assert direct is not None
    assert (direct.multicast, direct.serializations) == (2, ("application/cbor",))
    perform(federation, updating("id-leaf", {"m2m:csr": {"dcse": ["/id-behind"]}}, "/id-leaf"))
    behind = remote_host(federation, "/id-behind/-")
    assert behind is not None
    assert (behind.cse, behind.multicast) == ("/id-behind", 0)
