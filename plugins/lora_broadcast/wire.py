"""Commands and events as JSON lines: the class name as `type`, then its fields; bytes are hexadecimal text."""

import dataclasses
import sys
from typing import Any, get_args, get_type_hints

import orjson

from plugins.lora_broadcast.network_server import Command, Event

# Long enough for a group of 100,000 devices.
LONGEST_LINE = 4 * 1024 * 1024

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*get_args(Command), *get_args(Event))}
_FIELDS = {kind: get_type_hints(kind) for kind in _KINDS.values()}


class Malformed(Exception):
    """A line that is no message; the text says what is wrong with it."""


def encode(message: Command | Event) -> bytes:
    """One line, with its end."""
    fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    document = {"type": type(message).__name__, **fields}
    return orjson.dumps(document, default=bytes.hex, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Command | Event:
    """The message in a line; Malformed if there is none."""
    try:
        document = orjson.loads(line)
        kind = _KINDS[document.pop("type")]
        return kind(**{name: _value(document[name], wanted) for name, wanted in _FIELDS[kind].items()})  # type: ignore[no-any-return]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"not a message: {line[:100]!r} ({error})") from None


def _value(value: Any, wanted: Any) -> Any:
    """A JSON value as the type of a field: str, int, bool, bytes, a tuple of str or an enumeration."""
    if wanted is bytes:
        return bytes.fromhex(value)
    if wanted is int or wanted is str or wanted is bool:
        if type(value) is not wanted:
            raise TypeError(f"{value!r} is not of type {wanted.__name__}")
        return value
    if isinstance(wanted, type):
        return wanted(value)
    return tuple(sys.intern(_value(item, str)) for item in value)
