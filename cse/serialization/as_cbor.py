"""CBOR (TS-0004 clause 8.6): the JSON structure as a map, and nothing that JSON does not have."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import cbor2

from cse.errors import BadRequest
from cse.primitive import Content, is_content
from cse.serialization.limits import Limits


def _refuse(*_: Any) -> Any:
    raise ValueError("it has a tag, which oneM2M does not use")


# Tags make objects, and let a few bytes stand for a huge value.
NO_TAGS: defaultdict[int, Callable[..., Any]] = defaultdict(lambda: _refuse)
# The second part of a value's first byte is a length, or says in how many bytes behind it the length is.
LENGTH_FOLLOWS, LENGTH_RESERVED = 24, 28
STRINGS = (2, 3)


def write(content: Content) -> bytes:
    """Content as CBOR with lengths stated."""
    return cbor2.dumps(content)


def read(data: bytes, limits: Limits) -> Content:
    """The JSON values in a CBOR document; BadRequest for everything else, however it is malformed."""
    if len(data) > limits.values and sum(1 for _ in islice(_heads(data), limits.values + 1)) > limits.values:
        raise BadRequest(limits.too_many)
    stream = io.BytesIO(data)
    try:
        content = cbor2.load(
            stream,
            max_depth=limits.nesting,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
            semantic_decoders=NO_TAGS,
            tag_hook=_refuse,
        )
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise BadRequest(f"the body is not valid CBOR: {error.__cause__ or error}") from error
    if stream.tell() != len(data):
        raise BadRequest("the body goes on after its CBOR value: send one value")
    if not is_content(content, limits.nesting):
        raise BadRequest("the body has a CBOR value that JSON can't express: use maps, lists, texts, numbers and null")
    return content


def _heads(data: bytes) -> Iterator[int]:
    """Where values begin (RFC 8949 clause 3): a list or object does, and each of its members; texts are passed over."""
    position = 0
    while position < len(data):
        yield position
        kind, length = divmod(data[position], 32)
        position += 1
        if LENGTH_FOLLOWS <= length < LENGTH_RESERVED:
            size = 1 << (length - LENGTH_FOLLOWS)
            length = int.from_bytes(data[position : position + size])
            position += size
        elif length >= LENGTH_RESERVED:
            length = 0
        position += length if kind in STRINGS else 0
