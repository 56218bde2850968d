"""JSON (TS-0004 clause 8.4): UTF-8, each member once, numbers that are numbers."""

import json
from typing import Any

import orjson

from cse.errors import BadRequest
from cse.primitive import Content, nests_deeper


def write(content: Content) -> bytes:
    """Content as compact JSON."""
    return orjson.dumps(content)


def read(data: bytes, max_nesting: int) -> Content:
    """A JSON document as data; BadRequest for text that is none, repeats a member or is nested too deeply."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if data.count(b"[") + data.count(b"{") > max_nesting and nests_deeper(document, max_nesting):
        raise BadRequest(f"the body nests deeper than {max_nesting} levels (max_nesting): flatten it")
    json.loads(data, object_pairs_hook=_members)
    return document


def _members(pairs: list[tuple[str, Any]]) -> None:
    """orjson keeps the last of several members with one name, and says nothing."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"the body has two members {twice[:40]!r} in one object: send one")
