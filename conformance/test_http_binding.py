"""BND: how requests and responses look on HTTP (TS-0009 clause 6, TS-0004 clause 7.3.2)."""

import pytest

from conformance.application import Application, new_name, timestamp
from conformance.client import Client, Target
from conformance.purposes import purpose
from conformance.standard import CNT


@purpose("TP/own/CSE/BND/001")
def test_header_fields_of_a_response(ae: Application) -> None:
    """X-M2M-RSC, X-M2M-RI, X-M2M-RVI; the body has a JSON type."""
    answer = ae.retrieve(ae.path)
    answer.expect(2000)
    assert answer.headers["x-m2m-rvi"] == "3"
    assert answer.headers["content-type"].split(";")[0] in ("application/json", "application/vnd.onem2m-res+json")


@purpose("TP/own/CSE/BND/002")
def test_errors_keep_the_request_identifier(ae: Application) -> None:
    """An error has X-M2M-RSC and X-M2M-RI as well, and no resource in its body."""
    content = ae.retrieve(f"{ae.path}/nothing").expect(4004)
    assert content is None or set(content) == {"m2m:dbg"}


@purpose("TP/own/CSE/BND/003")
@pytest.mark.parametrize("header", ["X-M2M-Origin", "X-M2M-RI"])
def test_missing_header(ae: Application, header: str) -> None:
    """From and request identifier are mandatory (TS-0004 clause 7.1.1)."""
    answer = ae.send("GET", ae.path, headers={header: None})
    assert (answer.rsc, answer.status) == (4000, 400)


@purpose("TP/own/CSE/BND/004")
@pytest.mark.parametrize("release", ["2a", "3"])
def test_release_versions(ae: Application, release: str) -> None:
    """A response has the release of its request."""
    answer = ae.send("GET", ae.path, headers={"X-M2M-RVI": release})
    answer.expect(2000)
    assert answer.headers["x-m2m-rvi"] == release


@purpose("TP/own/CSE/BND/005")
@pytest.mark.parametrize("release", ["1", "999"])
def test_unknown_release_version(ae: Application, release: str) -> None:
    """A release that does not exist, or has no number of its own on the wire."""
    ae.send("GET", ae.path, headers={"X-M2M-RVI": release}).expect(4001)


@purpose("TP/own/CSE/BND/006")
@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"m2m:cnt"', b'{"m2m:cnt": 1}', b'{"m2m:cnt": {}, "m2m:cin": {}}', b"\xff", b"{}", b""],
)
def test_malformed_body(ae: Application, body: bytes) -> None:
    """Content that is not one JSON object below the root of the type."""
    ae.send("POST", ae.path, body, ty=CNT).expect(4000)


@purpose("TP/own/CSE/BND/007")
def test_unsupported_content_type(ae: Application) -> None:
    """A serialization that oneM2M does not have (TS-0009 clause 6.4.5)."""
    ae.send("POST", ae.path, b"a", headers={"Content-Type": "text/plain;ty=3"}).expect(4015)


@purpose("TP/own/CSE/BND/008")
def test_not_acceptable(ae: Application) -> None:
    """An answer is wanted in a form that can't be produced (TS-0009 clause 6.4.1)."""
    ae.send("GET", ae.path, headers={"Accept": "image/png"}).expect(5207)


@purpose("TP/own/CSE/BND/009")
@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.onem2m-res+json;ty=3",
        "application/vnd.onem2m-res+json; ty=3",
        "application/json;charset=utf-8;ty=3",
        "application/json;ty=3;charset=utf-8",
    ],
)
def test_content_types(ae: Application, content_type: str) -> None:
    """The media types of oneM2M, with spaces and with other parameters, whose order means nothing (RFC 9110, 8.3.1)."""
    ae.send("POST", ae.path, {"m2m:cnt": {}}, headers={"Content-Type": content_type}).expect(2001)


@purpose("TP/own/CSE/BND/010")
@pytest.mark.parametrize("accept", ["application/vnd.onem2m-res+json", "*/*", "text/html, application/json;q=0.5"])
def test_accepted_types(ae: Application, accept: str) -> None:
    """What is accepted may be said in all forms of HTTP (RFC 9110, 12.5.1)."""
    ae.send("GET", ae.path, headers={"Accept": accept}).resource(2000)


@purpose("TP/own/CSE/BND/011")
@pytest.mark.parametrize("name", ["nonsense", "rcn2"])
def test_unknown_query_argument(ae: Application, name: str) -> None:
    """A query argument that is neither a parameter nor an attribute (TS-0009 clause 6.2.2.2)."""
    ae.retrieve(ae.path, **{name: "1"}).expect(4000)


@purpose("TP/own/CSE/BND/012")
@pytest.mark.parametrize("query", [{"rcn": "many"}, {"rcn": 99}, {"rt": "later"}, {"rt": 0}, {"drt": 9, "fu": 1}])
def test_bad_query_value(ae: Application, query: dict[str, object]) -> None:
    """A parameter that is no number, or none of those that it may be."""
    ae.retrieve(ae.path, **query).expect(4000)


@purpose("TP/own/CSE/BND/013")
@pytest.mark.parametrize("value", ["20200101T000000", "20200101T000000,500000"])
def test_expired_request(ae: Application, value: str) -> None:
    """A request whose time is over when it arrives (TS-0004 clause 7.3.2.2)."""
    ae.send("GET", ae.path, headers={"X-M2M-RET": value}).expect(4008)


@purpose("TP/own/CSE/BND/014")
@pytest.mark.parametrize("relative", [True, False])
def test_request_in_time(ae: Application, relative: bool) -> None:
    """A request whose time is not over, in milliseconds or as a time."""
    value = "60000" if relative else timestamp(minutes=1)
    ae.send("GET", ae.path, headers={"X-M2M-RET": value}).expect(2000)


@purpose("TP/own/CSE/BND/015")
@pytest.mark.parametrize("header", ["X-M2M-RET", "X-M2M-RST"])
def test_malformed_time(ae: Application, header: str) -> None:
    """A time in no form of the standard."""
    ae.send("GET", ae.path, headers={header: "tomorrow"}).expect(4000)


@purpose("TP/own/CSE/BND/016")
def test_create_without_type(ae: Application, cse: Target) -> None:
    """POST without a resource type is a NOTIFY, which a CSEBase does not take for a CREATE (TS-0009 clause 6.2.1)."""
    name = new_name()
    answer = ae.send("POST", cse.name, {"m2m:cnt": {"rn": name}})
    assert answer.rsc >= 4000
    assert answer.status >= 400
    ae.retrieve(f"{cse.name}/{name}").expect(4004)


@purpose("TP/own/CSE/BND/017")
def test_unknown_originator(cse: Target) -> None:
    """Somebody who is not registered gets nothing."""
    Client(cse, "Cnobody-knows-me").retrieve(cse.name).expect(4103, 4106)


@purpose("TP/own/CSE/BND/018")
def test_vendor_information(ae: Application) -> None:
    """Header fields that nobody knows do not matter, and optional ones may be given."""
    headers = {"X-M2M-VSI": "conformance", "X-M2M-OT": timestamp(), "X-M2M-EC": "2", "X-Unknown": "x"}
    ae.send("GET", ae.path, headers=headers).expect(2000)


@purpose("TP/own/CSE/BND/019")
def test_resource_type_of_a_query(ae: Application) -> None:
    """`ty` in a query is a condition (TS-0009 clause 6.2.2.2): it does not make a POST a CREATE."""
    answer = ae.send("POST", ae.path, {"m2m:cnt": {}}, query={"ty": CNT})
    assert answer.rsc >= 4000
