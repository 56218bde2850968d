"""Where a request over HTTP goes: the server of a URL, and what is asked of it."""

import ipaddress
import re
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

PORTS = {"http": 80, "https": 443}
REMEMBERED = 4096
SAFE = "/:?@!$&'()*+,;=~%[]"  # besides letters and digits, what stands in a URL as it is
_URL = re.compile(r"(https?://[^/?#]*)([^?#]*)(\?[^#]*)?", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9_./?&=%-]*")


class Origin(NamedTuple):
    """A server: the name or the IP address of its machine, the port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Destination(NamedTuple):
    """`target` is the request-target, `host` the header of that name, `proof` that of a user named in the URL."""

    origin: Origin
    target: str
    host: str
    proof: str


def destination(url: str) -> Destination:
    """Of an `http` or `https` URL; ValueError for any other text."""
    match = _URL.match(url)
    if match is None:
        raise ValueError(f"{url[:80]!r} is no URL with http or https")
    server, path, query = match.groups()
    target = (path or "/") + (query or "")
    origin, host, proof = _server(server)
    return Destination(origin, target if _PLAIN.fullmatch(target) else quote(target, SAFE), host, proof)


@lru_cache(REMEMBERED)  # it follows from the text alone
def _server(url: str) -> tuple[Origin, str, str]:
    """The server, the header Host and the proof of a user; ValueError if it is none."""
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:
        raise ValueError(f"{url[:80]!r} names no server")
    name = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    origin = Origin(name, parts.port or PORTS[parts.scheme], parts.scheme == "https")
    return origin, str(origin).removesuffix(f":{PORTS[parts.scheme]}"), _proof(parts.username, parts.password)


def _proof(user: str | None, password: str | None) -> str:
    """HTTP Basic authentication (RFC 7617)."""
    if user is None:
        return ""
    return "Basic " + b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password or "")).decode()


@lru_cache(REMEMBERED)  # it follows from the text alone
def is_ip_address(name: str) -> bool:
    """Whether the name of a machine is an address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
