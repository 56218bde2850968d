"""Bytes in a JSON document: as a text, which JSON always is, or else as {"base64": ...}."""

from base64 import b64decode, b64encode
from typing import Any


def readable(octets: bytes) -> Any:
    """What stands for them."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(octets).decode()}


def original(value: Any) -> bytes:
    """What it stands for."""
    return value.encode() if isinstance(value, str) else b64decode(value["base64"])
