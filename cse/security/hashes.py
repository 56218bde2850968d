"""Hashes of secrets: what the operator's file of credentials holds instead of tokens and passwords."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

TOKEN_HASH = re.compile(r"sha256:[0-9a-f]{64}")
COST, BLOCK_SIZE, PARALLELIZATION = 2**14, 8, 1  # of scrypt: about 50 ms and 16 MiB for each check
MOST_MEMORY = 2**26
MOST_PARALLELIZATION = 16
SHORTEST = 16  # bytes of salt and key


def new_token() -> str:
    """A bearer token that nobody guesses: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """`sha256:` and the hash. A fast hash is enough for what has as much entropy as `new_token` gives."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A salted scrypt hash (RFC 7914): as text `scrypt:COST:BLOCK_SIZE:PARALLELIZATION:SALT:KEY`, these two in hex."""

    cost: int
    block_size: int
    parallelization: int
    salt: bytes
    key: bytes

    @classmethod
    def of(cls, password: str) -> "PasswordHash":
        """A hash of this password with a new salt."""
        salt = secrets.token_bytes(16)
        unkeyed = cls(COST, BLOCK_SIZE, PARALLELIZATION, salt, bytes(32))
        return cls(COST, BLOCK_SIZE, PARALLELIZATION, salt, unkeyed._derive(password))

    @classmethod
    def parse(cls, text: str) -> "PasswordHash":
        """A hash from its text; ValueError if it is none, or one that scrypt can't compute."""
        name, *numbers, salt, key = text.split(":")
        cost, block_size, parallelization = map(int, numbers)
        found = cls(cost, block_size, parallelization, bytes.fromhex(salt), bytes.fromhex(key))
        if name != "scrypt" or not found._can_be_computed():
            raise ValueError("not a scrypt hash")
        return found

    def __str__(self) -> str:
        numbers = f"{self.cost}:{self.block_size}:{self.parallelization}"
        return f"scrypt:{numbers}:{self.salt.hex()}:{self.key.hex()}"

    def fits(self, password: str) -> bool:
        """Whether this is the password; takes as long whatever it is."""
        return hmac.compare_digest(self._derive(password), self.key)

    def _can_be_computed(self) -> bool:
        return (
            1 < self.cost <= MOST_MEMORY
            and self.cost.bit_count() == 1
            and 0 < self.block_size * self.cost * 128 < MOST_MEMORY
            and 0 < self.parallelization <= MOST_PARALLELIZATION
            and min(len(self.salt), len(self.key)) >= SHORTEST
        )

    def _derive(self, password: str) -> bytes:
        return hashlib.scrypt(
            password.encode(),
            salt=self.salt,
            n=self.cost,
            r=self.block_size,
            p=self.parallelization,
            maxmem=MOST_MEMORY,
            dklen=len(self.key),
        )
