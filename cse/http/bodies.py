"""Bodies that hold 100,000 members or answers are read, written and taken apart beside the event loop."""

import asyncio

from cse.pieces import Pieces
from cse.primitive import Content
from cse.serialization.formats import JSON, Serialization
from cse.serialization.limits import Limits
from cse.slices import SLICE

BYTES_PER_ITEM = 256
SMALL = SLICE * BYTES_PER_ITEM  # bytes of a body that is read at once
CONTAINERS = (dict, list)


async def read(serialization: Serialization, data: bytes, limits: Limits) -> Content:
    """The content of a body; BadRequest if it is none."""
    if len(data) <= SMALL:
        return serialization.read(data, limits)
    return await asyncio.to_thread(serialization.read, data, limits)


async def written(serialization: Serialization, content: Content) -> bytes | Pieces:
    """The body for a content, parts of which may be those of a resource that others see: nothing in it is changed.

    One that comes in pieces of JSON may be sent in them.
    """
    if isinstance(content, Pieces):
        return content if serialization is JSON else await asyncio.to_thread(_write_whole, serialization, content)
    if _long_lists(content):
        return await asyncio.to_thread(serialization.write_long, content)
    return serialization.write(content)


def _write_whole(serialization: Serialization, pieces: Pieces) -> bytes:
    """Letting go of millions of objects at once would stop everybody."""
    content = pieces.whole()
    body = serialization.write_long(content)
    for items in _long_lists(content):
        while items:
            del items[-SLICE:]
    return body


def _long_lists(content: Content) -> list[list[Content]]:
    """Those that can be reached by names only, as the members of a group and the items of a result can."""
    found = []
    containers = [content]
    for container in containers:
        if isinstance(container, dict):
            containers += [value for value in container.values() if isinstance(value, CONTAINERS)]
        elif isinstance(container, list) and len(container) > SLICE:
            found.append(container)
    return found
