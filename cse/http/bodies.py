"""Bodies that hold 100,000 members or answers are read, written and taken apart beside the event loop."""

import asyncio
from collections.abc import Iterator

from cse.pieces import Pieces
from cse.primitive import Content
from cse.serialization.formats import JSON, Serialization
from cse.serialization.limits import Limits
from cse.slices import SLICE, aside

BYTES_PER_ITEM = 256


async def read(serialization: Serialization, data: bytes, limits: Limits) -> Content:
    """The content of a body; BadRequest if it is none."""
    return await aside(len(data) // BYTES_PER_ITEM, serialization.read, data, limits)


async def written(serialization: Serialization, content: Content) -> bytes | Pieces:
    """The body for a content, which is used up: letting go of millions of objects at once would stop everybody.

    One that comes in pieces of JSON may be sent in them.
    """
    if isinstance(content, Pieces):
        return content if serialization is JSON else await asyncio.to_thread(_write_whole, serialization, content)
    if any(True for _ in _long_lists(content)):
        return await asyncio.to_thread(_write, serialization, content)
    return serialization.write(content)


def _write_whole(serialization: Serialization, pieces: Pieces) -> bytes:
    return _write(serialization, pieces.whole())


def _write(serialization: Serialization, content: Content) -> bytes:
    body = serialization.write_long(content)
    for items in list(_long_lists(content)):
        while items:
            del items[-SLICE:]
    return body


def _long_lists(content: Content) -> Iterator[list[Content]]:
    """Those that can be reached by names only, as the members of a group and the items of a result can."""
    if isinstance(content, dict):
        for value in content.values():
            yield from _long_lists(value)
    elif isinstance(content, list) and len(content) > SLICE:
        yield content
