"""What protects requests to devices, and their answers, on networks that everybody can send on.

The CSE signs what it sends (Ed25519), may encrypt it (AES-CCM with keys derived from a master key), and devices prove
by a code which of them has answered. Each network says which bytes these are computed over. `Protection` is the side of
the server; whoever receives requests has a `Trust` and a `Freshness`.
"""

from collections.abc import Mapping
from pathlib import Path

from cse.protection.freshness import Freshness, Refusal, Refused
from cse.protection.keys import NO_KEYS, Keys
from cse.protection.secret import Secret
from cse.protection.trust import Trust
from cse.wildcard import means

__all__ = ["Freshness", "Keys", "Protection", "Refusal", "Refused", "Secret", "Trust"]


class Protection:
    """The keys of one CSE at work. Without keys nothing is signed, nothing can be verified, and nobody has a secret."""

    def __init__(self, cse_id: str, keys: Keys = NO_KEYS) -> None:
        self._cse_id = cse_id
        self._keys = keys
        own = {cse_id: (keys.signing.public_key(),)} if keys.signing else {}
        self.trust = Trust(own | dict(keys.trusted))

    @classmethod
    def load(cls, cse_id: str, source: str, environment: Mapping[str, str]) -> "Protection":
        """From a file, a variable (`env:NAME`), or ("") without keys; ConfigurationError if they are wrong."""
        if not source:
            return cls(cse_id)
        name = source.removeprefix("env:")
        return cls(cse_id, Keys.load(Path(source)) if name == source else Keys.of_variable(name, environment))

    @property
    def signs(self) -> bool:
        """Whether there is a key to sign with."""
        return self._keys.signing is not None

    def sign(self, data: bytes) -> bytes:
        """The signature of this CSE, always the same 64 bytes for the same data. There must be a key."""
        if self._keys.signing is None:
            raise ValueError("there is no key to sign with")
        return self._keys.signing.sign(data)

    def verify(self, data: bytes, signature: bytes) -> str | None:
        """The CSE-ID of the trusted CSE that has signed this, None for nobody's signature."""
        return self.trust.signer(data, signature)

    def is_provisioned(self, device: str) -> bool:
        """Whether this device (an AE-ID) has been given its secret, so that answers without a code are not its own."""
        return bool(self._keys.master) and any(means(pattern, device) for pattern in self._keys.members)

    def secret_of(self, device: str) -> Secret | None:
        """What we share with one device, by its AE-ID; None without a master key."""
        return self._keys.derive(f"member {self._cse_id}/{device}")

    def secret_of_group(self, target: str) -> Secret | None:
        """What we share with all devices that listen to a fan-out target, which is new in every generation of a group.

        None without a master key.
        """
        return self._keys.derive(f"group {target}")
