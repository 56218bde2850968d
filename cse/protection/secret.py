"""A secret of 32 bytes that a CSE shares with one device or with a group, and what can be done with it."""

import hmac
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LENGTH = 32
CODE_LENGTH = 16
# AES-CCM-16-64-128 of RFC 9053: a tag of 8 bytes, a nonce of 13, a key of 16.
TAG_LENGTH = 8
NONCE_LENGTH = 13
KEY_LENGTH = 16


def derive(secret: bytes, purpose: str, length: int = LENGTH) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt; `purpose`, in UTF-8, is its info."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.encode()).derive(secret)


@dataclass(frozen=True)
class Secret:
    """Never shown: neither `repr` nor an error says what it is."""

    _secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self._secret) != LENGTH:
            raise ValueError(f"a secret has {LENGTH} bytes")

    @classmethod
    def from_text(cls, text: str) -> "Secret":
        """From hexadecimal digits; ValueError, which does not repeat them, if it is something else."""
        try:
            return cls(bytes.fromhex(text))
        except (TypeError, ValueError):
            raise ValueError(f"a secret must be {2 * LENGTH} hexadecimal digits") from None

    @property
    def text(self) -> str:
        """As hexadecimal digits, for those who have to be told."""
        return self._secret.hex()

    def code(self, data: bytes) -> bytes:
        """What proves that somebody who knows the secret has said this: HMAC-SHA256, its first 16 bytes."""
        return hmac.digest(self._answer_key, data, "sha256")[:CODE_LENGTH]

    def fits(self, data: bytes, code: bytes) -> bool:
        """Whether this is the code of these data."""
        return hmac.compare_digest(self.code(data), code)

    def encrypt(self, data: bytes, associated: bytes) -> tuple[bytes, bytes]:
        """Nonce and ciphertext; both are the same for the same data, so that a repeat is the same message.

        The nonce is computed from everything that goes in, so no nonce is ever used for two different messages.
        """
        joined = len(associated).to_bytes(4) + associated + data
        nonce = hmac.digest(self._nonce_key, joined, "sha256")[:NONCE_LENGTH]
        return nonce, self._cipher.encrypt(nonce, data, associated)

    def decrypt(self, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes | None:
        """What was encrypted, None if it was not encrypted with this secret or has been changed since."""
        try:
            return self._cipher.decrypt(nonce, ciphertext, associated)
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def _answer_key(self) -> bytes:
        return derive(self._secret, "answer")

    @cached_property
    def _nonce_key(self) -> bytes:
        return derive(self._secret, "nonce")

    @cached_property
    def _cipher(self) -> AESCCM:
        return AESCCM(derive(self._secret, "encrypt", KEY_LENGTH), tag_length=TAG_LENGTH)
