"""HTTP headers: read in any case, each said once, the Content-Type however it is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Scope

from cse.errors import BadRequest

Headers = Mapping[str, str]
LISTS = {b"accept"}
# What some clients write into a Content-Type that they do not have.
NO_CONTENT_TYPE = {"", "none", "null", "undefined"}


def read_headers(scope: Scope) -> Headers:
    """Headers by lower-case name; Accept may be sent in several lines."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1").strip()
        key = name.decode("latin-1")
        found[key] = f"{found[key]},{text}" if name in LISTS and key in found else text
    return found


def check_headers(scope: Scope) -> None:
    """BadRequest if a header of oneM2M, or the type of the content, is stated twice with different values."""
    stated: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        matters = name.startswith(b"x-m2m-") or name in (b"content-type", b"authorization")
        if matters and stated.setdefault(name, value) != value:
            raise BadRequest(f"header {name.decode('latin-1')[:40]} is sent twice with different values: send one")


@dataclass(frozen=True, slots=True)
class ContentType:
    """A Content-Type: its media type in lower case, "" for none, and the values of its parameter `ty`."""

    media_type: str
    types: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> "ContentType":
        """Parameters and media type may come in any order, with blanks anywhere; others than `ty` say nothing."""
        parts = [part.strip() for part in text.split(";")]
        parameters = [part.partition("=") for part in parts if "=" in part]
        media_type = next((part.lower() for part in parts if "=" not in part), "")
        types = {value.strip(' "') for name, _, value in parameters if name.strip().lower() == "ty"}
        return cls("" if media_type in NO_CONTENT_TYPE else media_type, frozenset(types))

    def resource_type(self) -> int | None:
        """The number of the resource type; None if `ty` is not there, BadRequest if it is not one number."""
        if not self.types:
            return None
        text, *others = self.types
        if others or not (text.isascii() and text.isdigit() and len(text) < 10):
            raise BadRequest("ty in the Content-Type must be one resource type number")
        return int(text)


def printable(text: str) -> str:
    """What a client sent, echoed in a header: without control characters."""
    return "".join(character for character in text if character.isprintable())[:1024]
