"""The crash suite finds what it is there for: a server that loses, miscounts or repeats is caught at it, each time.

The server itself is right, and is never killed; what it says is changed on its way to the driver.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.client import Answer, Client
from conformance.crash import campaigns, notices
from conformance.crash.campaigns import Devices
from conformance.crash.driver import Driver, Plan
from conformance.crash.inbox import Received
from conformance.crash.notices import Notices
from conformance.crash.server import Control, Server
from tests.crash.runs import HOST, target
from tests.servers import serving

Send = Callable[..., Answer]
Lie = Callable[[Client, Send, str, str, Any, dict[str, Any]], Answer]


class Unharmed(Control):
    """Killing does nothing to it."""

    def start(self) -> None:
        pass

    def kill(self) -> None:
        pass


@pytest.fixture
async def driver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    for module in (campaigns, notices):
        monkeypatch.setattr(module, "PATIENCE", 2.0)
    async with serving(settings={"http-unicast": {"backoff": 0.1}}) as cse:
        server = Server(target(cse.client.url), Unharmed())
        yield Driver(server, Plan(seed=7, rounds=1, connections=4, head_start=(0.4, 0.5)), HOST)


async def violations(driver: Driver) -> str:
    await asyncio.to_thread(driver.run)
    return "\n".join(driver.findings.violations)


def edited(answer: Answer, change: Callable[[str], str]) -> Answer:
    return replace(answer, content=json.loads(change(json.dumps(answer.content))))


class Sometimes:
    """True every fifth time that it is asked something that holds."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, holds: bool) -> bool:
        self._count += holds
        return holds and self._count % 5 == 0


def loses_what_it_has_created(about: str) -> Lie:
    sometimes = Sometimes()

    def lie(client: Client, send: Send, method: str, to: str, content: Any, options: dict[str, Any]) -> Answer:
        answer = send(client, method, to, content, **options)
        if sometimes(method == "POST" and options.get("ty") == 4 and about in to and answer.rsc == 2001):
            send(client, "DELETE", answer.content["m2m:cin"]["ri"])
        return answer

    return lie


def undoes_an_update(client: Client, send: Send, method: str, to: str, content: Any, options: Any) -> Answer:
    answer = send(client, method, to, content, **options)
    if method == "PUT" and "m2m:cnt" in content:
        send(client, "PUT", to, {"m2m:cnt": {"lbl": ["of old"]}})
    return answer


def deletes_nothing(client: Client, send: Send, method: str, to: str, content: Any, options: Any) -> Answer:
    answer = send(client, "GET" if method == "DELETE" else method, to, content, **options)
    return replace(answer, headers={"x-m2m-rsc": "2002"}) if method == "DELETE" else answer


def changes(what: str, change: Callable[[str], str]) -> Lie:
    """Whatever is retrieved at an address with `what` is changed."""

    def lie(client: Client, send: Send, method: str, to: str, content: Any, options: dict[str, Any]) -> Answer:
        answer = send(client, method, to, content, **options)
        asked = f"{to} {options.get('query')}"
        return edited(answer, change) if method == "GET" and what in asked and answer.rsc == 2000 else answer

    return lie


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


LIES: dict[str, tuple[Lie, str]] = {
    "creation": (loses_what_it_has_created("fixed"), "is missing"),
    "creation in the shared container": (loses_what_it_has_created("shared"), "lacks"),
    "update": (undoes_an_update, "but ['"),
    "deletion": (deletes_nothing, "should not be there"),
    "counter": (changes("'rcn': 4", replaced('"cni": ', '"cni": 1')), "it must be"),
    "parent": (changes("'rcn': 4", replaced('"pi": "C', '"pi": "another')), "has the parent another"),
    "latest": (changes("/la ", replaced('"rn": "', '"rn": "another')), "as la"),
    "discovery": (changes("'fu': 1", replaced('["', '["lost')), "is not discovered"),
    "answers of members": (
        changes("req", lambda text: "4004".join(text.rsplit("2000", 1))),
        "has successful answers by",
    ),
    "operator's counters": (changes(".cse/campaigns", replaced('"waiting": 0', '"waiting": 1')), "does not add up"),
    "report": (changes("/campaigns/cmp", replaced('"waiting": 0', '"waiting": 1')), "report that does not add up"),
}


async def test_no_lie_is_seen_where_there_is_none(driver: Driver) -> None:
    assert await violations(driver) == ""
    assert driver.findings.checked > 100
    assert driver.findings.in_doubt == 0


@pytest.mark.parametrize("name", LIES)
async def test_a_lie_is_found(name: str, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    lie, words = LIES[name]
    send = Client.send

    def lying(self: Client, method: str, to: str, content: Any = None, **options: Any) -> Answer:
        return lie(self, send, method, to, content, options)

    monkeypatch.setattr(Client, "send", lying)
    assert words in await violations(driver)


Take = Callable[[Any, Received], bool]


def loses(take: Take) -> Take:
    sometimes = Sometimes()
    return lambda self, received: sometimes("nev" in received.content["m2m:sgn"]) or take(self, received)


def repeats(take: Take) -> Take:
    """Under another request identifier."""

    def twice(self: Any, received: Received) -> bool:
        take(self, received._replace(identifier=f"{received.identifier}-again"))
        return take(self, received)

    return twice


def swaps(take: Take) -> Take:
    held: dict[str, Received] = {}  # of each subscriber the one that waits for the next

    def later(self: Any, received: Received) -> bool:
        if "nev" not in received.content["m2m:sgn"]:
            return take(self, received)
        if received.path not in held:
            held[received.path] = received
            return True
        answered = take(self, received)
        take(self, held.pop(received.path))
        return answered

    return later


@pytest.mark.parametrize(
    ("taker", "fault", "words"),
    [
        (Notices, loses, "has not told of"),
        (Notices, repeats, "under another identifier"),
        (Notices, swaps, "but the order was"),
        (Devices, loses, "was carried out by 16 of 20"),
        (Devices, repeats, "was carried out by 20 of 20"),
    ],
)
async def test_a_faulty_delivery_is_found(
    taker: type[Any], fault: Callable[[Take], Take], words: str, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taker, "take", fault(taker.take))
    assert words in await violations(driver)
