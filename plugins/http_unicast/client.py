"""The HTTP client of the fan-out: leaves only for allowed addresses, follows nothing, reads no more than it must."""

import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import aiohttp

from cse.http.outgoing import open_session, read_body
from cse.network import DeliveryFailed
from plugins.http_unicast.mapping import STATUS_CODE, Answer, Message


class Client:
    """Exchanges messages with any number of servers and keeps nothing about them."""

    def __init__(
        self,
        allows: Callable[[str], bool],
        connect_timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self._under_way: Counter[str] = Counter()
        self._lone = open_session(allows, self._timeout, tls, force_close=True)
        self._kept = open_session(allows, self._timeout, tls, force_close=False)

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
                body = await read_body(response, most)
            return Answer(response.status, response.headers, body)
