"""An authority of the test's own, and what it certifies."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Issues certificates for 127.0.0.1 and for clients; keeps what programs need in files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def server_settings(self) -> dict[str, str]:
        """Settings of a server with HTTPS that asks clients for certificates of this authority."""
        certificate, key = self.files("127.0.0.1")
        return {"certificate": str(certificate), "private_key": str(key), "client_authorities": str(self.file)}

    def files(self, name: str) -> tuple[Path, Path]:
        """The certificate for this name, which is issued once, and its private key, for its owner alone."""
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        if not certificate.exists():
            issued = self._ca.issue_cert(name, common_name=name)
            issued.cert_chain_pems[0].write_to_path(certificate)
            key.touch(0o600)
            issued.private_key_pem.write_to_path(key)
        return certificate, key

    def client(self, name: str | None = None, issuer: "Authority | None" = None) -> ssl.SSLContext:
        """The side of a client that trusts this authority, with a certificate for `name` by this or another one."""
        context = ssl.create_default_context(cafile=self.file)
        if name is not None:
            context.load_cert_chain(*(issuer or self).files(name))
        return context

    def server(self, *, clients: bool = False) -> ssl.SSLContext:
        """The side of a server at 127.0.0.1; with `clients=True` it wants certificates of this authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.file)
        context.load_cert_chain(*self.files("127.0.0.1"))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
        return context
