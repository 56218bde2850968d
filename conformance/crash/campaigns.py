"""Requests to many members at once: devices, which are played here, and containers of the CSE itself."""

import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from conformance.client import Answer, Attributes, Client, NoAnswer
from conformance.crash.findings import Findings, History
from conformance.crash.inbox import Received
from conformance.crash.server import Server, decided
from conformance.crash.tree import flat, name_of, parent_of
from conformance.standard import AE, CIN, CNT, COMPLETED, FAILED, GRP, SYNCHRONOUS

MEMBERS = 20
PATIENCE = 40.0  # seconds until a request to a group must be over
PAUSE = 0.1
DEADLINE = 120_000  # milliseconds that members have, longer than any round
FORGETFUL = 5  # every so many members do not answer when they get a request for the first time


class Members(ABC):
    """A group with members, and what is known of the requests to it: addresses of <request>s by mark, "" in doubt."""

    content_type: int | None = None
    success = 2000

    def __init__(self, server: Server, name: str, findings: Findings) -> None:
        self.history = History()
        self.name, self.server, self.findings = name, server, findings
        self.requests: dict[str, str] = {}
        self._unjudged: list[str] = []

    @abstractmethod
    def prepare(self) -> None:
        """Make the members and the group, the address of which is `group`."""

    @abstractmethod
    def content(self, mark: str) -> Any:
        """What members are sent, recognised by the mark."""

    @abstractmethod
    def seen(self, mark: str) -> Mapping[str, int]:
        """How often each member has carried out the request with this mark."""

    @property
    def group(self) -> str:
        return f"{self.server.target.name}/{self.name}"

    def make_group(self, members: list[str]) -> None:
        attributes = {"rn": self.name, "mnm": MEMBERS, "mid": members}
        self.server.client.create(self.server.target.name, GRP, attributes).expect(2001)

    def send(self, mark: str) -> None:
        """One request to all."""
        self.findings.requests += 1
        self.requests[mark] = ""
        self._unjudged.append(mark)
        query, headers = {"rt": SYNCHRONOUS}, {"X-M2M-RET": str(DEADLINE)}
        to, content = f"{self.group}/fopt", self.content(mark)
        try:
            answer = self.server.client.send("POST", to, content, ty=self.content_type, query=query, headers=headers)
        except NoAnswer as silence:
            self.findings.in_doubt += 1
            self.history.note(to, f"POST {to} {mark}: no answer ({silence.__cause__!r})")
            return
        self.history.note(to, f"POST {to} {mark}: {answer.rsc} {answer.content}")
        self._accept(mark, answer)

    def _accept(self, mark: str, answer: Answer) -> None:
        if not decided(answer):
            self.findings.in_doubt += 1
        elif answer.rsc == 1001:
            self.requests[mark] = answer.content["m2m:uri"]
        else:
            self._blame(mark, f"was refused with {answer.rsc}: {answer.content}")

    def audit(self) -> None:
        """Every request that was accepted comes to its end, and adds up; one in doubt got to all or to nobody."""
        for mark in self._unjudged:
            for sentence in self._accepted(mark) if self.requests[mark] else self._doubtful(mark):
                self._blame(mark, sentence)
            self.findings.checked += bool(self.requests[mark])
        self._unjudged = [mark for mark in self._unjudged if not self.requests[mark]]

    def _accepted(self, mark: str) -> Iterator[str]:
        uri = self.requests[mark]
        result = self._over(uri)
        if result is None or result["rs"] != COMPLETED:
            yield f"is not over: {result}"
            return
        codes = Counter(item["fr"] for item in result["ors"]["pc"]["m2m:agr"]["m2m:rsp"] if item["rsc"] == self.success)
        if sorted(codes.values()) != [1] * MEMBERS:
            yield f"has successful answers by {dict(codes)}, and not one of each member"
        yield from self._whole(mark)
        yield from _sums(self.server, uri, result)

    def _over(self, uri: str) -> Attributes | None:
        """The <request> in the end, or as it is when the patience is."""
        deadline = time.monotonic() + PATIENCE
        while True:
            result = self.server.attributes(uri)
            if result is None or result["rs"] in (COMPLETED, FAILED) or time.monotonic() > deadline:
                return result
            time.sleep(PAUSE)

    def _whole(self, mark: str) -> Iterator[str]:
        seen = self.seen(mark)
        if len(seen) != MEMBERS or any(times > 1 for times in seen.values()):
            yield f"was carried out by {len(seen)} of {MEMBERS} members: {dict(seen)}"

    def _doubtful(self, mark: str) -> Iterator[str]:
        """Whether it was begun shows soon: then it goes on to its end."""
        deadline = time.monotonic() + PATIENCE
        while 0 < len(self.seen(mark)) < MEMBERS and time.monotonic() < deadline:
            time.sleep(PAUSE)
        if self.seen(mark):
            yield from self._whole(mark)

    def _blame(self, mark: str, sentence: str) -> None:
        self.findings.add(f"request {mark} to {self.group} {sentence}", self.history.story(f"{self.group}/fopt"))


class Devices(Members):
    """Members outside of the CSE, which it reaches by HTTP."""

    def __init__(self, server: Server, name: str, findings: Findings) -> None:
        super().__init__(server, name, findings)
        self.inbox = ""
        self._come: defaultdict[str, list[Received]] = defaultdict(list)
        self._lock = Lock()

    def prepare(self) -> None:
        base = self.server.target.name
        for number in range(MEMBERS):
            name = f"{self.name}-{number}"
            point = f"{self.inbox}/members/{name}"
            attributes = {"rn": name, "api": "N.crash", "rr": True, "srv": ["3"], "poa": [point]}
            Client(self.server.target, f"C{name}").create(base, AE, attributes).expect(2001)
        self.make_group([f"{base}/{self.name}-{number}" for number in range(MEMBERS)])

    def content(self, mark: str) -> Any:
        return {"m2m:sgn": {"sur": self.group, "nev": {"rep": {"m2m:cin": {"con": mark}}}}}

    def take(self, received: Received) -> bool:
        """A member gets a request; some answer only when they get it again."""
        mark = received.content["m2m:sgn"]["nev"]["rep"]["m2m:cin"]["con"]
        with self._lock:
            again = any(one.path == received.path for one in self._come[mark])
            self._come[mark].append(received)
        return again or hash_of(received.path + mark) % FORGETFUL != 0

    def seen(self, mark: str) -> Mapping[str, int]:
        """A member that gets the same request again carries it out once, if the request identifier is the same."""
        with self._lock:
            return Counter(path for path, _ in {(one.path, one.identifier) for one in self._come[mark]})

    def _whole(self, mark: str) -> Iterator[str]:
        yield from super()._whole(mark)
        with self._lock:
            identifiers = {one.identifier for one in self._come[mark]}
            others = {one.identifier for about, come in self._come.items() if about != mark for one in come}
        if len(identifiers) != 1 or identifiers & others:
            yield f"went out under the request identifiers {identifiers}, of which others used {identifiers & others}"


class Containers(Members):
    """Members in the CSE: each gets an instance."""

    content_type = CIN
    success = 2001

    def prepare(self) -> None:
        top = f"{self.server.target.name}/{self.name}-boxes"
        self.server.client.create(parent_of(top), CNT, {"rn": name_of(top)}).expect(2001)
        for number in range(MEMBERS):
            self.server.client.create(top, CNT, {"rn": f"box{number}"}).expect(2001)
        self.make_group([f"{top}/box{number}" for number in range(MEMBERS)])

    def content(self, mark: str) -> Any:
        return {"m2m:cin": {"con": mark}}

    def seen(self, mark: str) -> Mapping[str, int]:
        top = f"{self.server.target.name}/{self.name}-boxes"
        boxes = dict(flat(top, self.server.attributes(top, rcn=4) or {}))
        return Counter(parent_of(path) for path, resource in boxes.items() if resource.get("con") == mark)


def hash_of(text: str) -> int:
    """The same in every run, as `hash` is not."""
    return sum(map(ord, text))


def _sums(server: Server, uri: str, result: Attributes) -> Iterator[str]:
    """What this server reports beside the standard's <request>, if it does: all numbers are of all members."""
    answer = server.retrieve(f".cse/campaigns/{uri}")
    if answer.rsc == 2000:
        states = answer.content["states"]
        if answer.content["members"] != sum(states.values()) or states["waiting"] or states["answered"] != MEMBERS:
            yield f"does not add up: {answer.content}"
    for label in result.get("lbl", []):
        if label.startswith("report:"):
            report = server.attributes(label.removeprefix("report:")) or {}
            numbers = [report.get(name) for name in ("total", "waiting", "answered", "failed", "unreachable")]
            if numbers != [MEMBERS, 0, MEMBERS, 0, 0]:
                yield f"has a report that does not add up: {report}"
