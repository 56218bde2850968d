"""Primitive content on the wire: CBOR when we send, CBOR or JSON when we receive (TS-0004 clause 8)."""

import io
import math
from collections.abc import Iterable

import cbor2
import orjson

from cse.primitive import Content
from plugins.udp_multicast.coap import CoapError

JSON_FORMATS = (50, 10001)
CBOR_FORMATS = (60, 10010)
CBOR = CBOR_FORMATS[0]
MAX_DEPTH = 32
# Shared references let a few bytes of CBOR stand for a huge value: what a datagram may unfold to is bounded.
MAX_VALUES = 4096


def write(content: Content) -> bytes:
    """Content as CBOR; CoapError when it is not made of JSON values."""
    try:
        return cbor2.dumps(content)
    except (cbor2.CBOREncodeError, RecursionError) as error:
        raise CoapError(f"the content cannot be written as CBOR: {error}") from None


def read(payload: bytes, content_format: int | None) -> Content:
    """The JSON values in a payload, None for an empty one; CoapError for everything else."""
    if not payload:
        return None
    if content_format in CBOR_FORMATS:
        content = _read_cbor(payload)
    elif content_format in JSON_FORMATS:
        content = _read_json(payload)
    else:
        raise CoapError(f"content format {content_format} is not supported; use 60 (CBOR) or 50 (JSON)")
    _check(content)
    return content


def _read_cbor(payload: bytes) -> Content:
    stream = io.BytesIO(payload)
    try:
        content = cbor2.load(
            stream, max_depth=MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False, strict_hashable_types=True
        )
    except Exception as error:  # a decoder with some thirty tags fails in more ways than it documents
        raise CoapError(f"the payload is not CBOR: {error}") from None
    if stream.tell() != len(payload):
        raise CoapError("the payload goes on after its CBOR value")
    return content


def _read_json(payload: bytes) -> Content:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise CoapError(f"the payload is not JSON: {error}") from None


def _check(content: Content) -> None:
    """CoapError for a value that JSON does not have, and for too many or too deeply nested ones."""
    level, count = [content], 0
    for _ in range(MAX_DEPTH + 1):
        count += len(level)
        if count > MAX_VALUES:
            raise CoapError(f"the content has more than {MAX_VALUES} values")
        level = [below for value in level for below in _below(value)]
        if not level:
            return
    raise CoapError(f"the content is nested deeper than {MAX_DEPTH}")


def _below(value: Content) -> Iterable[Content]:
    """The values within a value."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise CoapError("a member name is not text")
        return value.values()
    if value is None or isinstance(value, str | bool):
        return ()
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return ()
    if isinstance(value, float) and math.isfinite(value):
        return ()
    raise CoapError(f"a value of type {type(value).__name__} is out of range or not JSON")
