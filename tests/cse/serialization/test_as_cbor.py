import tracemalloc
from contextlib import suppress
from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.serialization import as_cbor
from cse.serialization.limits import Limits
from tests.cse.serialization.documents import LIMITS, ROOMY, documents


@given(documents)
def test_what_is_written_is_read(document: Any) -> None:
    assert as_cbor.read(as_cbor.write(document), ROOMY) == document


@given(documents, st.data())
def test_any_bytes_are_json_values_or_refused(document: Any, data: st.DataObject) -> None:
    encoded = bytearray(as_cbor.write(document))
    for _ in range(data.draw(st.integers(1, 3))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadRequest):
        found = as_cbor.read(bytes(encoded), LIMITS)
        assert orjson.loads(orjson.dumps(found)) == found


@given(st.binary(max_size=40))
def test_any_bytes_are_cbor_or_refused(data: bytes) -> None:
    with suppress(BadRequest):
        assert orjson.dumps(as_cbor.read(data, LIMITS))


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
        as_cbor.read(bytes.fromhex(malformed), LIMITS)


def test_floats_of_any_width_and_lengths_that_are_not_stated_are_read() -> None:
    for encoded in ("f93c00", "fa3f800000", "fb3ff0000000000000"):
        assert as_cbor.read(bytes.fromhex(encoded), LIMITS) == 1.0
    assert as_cbor.read(bytes.fromhex("bf61619f01ffff"), LIMITS) == {"a": [1]}


@pytest.mark.parametrize("levels", [1, 31, 32, 33, 300, 900])
def test_nesting_has_a_limit(levels: int) -> None:
    data = b"\x81" * levels + b"\x01"
    if levels <= LIMITS.nesting:
        assert as_cbor.read(data, LIMITS) == cbor2.loads(data)
    else:
        with pytest.raises(BadRequest, match="depth"):
            as_cbor.read(data, LIMITS)


def test_values_are_counted_before_they_are_made() -> None:
    most = Limits(nesting=3, values=10)
    for number, read in ((9, True), (10, False)):
        for part in (b"\x80", b"\x00", b"\x60", b"\x62ab", b"\x78\x03abc", b"\xf6", b"\xfb?\xf0\0\0\0\0\0\0"):
            for data in (bytes([0x80 + number]) + part * number, b"\x9f" + part * (number - 1) + b"\xff"):
                if read:
                    assert as_cbor.read(data, most) == cbor2.loads(data)
                else:
                    with pytest.raises(BadRequest, match="max_values"):
                        as_cbor.read(data, most)


@pytest.mark.parametrize("start", ["9a7fffffff", "9b00000000ffffffff", "ba7fffffff", "7a7fffffff", "5a7fffffff"])
def test_a_length_that_is_not_there_costs_nothing(start: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest):
            as_cbor.read(bytes.fromhex(start) + b"\x60" * 100, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "part", ["9f", "bf", "81", "a1", "a161619f", "7f", "5f", "d8", "ff", "f8", "fb", "7f61", "bf60"]
)
def test_the_same_again_and_again_is_refused(part: str) -> None:
    with pytest.raises(BadRequest):
        as_cbor.read(bytes.fromhex(part) * 50_000, LIMITS)


@given(documents, st.integers(1, 40))
def test_nothing_within_the_limits_is_refused(document: Any, most: int) -> None:
    count = values(document)
    try:
        assert as_cbor.read(as_cbor.write(document), Limits(250, most)) == document
        assert count <= most
    except BadRequest:
        assert count > most


def values(document: Any) -> int:
    """How many values there are in a document; names of members are values in CBOR."""
    if isinstance(document, dict):
        return 1 + len(document) + sum(map(values, document.values()))
    return 1 + sum(map(values, document)) if isinstance(document, list) else 1
