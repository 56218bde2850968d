"""Bearer tokens by which this server proves who it is, each to one server only.

The file is TOML: `"https://in.example:8443" = "TOKEN"`, a line for each scheme, name and port. Only its owner and his
group may read it.
"""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from cse.config import ConfigurationError, require_private

PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str | None, int | None]


class Tokens:
    """The token for whoever is behind an URL."""

    def __init__(self, path: str = "") -> None:
        self._by_origin = _read(Path(path)) if path else {}

    def headers(self, url: str) -> dict[str, str]:
        """What proves this server to that one; nothing for a server that has no token."""
        token = self._by_origin.get(_origin(url)) if self._by_origin else None
        return {"Authorization": f"Bearer {token}"} if token else {}


def _read(path: Path) -> dict[Origin, str]:
    """ConfigurationError names the file and the line's key, never a token."""
    try:
        require_private(path)
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        return {_origin(url): _token(url, token) for url, token in entries.items()}
    except (OSError, ValueError, ConfigurationError) as error:
        raise ConfigurationError(f"the tokens in {path} can't be used: {error}") from error


def _token(url: str, token: object) -> str:
    if _origin(url)[0] not in PORTS or not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise ConfigurationError(f'{url} must be a URL with http or https, and its token a text: "{url}" = "..."')
    return token


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
