"""Which serialisations there are, the media types that mean them, and which one a client accepts (TS-0009 6.4)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cse.attributes import Table
from cse.errors import NotAcceptable, UnsupportedMediaType
from cse.primitive import Content
from cse.serialization import as_cbor, as_json, as_xml
from cse.serialization.limits import Limits

USES = ("res", "ntfy", "preq", "prsp")


@dataclass(frozen=True, slots=True)
class Serialization:
    """One way to write content.

    `name` is the end of its media types, `write` gives the bytes, `read` takes bytes and what there may be in them; it
    raises BadRequest for what cannot be read. `write_long` is for content with long lists, and runs in a thread.
    """

    name: str
    write: Callable[[Content], bytes]
    read: Callable[[bytes, Limits], Content]
    write_long: Callable[[Content], bytes]

    @property
    def media_type(self) -> str:
        return f"application/{self.name}"


JSON = Serialization("json", as_json.write, as_json.read, as_json.write_long)
CBOR = Serialization("cbor", as_cbor.write, as_cbor.read, as_cbor.write)


def available(tables: Mapping[str, Table]) -> list[Serialization]:
    """What is installed. The attribute tables by root say what a text in XML means."""
    if not as_xml.AVAILABLE:
        return [JSON, CBOR]
    types = as_xml.Types(tables)
    return [JSON, CBOR, Serialization("xml", types.write, types.read, types.write)]


class Serializations:
    """Those that are there, the one that is used when nobody says anything first."""

    def __init__(self, available: Iterable[Serialization]) -> None:
        self._available = tuple(available)
        self._by_media_type = {media_type: one for one in self._available for media_type in _media_types(one)}
        self.default = self._available[0]

    @property
    def media_types(self) -> list[str]:
        """m2m:serializations: one media type for each."""
        return [one.media_type for one in self._available]

    def named(self, media_type: str) -> Serialization | None:
        """The one with this media type, plain or oneM2M's own, in lower case; None if it is not there."""
        return self._by_media_type.get(media_type)

    def reader(self, media_type: str) -> Serialization:
        """The one that a body of this media type is written in; UnsupportedMediaType if it is not there."""
        found = self.named(media_type)
        if found is None:
            wanted = " or ".join(self.media_types)
            raise UnsupportedMediaType(f"Content-Type {media_type[:60]!r} is not supported: send {wanted}")
        return found

    def accepted(self, accept: str, preferred: Serialization) -> tuple[Serialization, str]:
        """The one to answer in, and the media type to call it, by the Accept header; NotAcceptable if there is none.

        Among equally welcome ones the client's own `preferred` one wins.
        """
        ranges = _ranges(accept)
        if not ranges:
            return preferred, preferred.media_type
        named = [media_type for media_type in ranges if media_type in self._by_media_type]
        candidates = [*named, preferred.media_type, *self.media_types]
        best = max(candidates, key=lambda media_type: _welcome(media_type, ranges))
        if _welcome(best, ranges)[0] == 0:
            wanted = " or ".join(self.media_types)
            raise NotAcceptable(f"Accept {accept[:80]!r} can't be produced: accept {wanted}")
        return self._by_media_type[best], best


def _media_types(serialization: Serialization) -> list[str]:
    return [serialization.media_type, *(f"application/vnd.onem2m-{use}+{serialization.name}" for use in USES)]


def _ranges(accept: str) -> dict[str, float]:
    """The media ranges of an Accept header with their quality values."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (word.strip() for word in part.split(";"))
        if media_range:
            found[media_range] = min((_quality(parameter) for parameter in parameters), default=1.0)
    return found


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    try:
        return min(max(float(value), 0.0), 1.0) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0


def _welcome(media_type: str, ranges: dict[str, float]) -> tuple[float, int]:
    """How welcome a media type is, and how exactly it was named: the most exact range counts (RFC 9110, 12.5.1)."""
    for exactness, media_range in ((2, media_type), (1, "application/*"), (0, "*/*")):
        if media_range in ranges:
            return ranges[media_range], exactness
    return 0.0, 0
