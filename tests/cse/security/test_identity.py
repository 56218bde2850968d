import base64
from functools import cache
from typing import Any

import pytest

from cse import registry
from cse.config import ServerSettings
from cse.errors import OriginatorNotAuthenticated
from cse.primitive import Operation, Request
from cse.security.credentials import Credential, Credentials, PeerCertificate
from cse.security.hashes import PasswordHash, hash_token
from cse.security.identity import CERTIFICATE, CREDENTIAL, Identities
from cse.work import Model

PASSWORD = str(PasswordHash.of("pass:word"))
ENTRIES = [
    {"token": hash_token("secret"), "originators": ["Ctoken"]},
    {"user": "meter", "password": PASSWORD, "originators": ["Cuser"]},
    {"user": "gateway", "password": PASSWORD, "originators": ["Cgateway"], "originator": "Cgateway"},
    {"subject": "meter.example", "originators": ["Ccertificate"]},
]
CLIENT = ("127.0.0.9", 1)
GUARDED = Credentials(ENTRIES)


@cache
def model() -> Model:
    return registry.model(registry.load_plugins(), ServerSettings())


def scope(certificate: PeerCertificate | None = None, **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": pairs, "client": CLIENT, "state": {CERTIFICATE: certificate}}


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def proved(certificate: PeerCertificate | None = None, **headers: str) -> str | None:
    credential = await Identities(model(), GUARDED).authenticate(scope(certificate, **headers))
    return None if credential is None else credential.originators[0]


def asks(originator: str, resource_type: int | None = None) -> Request:
    operation = Operation.RETRIEVE if resource_type is None else Operation.CREATE
    return Request(operation, "cse-in", originator, "r1", resource_type=resource_type)


def admitted(covered: list[str], request: Request, originator: str = "") -> str:
    """The originator of a request whose client has proved a credential that covers so much."""
    asked = scope()
    asked["state"][CREDENTIAL] = Credential(tuple(covered), originator)
    found = Identities(model(), GUARDED).admit(asked, request)
    assert found.authenticated
    return found.originator


def refused(covered: list[str], request: Request, originator: str = "") -> bool:
    with pytest.raises(OriginatorNotAuthenticated):
        admitted(covered, request, originator)
    return True


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer secret", "Ctoken"),
        ("bearer  secret", "Ctoken"),
        ("Bearer Secret", None),
        ("Bearer", None),
        ("Bearer " + hash_token("secret"), None),
        (basic("meter:pass:word"), "Cuser"),
        (basic("meter:password"), None),
        (basic("meter"), None),
        (basic(":pass:word"), None),
        ("Basic meter:pass:word", None),
        ("Basic //8=", None),
        ("Basic \xff", None),
        (basic("meter:\0"), None),
        ("Basic", None),
        ("Digest secret", None),
        ("", None),
        ("\xff", None),
    ],
)
async def test_the_header_proves_a_credential_or_none(authorization: str, expected: str | None) -> None:
    assert await proved(authorization=authorization) == expected


async def test_a_certificate_proves_one_and_a_wrong_header_is_not_made_good_by_it() -> None:
    certificate = PeerCertificate("ab" * 32, frozenset({"meter.example"}))
    assert await proved(certificate) == "Ccertificate"
    assert await proved(PeerCertificate("ab" * 32, frozenset({"other.example"}))) is None
    assert await proved(certificate, authorization="Bearer secret") == "Ctoken"
    assert await proved(certificate, authorization="Bearer wrong") is None


async def test_a_password_in_the_originator_is_good_only_where_the_operator_says_who_that_is() -> None:
    assert await proved(x_m2m_origin="gateway:pass:word") == "Cgateway"
    assert await proved(x_m2m_origin="gateway:wrong") is None
    assert await proved(x_m2m_origin="meter:pass:word") is None
    assert await proved(x_m2m_origin="Cgateway") is None


def test_without_credentials_everybody_is_believed() -> None:
    found = Identities(model()).admit(scope(), asks("Canybody"))
    assert (found.originator, found.authenticated) == ("Canybody", False)


@pytest.mark.parametrize(
    ("covered", "stated"),
    [
        (["Capp"], "Capp"),
        (["Capp"], "/id-in/Capp"),
        (["Capp"], "//cse.example/id-in/Capp"),
        (["/id-in/Capp"], "Capp"),
        (["Cx", "Cmeter*"], "Cmeter7"),
        (["/id-other"], "/id-other"),
        (["/id-other"], "/id-other/Capp"),
        (["/id-other"], "//cse.example/id-other/Capp"),
        (["/id-*/C*"], "/id-other/Capp"),
        (["CAdmin"], "CAdmin"),
        (["/id-in"], "/id-in"),
    ],
)
def test_who_is_covered_is_admitted_as_he_states(covered: list[str], stated: str) -> None:
    assert admitted(covered, asks(stated)) == stated


@pytest.mark.parametrize(
    ("covered", "stated"),
    [
        (["Capp"], "Capp2"),
        (["Capp"], "capp"),
        (["Capp"], "/id-other/Capp"),
        (["Cmeter*"], "Cmete"),
        (["*"], "/id-other"),
        (["*"], "/id-other/Capp"),
        (["/id-other"], "/id-another/Capp"),
        (["/id-other"], "/id-other/Capp/box"),
        (["/id-in"], "/id-in/CAdmin"),
        (["/id-in"], "/id-in/Capp"),
        (["/id-other*"], "/id-other/Capp"),
        (["C*", "*"], "CAdmin"),
        (["C*"], "/id-in/CAdmin"),
        (["/*"], "/id-in"),
        (["Capp"], "C"),
        (["Capp"], "S"),
        (["Capp"], "user:pass"),
    ],
)
def test_who_is_not_covered_is_refused(covered: list[str], stated: str) -> None:
    assert refused(covered, asks(stated))


def test_what_is_no_identifier_becomes_whom_the_operator_names() -> None:
    assert admitted(["Cgateway"], asks("user:pass"), "Cgateway") == "Cgateway"
    assert admitted(["Cgateway"], asks("Carl:pass"), "Cgateway") == "Cgateway"
    assert refused(["Cgateway"], asks("Cother"), "Cgateway")
    assert refused(["Cgateway"], asks("/id-other"), "Cgateway")


@pytest.mark.parametrize(
    ("covered", "stated", "assigned"),
    [
        (["Cmeter7"], "", "Cmeter7"),
        (["Cmeter7"], "C", "Cmeter7"),
        (["Cmeter7"], "Cmeter7", "Cmeter7"),
        (["/id-in/Cmeter7"], "", "Cmeter7"),
        (["/id-other", "Smeter7"], "", "Smeter7"),
        (["Cmeter7", "Smeter7"], "S", "Smeter7"),
        (["C*"], "", "C"),
        (["S*"], "S", "S"),
        (["*"], "", ""),
        (["*"], "S", "S"),
        (["Cmeter*", "Cspare"], "C", "Cspare"),
    ],
)
def test_a_registration_gets_an_identifier_that_is_covered(covered: list[str], stated: str, assigned: str) -> None:
    assert admitted(covered, asks(stated, resource_type=2)) == assigned


@pytest.mark.parametrize(
    ("covered", "stated"), [(["Cmeter7"], "S"), (["Cmeter*"], ""), (["C*"], "S"), (["/id-other"], ""), (["Ca"], "Cb")]
)
def test_a_registration_without_one_is_refused(covered: list[str], stated: str) -> None:
    assert refused(covered, asks(stated, resource_type=2))


def test_an_originator_is_left_out_in_registrations_only() -> None:
    assert admitted(["Cmeter7"], asks("")) == ""
    assert admitted(["Cmeter7"], asks("", resource_type=3)) == ""
    assert refused(["Cmeter7"], asks("C", resource_type=3))


@pytest.mark.parametrize(
    ("claimed", "covered"), [((), True), (("reader",), True), (("writer", "reader"), True), (("reader", "boss"), False)]
)
def test_roles_are_claimed_only_where_the_credential_has_them(claimed: tuple[str, ...], covered: bool) -> None:
    asked, request = scope(), asks("Capp").derive(role_identifiers=claimed)
    asked["state"][CREDENTIAL] = Credential(("Capp",), roles=("reader", "writer"))
    if covered:
        assert Identities(model(), GUARDED).admit(asked, request).role_identifiers == claimed
    else:
        with pytest.raises(OriginatorNotAuthenticated, match="rids"):
            Identities(model(), GUARDED).admit(asked, request)


def test_a_credential_vouches_for_whom_it_covers() -> None:
    identities, asked = Identities(model(), GUARDED), scope()
    asked["state"][CREDENTIAL] = Credential(("C*",))
    assert not identities.vouch(asked, "CAdmin")
    asked["state"][CREDENTIAL] = Credential(("CAdmin",))
    assert identities.vouch(asked, "CAdmin")


@pytest.mark.parametrize(
    ("client", "vouched"),
    [(("127.0.0.9", 1), True), (("::1", 1), True), (("192.0.2.1", 1), False), (("socket", 0), False), (None, False)],
)
def test_without_credentials_this_machine_vouches(client: tuple[str, int] | None, vouched: bool) -> None:
    assert Identities(model()).vouch(scope() | {"client": client}, "CAdmin") is vouched
