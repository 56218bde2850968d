import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.coap.content import read, write
from cse.coap.message import CoapError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_values_survive(content: object) -> None:
    assert read(write(content), 60) == content
    assert read(write(content), 10010) == content


@given(st.binary(max_size=80), st.sampled_from([50, 60, 10001, 10010, 0, None]))
def test_any_bytes_are_content_or_a_coap_error(payload: bytes, content_format: int | None) -> None:
    try:
        content = read(payload, content_format)
    except CoapError:
        return
    orjson.dumps(content)


def test_json_is_understood() -> None:
    assert read(b'{"m2m:cin": {"con": "on"}}', 50) == {"m2m:cin": {"con": "on"}}


def test_no_payload_is_no_content() -> None:
    assert read(b"", None) is None


def _nested(depth: int) -> object:
    return [] if depth == 0 else [_nested(depth - 1)]


@pytest.mark.parametrize(
    ("payload", "content_format", "sentence"),
    [
        (b"{", 50, "not valid JSON"),
        (b"\xff", 60, "not valid CBOR"),
        (b"\x00\x00", 60, "goes on"),
        (b"x", 41, "not supported"),
        (cbor2.dumps(float("nan")), 60, "JSON can't express"),
        (cbor2.dumps(2**70), 60, "tag"),
        (cbor2.dumps(b"bytes"), 60, "JSON can't express"),
        (cbor2.dumps({b"bytes": 1}), 60, "JSON can't express"),
        (bytes.fromhex("d81c81d81d00"), 60, "tag"),
        (orjson.dumps(_nested(40)), 50, "nests deeper"),
    ],
)
def test_what_is_refused(payload: bytes, content_format: int, sentence: str) -> None:
    with pytest.raises(CoapError, match=sentence):
        read(payload, content_format)


def test_a_few_bytes_cannot_unfold_to_very_many_values() -> None:
    # Lists within lists, where each holds the next one twice: once written out, once as a shared reference.
    bomb = b"\xd8\x1c\x81\x00"
    for level in reversed(range(14)):
        bomb = b"\xd8\x1c\x82" + bomb + b"\xd8\x1d" + bytes((level + 1,))
    assert len(bomb) < 100
    with pytest.raises(CoapError, match="tag"):
        read(bomb, 60)


def test_what_cannot_be_written() -> None:
    with pytest.raises(CoapError, match="cannot be written"):
        write({"a": object()})
