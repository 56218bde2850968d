import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import NotAcceptable, UnsupportedMediaType
from cse.serialization.formats import CBOR, JSON, Serializations

BOTH = Serializations([JSON, CBOR])


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/cbor", "application/cbor"),
        ("Application/CBOR ; q=0.5", "application/cbor"),
        ("text/html, application/vnd.onem2m-res+cbor", "application/vnd.onem2m-res+cbor"),
        ("application/vnd.onem2m-prsp+json", "application/vnd.onem2m-prsp+json"),
        ("application/json;q=0.1, application/cbor;q=0.9", "application/cbor"),
        ("application/cbor;q=0.9, application/json", "application/json"),
        ("application/cbor, */*;q=0.1", "application/cbor"),
        ("application/cbor, */*", "application/cbor"),
        ("*/*, application/json;q=0", "application/cbor"),
        ("application/xml, application/cbor;q=0.2", "application/cbor"),
        ("application/json;charset=utf-8", "application/json"),
        (",,application/cbor,", "application/cbor"),
        ("application/cbor;q=nonsense", "application/cbor"),
    ],
)
def test_the_most_welcome_type_is_produced(accept: str, answered: str) -> None:
    serialization, media_type = BOTH.accepted(accept, JSON)
    assert media_type == answered
    assert media_type.endswith(serialization.name)


@pytest.mark.parametrize("accept", ["", "*/*", "application/*;q=0.5"])
def test_among_equally_welcome_ones_that_of_the_request_is_used(accept: str) -> None:
    assert BOTH.accepted(accept, CBOR) == (CBOR, "application/cbor")


@pytest.mark.parametrize(
    "accept", ["application/xml", "text/html, image/*", "*/*;q=0", "application/json;q=0", "application/json+x", "x"]
)
def test_what_cannot_be_produced_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/cbor"):
        BOTH.accepted(accept, JSON)


@pytest.mark.parametrize("use", ["", "vnd.onem2m-res+", "vnd.onem2m-ntfy+", "vnd.onem2m-preq+", "vnd.onem2m-prsp+"])
def test_every_media_type_is_read(use: str) -> None:
    assert BOTH.reader(f"application/{use}json") is JSON
    assert BOTH.reader(f"application/{use}cbor") is CBOR


@pytest.mark.parametrize("media_type", ["", "application/xml", "text/json", "application/vnd.onem2m-other+json"])
def test_other_media_types_are_refused(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="application/json or application/cbor"):
        BOTH.reader(media_type)


@given(st.text(max_size=80))
def test_any_accept_header_is_understood_or_refused(accept: str) -> None:
    try:
        serialization, media_type = BOTH.accepted(accept, JSON)
    except NotAcceptable:
        return
    assert BOTH.named(media_type) is serialization
