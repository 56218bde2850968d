import os
from pathlib import Path
from typing import Any

import pytest

from cse.config import ConfigurationError
from cse.security.credentials import Credentials, PeerCertificate
from cse.security.hashes import PasswordHash, hash_token

PASSWORD = str(PasswordHash.of("pass:word"))
FINGERPRINT = "ab" * 32
ORIGINATORS = ["Capp"]


def one(**fields: Any) -> Credentials:
    return Credentials([{"originators": ORIGINATORS, **fields}])


def test_a_token_is_found_by_its_hash() -> None:
    credentials = one(token=hash_token("secret"))
    found = credentials.by_token("secret")
    assert found is not None
    assert found.originators == ("Capp",)
    for wrong in ("", "Secret", hash_token("secret"), "secret "):
        assert credentials.by_token(wrong) is None


def test_a_credential_may_have_roles() -> None:
    for more, expected in (({}, ()), ({"roles": ["reader"]}, ("reader",))):
        found = one(token=hash_token("t"), **more).by_token("t")
        assert found is not None
        assert found.roles == expected
    for wrong in ([], "reader", [1], [""]):
        with pytest.raises(ConfigurationError, match="roles must be a list"):
            one(token=hash_token("t"), roles=wrong)


def test_a_credential_may_say_where_its_clients_are() -> None:
    found = one(token=hash_token("t"), position=[48, 11.5], country="DE").by_token("t")
    assert found is not None
    assert (found.position, found.country) == ((48.0, 11.5), "DE")
    for wrong in ([91, 0], [0, 181], [1], [True, 0], ["48", 11], "here"):
        with pytest.raises(ConfigurationError, match="position must be"):
            one(token=hash_token("t"), position=wrong)
    for wrong in ("Germany", "de"):
        with pytest.raises(ConfigurationError, match="country must be"):
            one(token=hash_token("t"), country=wrong)


async def test_a_password_is_the_users_and_nobody_elses() -> None:
    entries = [
        {"user": "meter", "password": PASSWORD, "originators": ["Cmeter"]},
        {"user": "other", "password": str(PasswordHash.of("different")), "originators": ["Cother"]},
    ]
    credentials = Credentials(entries)
    for _ in range(2):
        found = await credentials.by_password("meter", "pass:word")
        assert found is not None
        assert found.originators == ("Cmeter",)
        assert await credentials.by_password("meter", "different") is None
        assert await credentials.by_password("other", "pass:word") is None
        assert await credentials.by_password("nobody", "pass:word") is None


async def test_a_password_that_was_right_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials, computed = one(user="meter", password=PASSWORD), []
    derive = PasswordHash.fits
    monkeypatch.setattr(PasswordHash, "fits", lambda self, text: computed.append(text) or derive(self, text))
    for _ in range(3):
        assert await credentials.by_password("meter", "pass:word")
    assert await credentials.by_password("meter", "wrong") is None
    assert computed == ["pass:word", "wrong"]


def test_a_certificate_is_found_by_its_fingerprint_or_a_name() -> None:
    entries = [
        {"fingerprint": "AB:" * 31 + "AB", "originators": ["Cby-fingerprint"]},
        {"subject": "meter.example", "originators": ["Cby-name"]},
    ]
    credentials = Credentials(entries)

    def found(fingerprint: str, *names: str) -> tuple[str, ...] | None:
        credential = credentials.by_certificate(PeerCertificate(fingerprint, frozenset(names)))
        return None if credential is None else credential.originators

    assert found(FINGERPRINT) == found(FINGERPRINT, "meter.example") == ("Cby-fingerprint",)
    assert found("cd" * 32, "x", "meter.example") == ("Cby-name",)
    assert found("cd" * 32, "meter.example.org", "example") is None


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "token"),
        ({"token": hash_token("a"), "subject": "b"}, "token"),
        ({"token": "a-plain-token"}, "hash"),
        ({"token": 7}, "token"),
        ({"user": "meter"}, "password"),
        ({"password": PASSWORD}, "password"),
        ({"user": "meter", "password": "a-plain-password"}, "cse credential password"),
        ({"user": "", "password": PASSWORD}, "user"),
        ({"fingerprint": "ab:cd"}, "fingerprint"),
        ({"subject": "x", "originators": []}, "originators"),
        ({"subject": "x", "originators": "Capp"}, "originators"),
        ({"subject": "x", "originators": [""]}, "originators"),
        ({"subject": "x", "originator": 7}, "originator"),
        ({"subject": "x", "colour": "red"}, "colour"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else value,  # hashes differ from run to run
)
def test_an_entry_that_is_wrong_is_named_and_its_secret_is_not(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as raised:
        Credentials([{"subject": "first", "originators": ORIGINATORS}, {"originators": ORIGINATORS, **fields}])
    assert "credential 2" in str(raised.value)
    assert "a-plain" not in str(raised.value)


def test_two_credentials_with_the_same_proof_are_refused() -> None:
    entry = {"token": hash_token("a"), "originators": ORIGINATORS}
    with pytest.raises(ConfigurationError, match="same token"):
        Credentials([entry, entry])


@pytest.mark.parametrize("text", ["credential = 1", "[[credentials]]", "[credential", "credential = [1]", "\xff"])
def test_a_file_that_is_wrong_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "credentials.toml"
    file.write_text(text, encoding="latin-1")
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"credentials\.toml"):
        Credentials.load(file)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666])
def test_a_file_for_everybody_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "credentials.toml"
    file.write_text(f'[[credential]]\nsubject = "x"\noriginators = ["{os.getpid()}"]\n')
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod"):
        Credentials.load(file)
    file.chmod(0o640)
    assert Credentials.load(file).by_certificate(PeerCertificate("", frozenset("x")))


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        Credentials.load(tmp_path / "nowhere")
