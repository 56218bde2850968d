"""The keys of a CSE, from a TOML file that its operator owns, or a variable of the environment with the same text.

`signing` is the private key (Ed25519) that signs requests; `master` is what the secrets of devices and groups are
derived from; `members` are the AE-IDs, in which `*` stands for any characters, of the devices that have been given
theirs; `[trusted]` has the public keys of other CSEs, lists by CSE-ID. Keys are hexadecimal digits; no error repeats
one.
"""

import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cse.config import ConfigurationError, require_private
from cse.protection.secret import LENGTH, Secret, derive
from cse.protection.trust import public_key, public_text

FIELDS = {"signing", "master", "members", "trusted"}
TEMPLATE = """\
# The keys of a CSE, made by `cse keys new`. Who can read this file can command all devices.
# The public key, for devices: {public}
signing = "{signing}"
master = "{master}"

# The AE-IDs of the devices that have their secret (`cse keys member`); * stands for any characters.
members = [{members}]

# The public keys of other CSEs whose group requests this one carries out.
[trusted]
# "/id-other" = ["..."]
"""


@dataclass(frozen=True)
class Keys:
    """What such a file says; None, empty or b"" where it says nothing."""

    signing: Ed25519PrivateKey | None = field(default=None, repr=False)
    master: bytes = field(default=b"", repr=False)
    members: tuple[str, ...] = ()
    trusted: Mapping[str, tuple[Ed25519PublicKey, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """Read a file; ConfigurationError if it is wrong, or if everybody on this machine may read it."""
        try:
            require_private(path)
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ConfigurationError) as error:
            raise ConfigurationError(f"the keys in {path} can't be used: {error}") from None

    @classmethod
    def of_variable(cls, name: str, environment: Mapping[str, str]) -> "Keys":
        """Read a variable of the environment; ConfigurationError if it is wrong or missing."""
        if name not in environment:
            raise ConfigurationError(f"keys in [server] name the variable {name}, which is not set")
        try:
            return cls.parse(environment[name])
        except ConfigurationError as error:
            raise ConfigurationError(f"the keys in the variable {name} can't be used: {error}") from None

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """The keys in such a text; ConfigurationError says what is wrong."""
        document = _table(text)
        if unknown := document.keys() - FIELDS:
            raise ConfigurationError(f"{min(unknown)} is no field; known are {', '.join(sorted(FIELDS))}")
        members, trusted = document.get("members", []), document.get("trusted", {})
        if not _are_texts(members):
            raise ConfigurationError('members must be a list of AE-IDs, ["Cmeter*"] for instance')
        if not isinstance(trusted, dict) or not all(map(_are_texts, trusted.values())):
            raise ConfigurationError("[trusted] must have a list of public keys for each CSE-ID")
        if members and "master" not in document:
            raise ConfigurationError("members without master: their secrets are derived from it")
        signing = _bytes(document, "signing")
        return cls(
            Ed25519PrivateKey.from_private_bytes(signing) if signing else None,
            _bytes(document, "master"),
            tuple(members),
            {cse_id: tuple(_public_keys(cse_id, keys)) for cse_id, keys in trusted.items()},
        )

    @property
    def public(self) -> str:
        """The public key as devices are to be told it, "" without one."""
        return public_text(self.signing.public_key()) if self.signing else ""

    def derive(self, purpose: str) -> Secret | None:
        """A secret of its own for each purpose; None without a master key."""
        return Secret(derive(self.master, purpose)) if self.master else None


NO_KEYS = Keys()


def new_keys(members: Iterable[str] = ()) -> str:
    """The text of a file with new keys."""
    signing = Ed25519PrivateKey.generate()
    return TEMPLATE.format(
        public=public_text(signing.public_key()),
        signing=signing.private_bytes_raw().hex(),
        master=secrets.token_hex(LENGTH),
        members=", ".join(f'"{member}"' for member in members),
    )


def _table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # Without its message, which may quote what it stumbled over.
        raise ConfigurationError("it is no TOML; make it with `cse keys new`") from None


def _bytes(document: Mapping[str, Any], name: str) -> bytes:
    value = document.get(name, "")
    try:
        key = bytes.fromhex(value)
    except (TypeError, ValueError):
        key = b"?"
    if key and len(key) != LENGTH:
        raise ConfigurationError(f"{name} must be {2 * LENGTH} hexadecimal digits, as `cse keys new` makes them")
    return key


def _public_keys(cse_id: str, texts: Iterable[str]) -> Iterable[Ed25519PublicKey]:
    try:
        return [public_key(text) for text in texts]
    except ValueError as error:
        raise ConfigurationError(f"{cse_id} in [trusted]: {error}") from None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and text for text in value)
