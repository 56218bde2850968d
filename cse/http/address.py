"""The target of an HTTP request: its path is the address, its query the parameters (TS-0009 clause 6.2.2)."""

from urllib.parse import unquote_to_bytes

from cse.errors import BadRequest

Query = dict[str, list[str]]
MOST_QUERY_VALUES = 1000
SCOPES = {"~": "/", "_": "//"}
# Values of these have no blank and no plus in them: clients that encode the plus of a list mean a list all the same.
ALWAYS_SPLIT = {"ty", "chty", "pty", "atrl"}


def address_of(path: str, *, lenient: bool = False) -> str:
    """The `to` parameter of a raw request path: `/~/` is SP-relative, `/_/` absolute.

    It may end in `#` and the name of an attribute. BadRequest for a slash at the end, unless the client is an old one.
    """
    if not path.startswith("/"):
        raise BadRequest("the target of the request must be a path that begins with a slash")
    while lenient and len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    if len(path) > 1 and path.endswith("/"):
        raise BadRequest("the path ends in a slash: remove it")
    if "%" in path or not path.isascii():
        path = _decoded_path(path)
    first, _, rest = path[1:].partition("/")
    return SCOPES[first] + rest if first in SCOPES else path[1:] or "-"


def _decoded_path(path: str) -> str:
    segments = [_decoded(segment) for segment in path.split("/")]
    if any("/" in segment for segment in segments):
        raise BadRequest("a path segment must not contain an encoded slash")
    return "/".join(segments)


def parse_query(query_string: bytes) -> Query:
    """Query arguments by name; values joined with `+` and repeated names are lists."""
    found: Query = {}
    count = 0
    for part in query_string.decode("latin-1").split("&"):
        if not part:
            continue
        encoded, _, value = part.partition("=")
        name = _decoded(encoded)
        values = [_decoded(item) for item in value.split("+")]
        if name in ALWAYS_SPLIT and all(values):
            values = [word for item in values for word in item.replace("+", " ").split()]
        count += len(values)
        if not values or not all(values) or count > MOST_QUERY_VALUES:
            raise BadRequest(f"query argument {name[:40]!r} has an empty value, or there are too many: correct it")
        found.setdefault(name, []).extend(values)
    return found


def _decoded(text: str) -> str:
    """A part of a URL, whose bytes came as the characters of Latin-1, without its percent encoding."""
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{text[:40]!r} in the URL is not UTF-8 with percent encoding: correct it") from None
