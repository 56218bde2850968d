"""Whose signatures are accepted: the public keys of CSEs."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE_LENGTH = 64
PUBLIC_KEY_LENGTH = 32
# One datagram reaches thousands of simulated devices that trust the same CSE.
REMEMBERED = 32


def public_key(text: str) -> Ed25519PublicKey:
    """A public key in hexadecimal digits; ValueError if it is none."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        raise ValueError(f"a public key must be {2 * PUBLIC_KEY_LENGTH} hexadecimal digits") from None


def public_text(key: Ed25519PublicKey) -> str:
    """A public key as hexadecimal digits."""
    return key.public_bytes_raw().hex()


class Trust:
    """Public keys by CSE-ID. A CSE may have several: one signs, the others are of yesterday or tomorrow."""

    def __init__(self, keys: Mapping[str, Iterable[Ed25519PublicKey]]) -> None:
        self._keys = {cse_id: tuple(known) for cse_id, known in keys.items()}
        self.signer = lru_cache(REMEMBERED)(self._signer)

    @classmethod
    def of(cls, cse_id: str, texts: Iterable[str]) -> "Trust":
        """In one CSE, by the hexadecimal digits of its public keys; ValueError if one is wrong."""
        return cls({cse_id: map(public_key, texts)})

    def __bool__(self) -> bool:
        return any(self._keys.values())

    def knows(self, cse_id: str) -> bool:
        """Whether signatures of this CSE can be verified."""
        return bool(self._keys.get(cse_id))

    def _signer(self, data: bytes, signature: bytes) -> str | None:
        """The CSE-ID of who has signed these data, None for nobody that is trusted."""
        for cse_id, keys in self._keys.items():
            if any(_verifies(key, data, signature) for key in keys):
                return cse_id
        return None


NOBODY = Trust({})


def _verifies(key: Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
