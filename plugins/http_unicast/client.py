"""The HTTP client of the fan-out: leaves only for allowed addresses, follows nothing, reads no more than it must."""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from cse.network import DeliveryFailed
from plugins.http_unicast.mapping import STATUS_CODE, Answer, Message

FIXED_HEADERS = {"Accept-Encoding": "identity"}


class Client:
    """Exchanges messages with any number of servers and keeps nothing about them."""

    def __init__(
        self,
        allows: Callable[[str], bool],
        connect_timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allows = allows
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self._under_way: Counter[str] = Counter()
        self._lone = self._session(force_close=True)
        self._kept = self._session(force_close=False)

    async def exchange(self, message: Message, most: int) -> Answer | None:
        """The answer to a message, None if there is none. DeliveryFailed if the message cannot have been received.

        A body of more than `most` bytes is left out.
        """
        server = urlsplit(message.url).netloc
        where = server.rpartition("@")[2]
        try:
            with self._session_for(server) as session:
                return await self._exchange(session, message, most)
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.__cause__, ConnectionRefusedError)
            raise DeliveryFailed(f"no connection to {where}: {error.__cause__}", refused=refused) from None
        except aiohttp.ConnectionTimeoutError:
            raise DeliveryFailed(f"no connection to {where} within {self._timeout.sock_connect} seconds") from None
        except ValueError as error:
            raise DeliveryFailed(f"no valid HTTP request can be sent to {where}: {error}") from None
        except (aiohttp.ClientError, OSError):
            return None

    async def close(self) -> None:
        """Close all connections."""
        await self._lone.close()
        await self._kept.close()

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, force_close=force_close, socket_factory=self._open_socket, ssl=self._tls or True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=FIXED_HEADERS,
            timeout=self._timeout,
            auto_decompress=False,
        )

    def _open_socket(self, address: Any) -> socket.socket:
        """Called with the resolved address of every connection, so that no name leads where no address may."""
        family, kind, protocol, _, destination = address
        if not self._allows(destination[0]):
            raise PermissionError(f"{destination[0]} is not in allowed_targets")
        return socket.socket(family, kind, protocol)

    @contextmanager
    def _session_for(self, server: str) -> Iterator[aiohttp.ClientSession]:
        """Keep a connection only where others go to the same server: idle ones to each of 10,000 would be too many."""
        self._under_way[server] += 1
        try:
            yield self._kept if self._under_way[server] > 1 else self._lone
        finally:
            self._under_way[server] -= 1
            if not self._under_way[server]:
                del self._under_way[server]

    async def _exchange(self, session: aiohttp.ClientSession, message: Message, most: int) -> Answer:
        async with session.request(
            message.method, message.url, headers=message.headers, data=message.body, allow_redirects=False
        ) as response:
            body: bytes | None = b""
            if STATUS_CODE in response.headers:
                body = await _body(response, most)
            return Answer(response.status, response.headers, body)


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            response.close()
            return None
    return bytes(body)
