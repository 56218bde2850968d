"""Credentials bound to originators, from a TOML file that the operator owns: who may say that he is whom.

Each `[[credential]]` has `originators`, a list of AE-IDs and CSE-IDs in which `*` stands for any characters but `/`,
and one proof: `token` (the hash of a bearer token), `user` with `password` (its hash), `fingerprint` (SHA-256 of a
client certificate), or `subject` (the common name or an alternative name of one). `originator` may name whom a client
speaks for whose X-M2M-Origin is no identifier of oneM2M, and `roles` which roles it may claim (roleIDs). `position`
(latitude and longitude in degrees) and `country` (two letters) say where the client is.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cse.config import ConfigurationError, require_private
from cse.security.hashes import TOKEN_HASH, PasswordHash, hash_token

PARALLEL_CHECKS = 2  # of passwords: each costs a core and some memory
PROOFS = ("token", "user", "fingerprint", "subject")
TEXTS = {*PROOFS, "password", "originator", "country"}
FIELDS = {*TEXTS, "originators", "roles", "position"}
COUNTRY = re.compile(r"[A-Z]{2}")
FINGERPRINT = re.compile(r"[0-9a-f]{64}")
UNKNOWN = PasswordHash(2**14, 8, 1, bytes(16), bytes(32))


class PeerCertificate(NamedTuple):
    """A client certificate whose chain has been verified: SHA-256 in hex, common names and alternative names."""

    fingerprint: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Credential:
    """Whom somebody may speak for who has proved this credential. `originator` replaces what is no identifier."""

    originators: tuple[str, ...]
    originator: str = ""
    roles: tuple[str, ...] = ()
    position: tuple[float, float] | None = None
    country: str = ""


class Credentials:
    """All credentials of a file, each found by its proof."""

    def __init__(self, entries: Iterable[Mapping[str, Any]] = ()) -> None:
        self._by_proof: dict[tuple[str, str], Credential] = {}
        hashes: dict[str, PasswordHash] = {}
        for number, entry in enumerate(entries, 1):
            try:
                self._add(entry, hashes)
            except ValueError as error:
                raise ConfigurationError(f"credential {number}: {error}") from None
        self._passwords = Passwords(hashes)

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """Read the file; ConfigurationError if it is wrong, or if everybody on this machine may read it."""
        try:
            require_private(path)
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, ConfigurationError) as error:
            raise ConfigurationError(f"the credentials in {path} can't be used: {error}") from error

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """What such a file says; ValueError for text that is no TOML, ConfigurationError for what it says wrongly."""
        document = tomllib.loads(text)
        entries = document.pop("credential", [])
        if document or not isinstance(entries, list):
            raise ConfigurationError("it must consist of [[credential]] tables only")
        return cls(entries)

    def by_token(self, token: str) -> Credential | None:
        """The credential of a bearer token. What is looked up is a hash: how long that takes says nothing about it."""
        return self._by_proof.get(("token", hash_token(token)))

    async def by_password(self, user: str, password: str) -> Credential | None:
        """The credential of a user who states his password."""
        return self._by_proof["user", user] if await self._passwords.fits(user, password) else None

    def by_certificate(self, certificate: PeerCertificate) -> Credential | None:
        """The credential of a client certificate: by its fingerprint, or else by one of its names."""
        proofs = [("fingerprint", certificate.fingerprint), *(("subject", name) for name in sorted(certificate.names))]
        return next((self._by_proof[proof] for proof in proofs if proof in self._by_proof), None)

    def _add(self, entry: Any, hashes: dict[str, PasswordHash]) -> None:
        check_fields(entry)
        (kind,) = (name for name in PROOFS if name in entry)
        proof = (kind, _canonical(kind, entry[kind]))
        if proof in self._by_proof:
            raise ValueError(f"another one has the same {kind}: remove one of them")
        if kind == "user":
            hashes[entry["user"]] = _password_hash(entry["password"])
        position = entry.get("position")
        self._by_proof[proof] = Credential(
            tuple(entry["originators"]),
            entry.get("originator", ""),
            tuple(entry.get("roles", ())),
            None if position is None else (float(position[0]), float(position[1])),
            entry.get("country", ""),
        )


class Passwords:
    """Checks passwords beside the event loop, a few at a time; one that was right is recognised at once later."""

    def __init__(self, hashes: Mapping[str, PasswordHash]) -> None:
        self._hashes = hashes
        self._key = secrets.token_bytes(32)
        self._proved: dict[str, bytes] = {}
        self._turns = asyncio.Semaphore(PARALLEL_CHECKS)

    async def fits(self, user: str, password: str) -> bool:
        """Whether this is the user's password; an unknown user takes as long as a wrong password."""
        mark = hmac.digest(self._key, password.encode(), "sha256")
        if hmac.compare_digest(self._proved.get(user, b""), mark):
            return True
        async with self._turns:
            fits = await asyncio.to_thread(self._hashes.get(user, UNKNOWN).fits, password)
        if fits:
            self._proved[user] = mark
        return fits


def check_fields(entry: Any) -> None:
    """ValueError that names what is missing or too much in an entry; it never repeats a value."""
    if not isinstance(entry, Mapping):
        raise ValueError("it must be a table")
    if unknown := entry.keys() - FIELDS:
        raise ValueError(f"{min(unknown)} is no field; known are {', '.join(sorted(FIELDS))}")
    if sum(name in entry for name in PROOFS) != 1 or ("password" in entry) != ("user" in entry):
        raise ValueError("it must have one of token, user with password, fingerprint and subject")
    texts = [name for name in TEXTS if name in entry and not _is_text(entry[name])]
    if texts:
        raise ValueError(f"{min(texts)} must be a text")
    if not _are_texts(entry.get("originators")):
        raise ValueError('originators must be a list of AE-IDs and CSE-IDs, ["Cmeter*"] for instance')
    if "roles" in entry and not _are_texts(entry["roles"]):
        raise ValueError('roles must be a list of role identifiers, ["reader@cse.example"] for instance')
    if "position" in entry and not _is_position(entry["position"]):
        raise ValueError("position must be latitude and longitude in degrees, [48.14, 11.58] for instance")
    if "country" in entry and not COUNTRY.fullmatch(entry["country"]):
        raise ValueError("country must be a code of two letters such as DE")


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER, in hex."""
    return hashlib.sha256(certificate).hexdigest()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _is_position(value: Any) -> bool:
    is_pair = isinstance(value, list) and len(value) == 2
    return is_pair and all(
        isinstance(number, int | float) and not isinstance(number, bool) and -most <= number <= most
        for number, most in zip(value, (90, 180), strict=True)
    )


def _canonical(kind: str, text: str) -> str:
    if kind == "token" and not TOKEN_HASH.fullmatch(text):
        raise ValueError("token must be the hash that `cse credential token` makes, not the token itself")
    if kind != "fingerprint":
        return text
    digits = text.lower().removeprefix("sha256:").replace(":", "")
    if not FINGERPRINT.fullmatch(digits):
        raise ValueError("fingerprint must be the SHA-256 of a certificate: 64 hexadecimal digits")
    return digits


def _password_hash(text: str) -> PasswordHash:
    try:
        return PasswordHash.parse(text)
    except ValueError:
        raise ValueError("password must be the hash that `cse credential password` makes") from None
