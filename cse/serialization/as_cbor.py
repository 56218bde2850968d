"""CBOR (TS-0004 clause 8.6): the JSON structure as a map, and nothing that JSON does not have."""

import io
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import cbor2

from cse.errors import BadRequest
from cse.primitive import Content, is_content


def _refuse(*_: Any) -> Any:
    raise ValueError("it has a tag, which oneM2M does not use")


# Tags make objects, and let a few bytes stand for a huge value.
NO_TAGS: defaultdict[int, Callable[..., Any]] = defaultdict(lambda: _refuse)


def write(content: Content) -> bytes:
    """Content as CBOR with lengths stated."""
    return cbor2.dumps(content)


def read(data: bytes, max_nesting: int) -> Content:
    """The JSON values in a CBOR document; BadRequest for everything else, however it is malformed."""
    stream = io.BytesIO(data)
    try:
        content = cbor2.load(
            stream,
            max_depth=max_nesting,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
            semantic_decoders=NO_TAGS,
            tag_hook=_refuse,
        )
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise BadRequest(f"the body is not valid CBOR: {error.__cause__ or error}") from error
    if stream.tell() != len(data):
        raise BadRequest("the body goes on after its CBOR value: send one value")
    if not is_content(content, max_nesting):
        raise BadRequest("the body has a CBOR value that JSON can't express: use maps, lists, texts, numbers and null")
    return content
