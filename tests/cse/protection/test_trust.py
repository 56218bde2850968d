"""Signatures, and whose are accepted."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cse.protection import Protection, Trust
from cse.protection.keys import Keys

OLD, NEW, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))


def signing(key: Ed25519PrivateKey, **changes: object) -> Protection:
    return Protection("/id-in", Keys(signing=key, **changes))  # type: ignore[arg-type]


@given(st.binary())
def test_what_is_signed_is_accepted_and_the_signature_always_the_same(data: bytes) -> None:
    protection = signing(OLD)
    signature = protection.sign(data)
    assert protection.verify(data, signature) == "/id-in"
    assert signature == protection.sign(data)


@given(st.binary(min_size=1), st.data())
def test_a_changed_byte_is_refused(message: bytes, data: st.DataObject) -> None:
    protection = signing(OLD)
    whole = bytearray(message + protection.sign(message))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    assert protection.verify(bytes(whole[:-64]), bytes(whole[-64:])) is None


@given(st.binary(max_size=100))
def test_what_is_no_signature_is_nobodys(signature: bytes) -> None:
    assert signing(OLD).verify(b"data", signature) is None


def test_while_keys_are_changed_both_are_accepted() -> None:
    public = [Keys(signing=key).public for key in (OLD, NEW)]
    before, during, after = Trust.of("/id-in", public[:1]), Trust.of("/id-in", public), Trust.of("/id-in", public[1:])
    old, new = signing(OLD).sign(b"data"), signing(NEW).sign(b"data")
    assert [trust.signer(b"data", old) for trust in (before, during, after)] == ["/id-in", "/id-in", None]
    assert [trust.signer(b"data", new) for trust in (before, during, after)] == [None, "/id-in", "/id-in"]


def test_the_signer_is_named() -> None:
    protection = signing(OLD, trusted={"/id-other": (OTHER.public_key(),)})
    assert protection.verify(b"data", OTHER.sign(b"data")) == "/id-other"
    assert protection.verify(b"data", NEW.sign(b"data")) is None


def test_a_wrong_public_key() -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        Trust.of("/id-in", ["abcd"])


def test_trust_in_nobody() -> None:
    assert not Trust({"/id-in": ()})
    assert Trust.of("/id-in", [Keys(signing=OLD).public])
