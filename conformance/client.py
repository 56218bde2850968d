"""A small oneM2M client over HTTP (TS-0009) that checks nothing by itself and hides nothing."""

import http.client
import itertools
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from conformance.standard import HTTP_STATUS, ROOTS

TIMEOUT = 20.0  # seconds for one answer; a CSE may notify somebody before it answers

Attributes = dict[str, Any]


class NoAnswer(AssertionError):
    """The CSE has not answered a request."""


@dataclass(frozen=True)
class Target:
    """The CSE under test, and an originator who may do everything there."""

    url: str
    cse_id: str
    name: str
    service_provider: str
    administrator: str

    def relative(self, address: str) -> str:
        """The CSE-relative form of an address on this CSE."""
        return address.removeprefix(f"//{self.service_provider}").removeprefix(f"{self.cse_id}/")


@dataclass(frozen=True)
class Answer:
    """A response; `rsc` is 0 without X-M2M-RSC. Content that is no JSON is kept as text."""

    request: str
    identifier: str
    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def rsc(self) -> int:
        return int(self.headers.get("x-m2m-rsc", 0))

    def expect(self, *codes: int) -> Any:
        """The content, after the response status code and the HTTP status have proved right."""
        assert self.rsc in codes, f"{self.request}: expected {codes}, got {self.rsc}: {self.content}"
        assert self.status == HTTP_STATUS[self.rsc], f"{self.request}: HTTP status {self.status} for {self.rsc}"
        assert self.headers.get("x-m2m-ri") == self.identifier, f"{self.request}: X-M2M-RI is not that of the request"
        return self.content

    def resource(self, *codes: int) -> Attributes:
        """The attributes of the one resource in the content."""
        content = self.expect(*codes)
        assert isinstance(content, dict), f"{self.request}: no resource: {content}"
        (attributes,) = content.values()
        assert isinstance(attributes, dict), f"{self.request}: no resource: {content}"
        return attributes


class Client:
    """Sends requests in the name of one originator (None: without X-M2M-Origin)."""

    _numbers = itertools.count(1)

    def __init__(self, cse: Target, originator: str | None) -> None:
        self.cse, self.originator = cse, originator

    def create(self, parent: str, ty: int, attributes: Attributes, *, root: str | None = None, **query: Any) -> Answer:
        return self.send("POST", parent, {root or ROOTS[ty]: attributes}, ty=ty, query=query)

    def retrieve(self, to: str, **query: Any) -> Answer:
        return self.send("GET", to, query=query)

    def update(self, to: str, ty: int, attributes: Attributes, *, root: str | None = None, **query: Any) -> Answer:
        return self.send("PUT", to, {root or ROOTS[ty]: attributes}, query=query)

    def delete(self, to: str, **query: Any) -> Answer:
        return self.send("DELETE", to, query=query)

    def notify(self, to: str, content: Any) -> Answer:
        return self.send("POST", to, content)

    def identify(self, addresses: Iterable[str]) -> list[str]:
        """The resource identifiers of what addresses of any form stand for."""
        return [self.retrieve(address).resource(2000)["ri"] for address in addresses]

    def send(
        self,
        method: str,
        to: str,
        content: Any = None,
        *,
        ty: int | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """One request. `content` may be bytes, to be sent as they are; a header that is None is left out."""
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        identifier = f"conformance-{next(self._numbers)}-{secrets.token_hex(4)}"
        standard = {
            "X-M2M-Origin": self.originator,
            "X-M2M-RI": identifier,
            "X-M2M-RVI": "3",
            "Accept": "application/json",
            "Content-Type": "application/json" + ("" if ty is None else f";ty={ty}"),
        }
        sent = {name: value for name, value in (standard | dict(headers or {})).items() if value is not None}
        return self._exchange(method, _path(to, query or {}), body, sent)

    def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        request = f"{method} {path} by {self.originator} with {body.decode(errors='replace')[:500]}"
        url = urlsplit(self.cse.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=TIMEOUT)
        try:
            connection.request(method, url.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{request}: {error!r}") from error
        finally:
            connection.close()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(request, headers.get("X-M2M-RI", ""), response.status, received, _decoded(text))


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text or b"null")
    except ValueError:
        return text.decode(errors="replace")


def _path(to: str, query: Mapping[str, Any]) -> str:
    """The request target of an address (TS-0009 clause 6.2.2) with its query."""
    scope = "/_" + to[1:] if to.startswith("//") else "/~" + to if to.startswith("/") else "/" + to
    pairs = [f"{name}={quote(str(value), safe='+*:,')}" for name, value in query.items()]
    return scope + ("?" + "&".join(pairs) if pairs else "")
