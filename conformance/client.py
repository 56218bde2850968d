"""A small oneM2M client over HTTP (TS-0009) that checks nothing by itself and hides nothing."""

import http.client
import itertools
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

ACP, AE, CNT, CIN, CSEBASE, GRP, REQ, SUB = 1, 2, 3, 4, 5, 9, 17, 23
ROOTS = {
    ACP: "m2m:acp",
    AE: "m2m:ae",
    CNT: "m2m:cnt",
    CIN: "m2m:cin",
    CSEBASE: "m2m:cb",
    GRP: "m2m:grp",
    REQ: "m2m:req",
    SUB: "m2m:sub",
}
CREATE, RETRIEVE, UPDATE, DELETE, NOTIFY, DISCOVERY, ALL = 1, 2, 4, 8, 16, 32, 63
TIMEOUT = 30.0

# TS-0009 clause 6.3.2
HTTP_STATUS = {
    **dict.fromkeys((2000, 2002, 2004), 200),
    2001: 201,
    **dict.fromkeys((1000, 1001, 1002), 202),
    **dict.fromkeys((4000, 4102, 4110, 6010), 400),
    **dict.fromkeys((4101, 4103, 4106, 4107, 4108, 4109, 4117, 4126, 5105, 5203, 5205), 403),
    **dict.fromkeys((4004, 5103), 404),
    4005: 405,
    5207: 406,
    **dict.fromkeys((4104, 4105, 4124, 5220), 409),
    4015: 415,
    **dict.fromkeys((5000, 5204, 5209), 500),
    **dict.fromkeys((4001, 5001, 5206), 501),
    4008: 504,
}

Attributes = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """The CSE under test, and an originator who may do everything there."""

    url: str
    cse_id: str
    name: str
    service_provider: str
    administrator: str


@dataclass(frozen=True)
class Answer:
    """A response; `rsc` is 0 without X-M2M-RSC."""

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

    def create(self, parent: str, ty: int, attributes: Attributes, **query: Any) -> Answer:
        return self.send("POST", parent, {ROOTS[ty]: attributes}, ty=ty, query=query)

    def retrieve(self, to: str, **query: Any) -> Answer:
        return self.send("GET", to, query=query)

    def update(self, to: str, ty: int, attributes: Attributes, **query: Any) -> Answer:
        return self.send("PUT", to, {ROOTS[ty]: attributes}, query=query)

    def delete(self, to: str, **query: Any) -> Answer:
        return self.send("DELETE", to, query=query)

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
        url = urlsplit(self.cse.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=TIMEOUT)
        try:
            connection.request(method, url.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        received = {name.lower(): value for name, value in response.getheaders()}
        request = f"{method} {path} by {self.originator} with {body.decode(errors='replace')[:500]}"
        return Answer(request, headers.get("X-M2M-RI", ""), response.status, received, json.loads(text or "null"))


class Application(Client):
    """A registered application entity, with short forms for what tests make below it."""

    def __init__(self, cse: Target, attributes: Attributes) -> None:
        super().__init__(cse, attributes["aei"])
        self.identifier: str = attributes["aei"]
        self.path = f"{cse.name}/{attributes['rn']}"
        self.leftovers: list[str] = []

    def container(self, parent: str | None = None, **attributes: Any) -> str:
        """The path of a new container."""
        return self._make(parent, CNT, attributes)

    def instance(self, container: str, content: Any) -> Attributes:
        """A new contentInstance."""
        return self.create(container, CIN, {"con": content}).resource(2001)

    def policy(self, *rules: Attributes, own: Sequence[Attributes] = ()) -> str:
        """The path of a new accessControlPolicy; without `own` rules this application may change it."""
        self_privileges = list(own) or [rule(ALL, self.identifier)]
        return self._make(None, ACP, {"pv": {"acr": list(rules)}, "pvs": {"acr": self_privileges}})

    def group(self, *members: str, **attributes: Any) -> str:
        """The path of a new group."""
        return self._make(None, GRP, {"mnm": 10, "mid": list(members)} | attributes)

    def subscription(self, parent: str, *targets: str, **attributes: Any) -> Attributes:
        """A new subscription; this application is notified unless others are named."""
        targets = targets or (self.identifier,)
        return self.create(parent, SUB, {"nu": list(targets)} | attributes).resource(2001)

    def _make(self, parent: str | None, ty: int, attributes: Attributes) -> str:
        parent = parent or self.path
        made = self.create(parent, ty, {"rn": new_name()} | attributes).resource(2001)
        return f"{parent}/{made['rn']}"


def rule(rights: int, *originators: str) -> Attributes:
    """An accessControlRule."""
    return {"acor": list(originators), "acop": rights}


def new_name() -> str:
    """A resource name that nobody uses."""
    return f"conformance-{secrets.token_hex(6)}"


def _path(to: str, query: Mapping[str, Any]) -> str:
    """The request target of an address (TS-0009 clause 6.2.2) with its query."""
    scope = "/_" + to[1:] if to.startswith("//") else "/~" + to if to.startswith("/") else "/" + to
    pairs = [f"{name}={quote(str(value), safe='+*:,')}" for name, value in query.items()]
    return scope + ("?" + "&".join(pairs) if pairs else "")
