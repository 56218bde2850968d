"""The server as a network sees it, for tests: it remembers what networks hand over."""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from cse.network import Discard
from cse.primitive import OK, Request, Response
from cse.protection import Protection
from cse.protection.keys import NO_KEYS, Keys
from cse.timing import Clock, SystemClock


class Answer(NamedTuple):
    """One call of `Engine.answer`."""

    request_identifier: str
    originator: str
    response: Response
    network: str


class RecordingEngine:
    """An `Engine` that keeps every answer, discard and request. Give the same object to a network that starts again.

    `requests` on the tree are answered by `respond`. `allowed` are the IP networks that requests may leave for, `keys`
    those of the server.
    """

    cse_id = "/id-in"

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        allowed: Sequence[str] = ("127.0.0.0/8", "::1/128"),
        respond: Callable[[Request], Response] = lambda request: Response(OK),
        keys: Keys = NO_KEYS,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.answers: list[Answer] = []
        self.discards: Counter[Discard] = Counter()
        self.requests: list[Request] = []
        self.protection = Protection(self.cse_id, keys)
        self._respond = respond
        self._allowed = [ipaddress.ip_network(network) for network in allowed]
        self._documents: dict[str, TinyDB] = {}
        self._changed = asyncio.Event()

    def answer(self, request_identifier: str, originator: str, response: Response, network: str) -> None:
        self.answers.append(Answer(request_identifier, originator, response, network))
        self._changed.set()

    def discard(self, request_identifier: str, reason: Discard, count: int = 1) -> None:
        self.discards[reason] += count
        self._changed.set()

    async def request(self, request: Request) -> Response:
        self.requests.append(request)
        self._changed.set()
        return self._respond(request)

    def documents(self, name: str) -> TinyDB:
        return self._documents.setdefault(name, TinyDB(storage=MemoryStorage))

    def allows(self, address: str) -> bool:
        return any(ipaddress.ip_address(address) in network for network in self._allowed)

    async def answered(self, count: int, seconds: float = 10.0) -> list[Answer]:
        """The answers once there are this many; TimeoutError after so many real seconds."""
        await self.until(lambda: len(self.answers) >= count, seconds)
        return self.answers

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Return when something was handed over that makes this true; TimeoutError after so many real seconds."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
