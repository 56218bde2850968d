"""What clients of networks over HTTP have in common: they leave only for allowed addresses, and read what they must.

They believe whom the operator believes over HTTPS, keep no cookies, and follow nothing by themselves.
"""

import socket
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import aiohttp

from cse.config import ConfigurationError

FIXED_HEADERS = {"Accept-Encoding": "identity"}


class ClientFiles(Protocol):
    """The settings of a network that say whom its client believes, and what it shows of itself; all are PEM files."""

    @property
    def section(self) -> str: ...
    @property
    def authorities(self) -> str: ...
    @property
    def certificate(self) -> str: ...
    @property
    def private_key(self) -> str: ...


def client_context(settings: ClientFiles) -> ssl.SSLContext:
    """TLS as the settings say; certificates are always checked. ConfigurationError for files that can't be used."""
    if not (settings.authorities or settings.certificate):
        return _of_the_system()
    try:
        context = ssl.create_default_context(cafile=settings.authorities or None)
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.private_key or None, password=_refuse_to_ask)
    except (OSError, ValueError) as error:
        files = "authorities, certificate and private_key"
        raise ConfigurationError(f"{files} in [{settings.section}] must be files in PEM: {error}") from error
    return context


def open_session(
    allows: Callable[[str], bool], timeout: aiohttp.ClientTimeout, tls: ssl.SSLContext | None, *, force_close: bool
) -> aiohttp.ClientSession:
    """A client that connects only where `allows` says so of the IP address; PermissionError (OSError) elsewhere."""

    def open_socket(address: Any) -> socket.socket:
        """Called with the resolved address of every connection, so that no name leads where no address may."""
        family, kind, protocol, _, destination = address
        if not allows(destination[0]):
            raise PermissionError(f"{destination[0]} is not in allowed_targets")
        return socket.socket(family, kind, protocol)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=force_close, socket_factory=open_socket, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=FIXED_HEADERS,
        timeout=timeout,
        auto_decompress=False,
    )


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    """The body of a response, None if it has more than so many bytes; the connection is closed then."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            response.close()
            return None
    return bytes(body)


@cache
def _of_the_system() -> ssl.SSLContext:
    """It is the same for all, and reading its many certificates takes a while."""
    return ssl.create_default_context()


def _refuse_to_ask() -> str:
    raise ValueError("the private key is encrypted: store it without a password, for the server's user alone")
