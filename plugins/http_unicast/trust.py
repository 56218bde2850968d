"""Whom the client of the network believes over HTTPS, and what it shows of itself."""

import ssl
from functools import cache

from cse.config import ConfigurationError
from plugins.http_unicast.settings import HttpUnicastSettings


def client_context(settings: HttpUnicastSettings) -> ssl.SSLContext:
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


@cache
def _of_the_system() -> ssl.SSLContext:
    """It is the same for all, and reading its many certificates takes a while."""
    return ssl.create_default_context()


def _refuse_to_ask() -> str:
    raise ValueError("the private key is encrypted: store it without a password, for the server's user alone")
