"""TLS for the server: its certificate, and what the certificate of a client says."""

import ssl
from pathlib import Path
from typing import Any

from cse.config import ConfigurationError, ServerSettings, require_private
from cse.security.credentials import PeerCertificate, fingerprint


def peer_certificate(connection: ssl.SSLObject | None) -> PeerCertificate | None:
    """The certificate that the other side of a TLS connection has shown; None without TLS, or without one."""
    encoded = None if connection is None else connection.getpeercert(binary_form=True)
    described: Any = None if connection is None else connection.getpeercert()
    if not encoded or not described:
        return None
    common_names = [value for part in described.get("subject", ()) for name, value in part if name == "commonName"]
    alternatives = [value for _, value in described.get("subjectAltName", ()) if isinstance(value, str)]
    return PeerCertificate(fingerprint(encoded), frozenset((*common_names, *alternatives)))


def server_context(settings: ServerSettings) -> ssl.SSLContext | None:
    """What the settings say about TLS, None for none; ConfigurationError for files that can't be used.

    With `client_authorities` a client needs a certificate, unless credentials of other kinds may do instead.
    """
    if not settings.certificate:
        if settings.private_key or settings.client_authorities:
            raise ConfigurationError("private_key and client_authorities in [server] need a certificate: set it, too")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        require_private(Path(settings.private_key or settings.certificate))
        context.load_cert_chain(settings.certificate, settings.private_key or None, password=_refuse_to_ask)
        if settings.client_authorities:
            context.load_verify_locations(settings.client_authorities)
            context.verify_mode = ssl.CERT_OPTIONAL if settings.credentials else ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        files = "certificate, private_key and client_authorities"
        raise ConfigurationError(f"{files} in [server] must be files in PEM that belong together: {error}") from error
    return context


def _refuse_to_ask() -> str:
    raise ValueError("the private key is encrypted: store it without a password, for the server's user alone")
