"""An HTTP client for very many small requests: it leaves only for allowed addresses, and reads what it must.

It keeps no cookies and follows nothing. A connection is kept for a short while if its server was asked before: idle
ones to each of 10,000 devices that are asked once would be too many.
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from cse.http.channel import Answer, Channel, NoAnswer
from cse.http.connecting import Connector, NotSent
from cse.http.idle import IdleChannels
from cse.http.url import Destination, Origin, destination
from cse.patience import Patience
from cse.timing import Clock

__all__ = ["Answer", "Client", "NoAnswer", "NotSent"]

MOST = 65_536  # bytes of a body
REMEMBERED = 4096  # servers
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})  # twice is the same as once (RFC 9110 clause 9.2.2)


class _Job(NamedTuple):
    message: bytes
    origin: Origin
    until: float
    most: int
    essential: str
    keeps: bool


class Client:
    """To any number of servers. `tls` says who is believed over HTTPS, None for whom the system believes."""

    def __init__(
        self, clock: Clock, allows: Callable[[str], bool], connect_timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._clock = clock
        self._connect_timeout = connect_timeout
        self._connector = Connector(allows, tls)
        self._patience = Patience(clock)
        self._idle = IdleChannels(clock, self._patience)
        self._busy: set[Channel] = set()
        self._asked: OrderedDict[Origin, None] = OrderedDict()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, patience: float) -> Answer:
        """`request` with POST."""
        return await self.request("POST", url, headers, body, patience=patience)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        patience: float,
        most: int = MOST,
        essential: str = "",
    ) -> Answer:
        """The answer within so many seconds; NotSent, or NoAnswer if it may have been received nevertheless.

        A body of more than `most` bytes is left out, and so is that of an answer without the header `essential`.
        """
        try:
            where = destination(url)
            keeps = self._was_asked(where.origin)
            message = _message(method, where, headers, body, keeps=keeps)
        except ValueError as error:
            raise NotSent(f"no valid HTTP request can be sent: {error}") from None
        job = _Job(message, where.origin, self._clock.now() + patience, most, essential.lower(), keeps)
        kept = self._idle.take(job.origin)
        if kept is not None:
            try:
                return await self._exchange(kept, job)
            except NoAnswer as error:  # the server may just have closed what was idle
                if error.begun or method not in REPEATABLE or self._clock.now() >= job.until:
                    raise
        return await self._exchange(await self._connect(job), job)

    async def close(self) -> None:
        """Close all connections; those who wait get NoAnswer."""
        self._idle.close()
        for channel in self._busy:
            channel.close()
        await self._patience.close()
        await asyncio.sleep(0)  # until they are closed

    async def _connect(self, job: _Job) -> Channel:
        patience = min(self._connect_timeout, job.until - self._clock.now())
        return await self._connector.open(job.origin, patience, self._idle.remove)

    async def _exchange(self, channel: Channel, job: _Job) -> Answer:
        self._busy.add(channel)
        self._patience.hold(channel, job.until, channel.expire)
        try:
            return await channel.ask(job.message, job.most, job.essential)
        finally:
            self._patience.drop(channel)
            self._busy.discard(channel)
            if job.keeps and channel.is_free:
                self._idle.add(channel, job.origin)
            else:
                channel.close()

    def _was_asked(self, origin: Origin) -> bool:
        """Whether it was asked not long ago; from now on it was."""
        known = origin in self._asked
        self._asked[origin] = None
        self._asked.move_to_end(origin)
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return known


def _message(method: str, where: Destination, headers: Mapping[str, str], body: bytes | None, *, keeps: bool) -> bytes:
    """A request as it is sent; ValueError where something would end a line."""
    lines = [f"{method} {where.target} HTTP/1.1", f"Host: {where.host}", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if where.proof and "Authorization" not in headers:
        lines.append(f"Authorization: {where.proof}")
    if not keeps:
        lines.append("Connection: close")
    if body is not None or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body or b'')}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header must not have line breaks in it")
    return head.encode() + b"\r\n\r\n" + (body or b"")
