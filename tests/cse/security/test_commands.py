"""The command `cse credential`, as operators use it."""

import ssl
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cse.security.commands import credential
from cse.security.credentials import Credential, Credentials, PeerCertificate, fingerprint
from tests.certificates import Authority


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials.toml"


def run(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(credential, [str(argument) for argument in arguments], input=typed)


def refusal(*arguments: str | Path, typed: str = "") -> str:
    result = run(*arguments, typed=typed)
    assert result.exit_code == 1
    assert result.stdout == ""
    return result.stderr


def test_a_token_is_printed_once_and_its_hash_kept(file: Path) -> None:
    result = run("token", file, "Cheadend", "Cmeter*")
    token = result.stdout.strip()
    assert len(token) > 40
    assert token not in file.read_text()
    assert Credentials.load(file).by_token(token) == Credential(("Cheadend", "Cmeter*"))


async def test_a_password_comes_from_the_standard_input(file: Path) -> None:
    result = run("password", file, "gateway", "Cgateway", "--originator", "Cgateway", typed='pass:"wörd"\nmore\n')
    assert result.exit_code == 0
    assert result.stdout == ""
    found = await Credentials.load(file).by_password("gateway", 'pass:"wörd"')
    assert found == Credential(("Cgateway",), "Cgateway")


def test_a_certificate_is_kept_by_its_fingerprint(file: Path, tmp_path: Path) -> None:
    certificate, _ = Authority(tmp_path).files("meter.example")
    assert run("certificate", file, certificate, "Cmeter").exit_code == 0
    print_ = fingerprint(ssl.PEM_cert_to_DER_cert(certificate.read_text()))
    assert Credentials.load(file).by_certificate(PeerCertificate(print_, frozenset())) == Credential(("Cmeter",))


def test_entries_are_added_to_what_is_there(file: Path) -> None:
    tokens = [run("token", file, f"C{number}").stdout.strip() for number in range(3)]
    found = [Credentials.load(file).by_token(token) for token in tokens]
    assert found == [Credential((f"C{number}",)) for number in range(3)]


def test_a_new_file_is_for_its_owner_alone(file: Path) -> None:
    run("token", file, "Capp")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_would_make_the_file_wrong_changes_nothing(file: Path, tmp_path: Path) -> None:
    run("password", file, "meter", "Cmeter", typed="secret\n")
    before = file.read_text()
    assert "same user" in refusal("password", file, "meter", "Cother", typed="secret\n")
    assert "originators" in refusal("token", file, " ")
    assert "empty" in refusal("password", file, "other", "Cother")
    assert "colon" in refusal("password", file, "a:b", "Cother", typed="secret\n")
    assert "PEM" in refusal("certificate", file, file, "Cother")
    assert file.read_text() == before
    file.chmod(0o644)
    assert "chmod" in refusal("token", file, "Cother")
    assert str(tmp_path / "no") in refusal("token", tmp_path / "no" / "folder", "Capp")
