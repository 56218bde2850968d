"""HTTP headers: read in any case, each said once, the Content-Type however it is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Scope

from cse.errors import BadRequest

Headers = Mapping[str, str]
Pairs = list[tuple[bytes, bytes]]  # names in lower case
ACCEPT = b"accept"
# The headers that are read by anybody; others are not even decoded.
NAMES = {
    name.encode(): name
    for name in (
        *("accept", "content-type", "content-length", "transfer-encoding"),
        *("x-m2m-origin", "x-m2m-ri", "x-m2m-rvi", "x-m2m-vsi", "x-m2m-gid", "x-m2m-gtm", "x-m2m-rtu", "x-m2m-ec"),
        *("x-m2m-ot", "x-m2m-ret", "x-m2m-rst", "x-m2m-oet", "x-m2m-as", "x-m2m-aus"),
    )
}
LONGEST_ECHO = 1024
# What some clients write into a Content-Type that they do not have.
NO_CONTENT_TYPE = {"", "none", "null", "undefined"}


def read_headers(scope: Scope) -> tuple[Headers, str]:
    """Headers that mean something here by lower-case name, and a name that is sent twice with different values.

    That is a header of oneM2M, the type of the content or the credential, "" for none. Accept may have several lines.
    """
    pairs = scope["headers"]
    found = {NAMES[name]: _text(value) for name, value in pairs if name in NAMES}
    if len(dict(pairs)) == len(pairs):
        return found, ""
    if ACCEPT in dict(pairs):
        found["accept"] = ",".join(_text(value) for name, value in pairs if name == ACCEPT)
    return found, _contradiction(pairs)


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()


def _contradiction(pairs: Pairs) -> str:
    stated: dict[bytes, bytes] = {}
    for name, value in pairs:
        matters = name.startswith(b"x-m2m-") or name in (b"content-type", b"authorization")
        if matters and stated.setdefault(name, value) != value:
            return name.decode("latin-1")
    return ""


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


def printable(text: str) -> bytes:
    """What a client sent, echoed in a header: without control characters."""
    if len(text) > LONGEST_ECHO or not text.isprintable():
        text = "".join(character for character in text if character.isprintable())[:LONGEST_ECHO]
    return text.encode("latin-1", "replace")
