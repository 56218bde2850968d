"""Keys that several tests of this folder use. `/id-in` has them; the devices Cm... have been given their secrets."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cse.protection import Keys, Secret

KEYS = Keys(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), bytes(range(32, 64)), ("Cm*",))


def secret_of(device: str) -> Secret:
    """What a device has been given."""
    secret = KEYS.derive(f"member /id-in/{device}")
    assert secret is not None
    return secret
