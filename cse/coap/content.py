"""Primitive content on the wire: CBOR when we send, CBOR or JSON when we receive (TS-0008 clause 6.2)."""

import cbor2

from cse.coap.message import CoapError
from cse.errors import BadRequest
from cse.primitive import Content
from cse.serialization import formats
from cse.serialization.limits import Limits

# Content formats, plain and oneM2M's own.
CBOR = 60
SERIALIZATIONS = {
    50: formats.JSON,
    10001: formats.JSON,
    CBOR: formats.CBOR,
    10010: formats.CBOR,
}
LIMITS = Limits(nesting=32, values=10_000)


def write(content: Content) -> bytes:
    """Content as CBOR; CoapError when it is not made of JSON values."""
    try:
        return formats.CBOR.write(content)
    except (cbor2.CBOREncodeError, RecursionError) as error:
        raise CoapError(f"the content cannot be written as CBOR: {error}") from None


def read(payload: bytes, content_format: int | None) -> Content:
    """The JSON values in a payload, None for an empty one; CoapError for everything else."""
    if not payload:
        return None
    serialization = SERIALIZATIONS.get(content_format or 0)
    if serialization is None:
        raise CoapError(f"content format {content_format} is not supported; use 60 (CBOR) or 50 (JSON)")
    try:
        return serialization.read(payload, LIMITS)
    except BadRequest as error:
        raise CoapError(str(error)) from None
