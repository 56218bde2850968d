"""What can be done with a shared secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.protection import Secret
from cse.protection.secret import NONCE_LENGTH, TAG_LENGTH, derive

SECRET, STRANGER = Secret(bytes(range(32))), Secret(bytes(32))


def test_derivation_is_that_of_rfc_5869() -> None:
    """Its test case 3: neither salt nor info."""
    okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(bytes([0x0B]) * 22, "", 32).hex() == okm


@given(st.binary(), st.binary())
def test_what_is_encrypted_can_be_read(data: bytes, associated: bytes) -> None:
    nonce, ciphertext = SECRET.encrypt(data, associated)
    assert (len(nonce), len(ciphertext)) == (NONCE_LENGTH, len(data) + TAG_LENGTH)
    assert SECRET.decrypt(nonce, ciphertext, associated) == data
    assert SECRET.encrypt(data, associated) == (nonce, ciphertext)
    assert STRANGER.decrypt(nonce, ciphertext, associated) is None


@given(st.binary(), st.binary(), st.data())
def test_a_changed_byte_makes_it_unreadable(plain: bytes, associated: bytes, data: st.DataObject) -> None:
    nonce, ciphertext = SECRET.encrypt(plain, associated)
    whole = bytearray(nonce + ciphertext + associated)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    end = NONCE_LENGTH + len(ciphertext)
    assert SECRET.decrypt(bytes(whole[:NONCE_LENGTH]), bytes(whole[NONCE_LENGTH:end]), bytes(whole[end:])) is None


@given(st.tuples(st.binary(), st.binary()), st.tuples(st.binary(), st.binary()))
def test_different_messages_have_different_nonces(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    assert (one == other) is (SECRET.encrypt(*one)[0] == SECRET.encrypt(*other)[0])


@pytest.mark.parametrize("nonce", [b"", bytes(6), bytes(14)])
def test_rubbish_is_unreadable(nonce: bytes) -> None:
    assert SECRET.decrypt(nonce, bytes(20), b"") is None
    assert SECRET.decrypt(bytes(13), b"short", b"") is None


@given(st.binary())
def test_codes(data: bytes) -> None:
    code = SECRET.code(data)
    assert len(code) == 16
    assert SECRET.fits(data, code)
    assert not SECRET.fits(data + b"x", code)
    assert not SECRET.fits(data, code[:-1])
    assert not STRANGER.fits(data, code)


def test_text() -> None:
    assert Secret.from_text(SECRET.text).code(b"x") == SECRET.code(b"x")
    for text in ("", "00" * 31, "zz" * 32):
        with pytest.raises(ValueError, match="must be 64 hexadecimal digits"):
            Secret.from_text(text)
