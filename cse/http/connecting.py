"""Connections to servers: only where they may lead, and only to whom the certificate says that it is."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from cse.http.channel import Channel
from cse.http.url import Origin, is_ip_address


class NotSent(Exception):
    """The server can't have received anything; `refused` if nobody listens there."""

    def __init__(self, sentence: str, *, refused: bool = False) -> None:
        super().__init__(sentence)
        self.refused = refused


class Connector:
    """Opens channels where `allows` says so of the IP address; `tls` is for those with TLS, None for the default."""

    def __init__(self, allows: Callable[[str], bool], tls: ssl.SSLContext | None) -> None:
        self._allows = allows
        self._tls = tls or True

    async def open(self, origin: Origin, patience: float, lost: Callable[[Channel], None]) -> Channel:
        """A connection within so many seconds; NotSent if there is none."""
        try:
            async with asyncio.timeout(patience):
                return await self._open(origin, patience, lost)
        except TimeoutError:
            raise NotSent(f"no connection to {origin} within {patience:g} seconds") from None
        except (OSError, UnicodeError) as error:
            refused = isinstance(error, ConnectionRefusedError)
            raise NotSent(f"no connection to {origin}: {error}", refused=refused) from None

    async def _open(self, origin: Origin, patience: float, lost: Callable[[Channel], None]) -> Channel:
        """To the first address that takes it; each of several has its share of the time."""
        addresses = await _addresses(origin)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(patience / len(addresses)):
                    return await self._connect(address, origin, lost)
            except OSError:
                continue
        return await self._connect(addresses[-1], origin, lost)

    async def _connect(self, address: str, origin: Origin, lost: Callable[[Channel], None]) -> Channel:
        """`address` is resolved, so that no name leads where no address may."""
        if not self._allows(address):
            raise PermissionError(f"{address} is not in allowed_targets")
        loop = asyncio.get_running_loop()
        if origin.tls:
            _, channel = await loop.create_connection(
                lambda: Channel(lost), address, origin.port, ssl=self._tls, server_hostname=origin.host
            )
        else:
            _, channel = await loop.create_connection(lambda: Channel(lost), address, origin.port)
        return channel


async def _addresses(origin: Origin) -> list[str]:
    """Where the machine is; OSError if nobody knows."""
    if is_ip_address(origin.host):
        return [origin.host]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
