from contextlib import suppress
from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.serialization import as_cbor
from tests.cse.serialization.documents import documents

LEVELS = 32


@given(documents)
def test_what_is_written_is_read(document: Any) -> None:
    assert as_cbor.read(as_cbor.write(document), 250) == document


@given(documents, st.data())
def test_any_bytes_are_json_values_or_refused(document: Any, data: st.DataObject) -> None:
    encoded = bytearray(as_cbor.write(document))
    for _ in range(data.draw(st.integers(1, 3))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadRequest):
        found = as_cbor.read(bytes(encoded), LEVELS)
        assert orjson.loads(orjson.dumps(found)) == found


@given(st.binary(max_size=40))
def test_any_bytes_are_cbor_or_refused(data: bytes) -> None:
    with suppress(BadRequest):
        assert orjson.dumps(as_cbor.read(data, LEVELS))


@pytest.mark.parametrize(
    ("malformed", "why"),
    [
        ("", "premature end"),
        ("ff", "break"),
        ("a1", "premature end"),
        ("9bffffffffffffffff", "premature end"),
        ("7b7fffffffffffffff", "premature end"),
        ("62c328", "utf-8"),
        ("0101", "goes on"),
        ("a2616101616102", "Duplicate"),
        ("a10101", "text string"),
        ("43010203", "JSON"),
        ("f7", "JSON"),
        ("f0", "JSON"),
        ("f97e00", "JSON"),
        ("f97c00", "JSON"),
        ("3bffffffffffffffff", "JSON"),
        ("c249010000000000000000", "tag"),
        ("c101", "tag"),
        ("c074323031332d30332d32315432303a30343a30305a", "tag"),
        ("d81c81d81d00", "tag"),
        ("d9010081d81900", "tag"),
        ("d9d9f7a0", "tag"),
        ("d8641864", "tag"),
        ("da0001000000", "tag"),
    ],
)
def test_what_json_cannot_express_is_refused(malformed: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        as_cbor.read(bytes.fromhex(malformed), LEVELS)


def test_floats_of_any_width_and_lengths_that_are_not_stated_are_read() -> None:
    for encoded in ("f93c00", "fa3f800000", "fb3ff0000000000000"):
        assert as_cbor.read(bytes.fromhex(encoded), LEVELS) == 1.0
    assert as_cbor.read(bytes.fromhex("bf61619f01ffff"), LEVELS) == {"a": [1]}


@pytest.mark.parametrize("levels", [1, 31, 32, 33, 300, 100_000])
def test_nesting_has_a_limit(levels: int) -> None:
    data = b"\x81" * levels + b"\x01"
    if levels <= LEVELS:
        assert as_cbor.read(data, LEVELS) == cbor2.loads(data)
    else:
        with pytest.raises(BadRequest, match="depth"):
            as_cbor.read(data, LEVELS)
