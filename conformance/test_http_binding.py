"""How requests and responses look on HTTP (TS-0009 clause 6, TS-0004 clause 7.3.2)."""

import pytest

from conformance.client import CNT, Application, Client, Target


def test_header_fields_of_a_response(ae: Application) -> None:
    """X-M2M-RSC, X-M2M-RI, X-M2M-RVI; the body has a JSON type."""
    answer = ae.retrieve(ae.path)
    answer.expect(2000)
    assert answer.headers["x-m2m-rvi"] == "3"
    assert answer.headers["content-type"].split(";")[0] in ("application/json", "application/vnd.onem2m-res+json")


def test_error_keeps_the_request_identifier(ae: Application) -> None:
    """An error has X-M2M-RSC and X-M2M-RI as well, and no resource in its body."""
    content = ae.retrieve(f"{ae.path}/nothing").expect(4004)
    assert content is None or set(content) == {"m2m:dbg"}


@pytest.mark.parametrize("header", ["X-M2M-Origin", "X-M2M-RI"])
def test_missing_header(ae: Application, header: str) -> None:
    """From and request identifier are mandatory."""
    answer = ae.send("GET", ae.path, headers={header: None})
    assert (answer.rsc, answer.status) == (4000, 400)


def test_release_version(ae: Application) -> None:
    """A release that does not exist."""
    ae.send("GET", ae.path, headers={"X-M2M-RVI": "999"}).expect(4001)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"m2m:cnt": 1}', b'{"m2m:cnt": {}, "m2m:cin": {}}', b"\xff", b""])
def test_malformed_body(ae: Application, body: bytes) -> None:
    """Content that is not one JSON object below the root of the type."""
    ae.send("POST", ae.path, body, ty=CNT).expect(4000)


def test_unsupported_content_type(ae: Application) -> None:
    """A serialization that oneM2M does not have."""
    ae.send("POST", ae.path, b"a", headers={"Content-Type": "text/plain;ty=3"}).expect(4015)


def test_not_acceptable(ae: Application) -> None:
    """An answer is wanted in a form that can't be produced."""
    ae.send("GET", ae.path, headers={"Accept": "image/png"}).expect(5207)


@pytest.mark.parametrize(
    "content_type", ["application/vnd.onem2m-res+json; ty=3", "application/json;charset=utf-8;ty=3"]
)
def test_content_types(ae: Application, content_type: str) -> None:
    """The media types of oneM2M, with spaces and with other parameters."""
    ae.send("POST", ae.path, {"m2m:cnt": {}}, headers={"Content-Type": content_type}).expect(2001)


@pytest.mark.parametrize("name", ["nonsense", "rcn2"])
def test_unknown_query_argument(ae: Application, name: str) -> None:
    """A query argument that is neither a parameter nor an attribute."""
    ae.retrieve(ae.path, **{name: "1"}).expect(4000)


@pytest.mark.parametrize("value", ["20200101T000000", "-1000"])
def test_expired_request(ae: Application, value: str) -> None:
    """A request whose time is over when it arrives."""
    ae.send("GET", ae.path, headers={"X-M2M-RET": value}).expect(4008)


def test_create_without_type(ae: Application, cse: Target) -> None:
    """POST without a resource type is a NOTIFY, which a CSEBase does not take for a CREATE."""
    answer = ae.send("POST", cse.name, {"m2m:cnt": {}})
    assert answer.rsc >= 4000
    assert answer.status >= 400


def test_unknown_originator(cse: Target) -> None:
    """Somebody who is not registered gets nothing."""
    Client(cse, "Cnobody-knows-me").retrieve(cse.name).expect(4103, 4106)
