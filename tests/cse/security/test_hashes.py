import pytest

from cse.security.hashes import PasswordHash, hash_token, new_token


def test_a_token_is_hashed_the_same_way_each_time_and_no_two_are_alike() -> None:
    token = new_token()
    assert hash_token(token) == hash_token(token)
    assert token not in hash_token(token)
    assert len({new_token() for _ in range(100)}) == 100


def test_a_password_is_recognised_by_its_hash() -> None:
    stored = PasswordHash.parse(str(PasswordHash.of("päss:word")))
    assert stored.fits("päss:word")
    assert not stored.fits("pass:word")
    assert "päss" not in str(stored)


def test_equal_passwords_have_different_hashes() -> None:
    assert str(PasswordHash.of("same")) != str(PasswordHash.of("same"))


def test_the_parameters_of_a_hash_are_its_own() -> None:
    """The published test vector of scrypt (RFC 7914 clause 12), shortened to 32 bytes, which scrypt allows."""
    key = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    assert PasswordHash.parse(f"scrypt:1024:8:16:{b'NaCl-and-more-of'.hex()}:{key}").fits("password") is False
    known = PasswordHash(1024, 8, 16, b"NaCl", bytes.fromhex(key))
    assert known.fits("password")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "md5:16384:8:1:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:16384:8:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:many:8:1:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:16383:8:1:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:1:8:1:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:67108864:8:1:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:16384:-8:1:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:16384:8:1000:" + "00" * 16 + ":" + "00" * 32,
        "scrypt:16384:8:1:00:" + "00" * 32,
        "scrypt:16384:8:1:" + "00" * 16 + ":",
        "scrypt:16384:8:1:" + "00" * 16 + ":xy",
    ],
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PasswordHash.parse(text)
