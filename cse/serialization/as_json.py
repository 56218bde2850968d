"""JSON (TS-0004 clause 8.4): UTF-8, each member once, numbers that are numbers."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from cse.errors import BadRequest
from cse.primitive import Content, nests_deeper
from cse.serialization.limits import Limits
from cse.slices import batches

CONTAINERS = (dict, list)
PIECE = 1000  # items of a list
# The colon behind the name of a member follows a quote or white space. A quote behind a single backslash is in a text.
COLON = re.compile(rb':(?<=[" \t\n\r]:)(?<![^\\]\\":)')
TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def write(content: Content) -> bytes:
    """Content as compact JSON."""
    return orjson.dumps(content)


def write_long(content: Content) -> bytes:
    """The same, long lists piece by piece: while orjson writes, nobody else in the process can do anything."""
    return b"".join(_pieces(content))


def _pieces(content: Content) -> Iterator[bytes]:
    if isinstance(content, dict) and content:
        for index, (name, value) in enumerate(content.items()):
            yield (b"," if index else b"{") + orjson.dumps(name) + b":"
            yield from _pieces(value)
        yield b"}"
    elif isinstance(content, list) and len(content) > PIECE:
        for index, items in enumerate(batches(content, PIECE)):
            yield (b"," if index else b"[") + orjson.dumps(items)[1:-1]
        yield b"]"
    else:
        yield orjson.dumps(content)


def read(data: bytes, limits: Limits) -> Content:
    """A JSON document as data; BadRequest for text that is none, repeats a member or is beyond the limits."""
    if len(data) > limits.values:
        _check_values(data, limits)
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if data.count(b"[") + data.count(b"{") > limits.nesting and nests_deeper(document, limits.nesting):
        raise BadRequest(limits.too_deep)
    if len(COLON.findall(data)) > _count_members(document):  # else each is behind another member: none was repeated
        json.loads(data, object_pairs_hook=_members)
    return document


def _check_values(data: bytes, limits: Limits) -> None:
    """Each value but the first one of its list or object has a comma before it, and those have a bracket."""
    if _signs(data) > limits.values and _signs(TEXT.sub(b"", data)) > limits.values:
        raise BadRequest(limits.too_many)


def _signs(data: bytes) -> int:
    return sum(map(data.count, (b",", b"[", b"{")))


def _count_members(document: Content) -> int:
    """The members of all objects."""
    found = 0
    containers: list[Content] = [[document]]
    for container in containers:
        found += len(container) if isinstance(container, dict) else 0
        items = container.values() if isinstance(container, dict) else container
        containers += [item for item in items if isinstance(item, CONTAINERS)]
    return found


def _members(pairs: list[tuple[str, Any]]) -> None:
    """orjson keeps the last of several members with one name, and says nothing."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"the body has two members {twice[:40]!r} in one object: send one")
