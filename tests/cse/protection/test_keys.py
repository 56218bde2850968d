"""The file with the keys of a CSE, and the command that makes it."""

import re
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cse.config import ConfigurationError
from cse.protection import Protection
from cse.protection.commands import keys as command
from cse.protection.keys import Keys, new_keys

SECRET = "ab" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_new_keys_are_for_their_owner_alone_and_never_the_same(file: Path, tmp_path: Path) -> None:
    first = run("new", file, "--members", "Cmeter*", "--members", "Cvalve1")
    second = run("new", tmp_path / "other.toml")
    assert first.exit_code == second.exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", first.stdout)
    assert first.stdout != second.stdout
    assert run("public", file).stdout == first.stdout
    loaded = Keys.load(file)
    assert loaded.public + "\n" == first.stdout
    assert loaded.members == ("Cmeter*", "Cvalve1")


def test_keys_are_not_overwritten(file: Path) -> None:
    run("new", file)
    before = file.read_text()
    result = run("new", file)
    assert (result.exit_code, file.read_text()) == (1, before)
    assert "exists" in result.stderr


def test_members_that_would_spoil_the_file_make_none(file: Path) -> None:
    result = run("new", file, "--members", 'C"')
    assert result.exit_code == 1
    assert not file.exists()


def test_the_secret_of_a_member_is_what_the_server_derives(file: Path) -> None:
    run("new", file)
    lines = run("member", file, "Cm1", "Cm2").stdout
    printed = tomllib.loads(lines)
    protection = Protection("/id-in", Keys.load(file))
    derived = {device: protection.secret_of(device) for device in ("Cm1", "Cm2")}
    assert printed == {device: secret.text for device, secret in derived.items() if secret}
    assert len(set(printed.values())) == 2
    assert run("member", file, "Cm1", "--cse-id", "/id-mn").stdout not in lines


def test_without_a_master_key_there_are_no_secrets(file: Path) -> None:
    file.touch(0o600)
    result = run("member", file, "Cm1")
    assert result.exit_code == 1
    assert "no master key" in result.stderr
    protection = Protection("/id-in", Keys())
    assert protection.secret_of("Cm1") is protection.secret_of_group("/id-in/g1") is None
    assert not protection.is_provisioned("Cm1")


@pytest.mark.parametrize("rights", [0o604, 0o602, 0o644])
def test_a_file_that_everybody_may_read_is_refused(file: Path, rights: int) -> None:
    run("new", file)
    file.chmod(rights)
    with pytest.raises(ConfigurationError, match="everybody may read"):
        Protection.load("/id-in", str(file), {})
    assert run("public", file).exit_code == 1


def test_keys_from_the_environment() -> None:
    text = new_keys()
    protection = Protection.load("/id-in", "env:SECRETS", {"SECRETS": text})
    assert protection.signs
    assert protection.verify(b"x", protection.sign(b"x")) == "/id-in"
    with pytest.raises(ConfigurationError, match="SECRETS, which is not set"):
        Protection.load("/id-in", "env:SECRETS", {})


def test_no_keys() -> None:
    protection = Protection.load("/id-in", "", {})
    assert not protection.signs
    assert protection.verify(b"x", bytes(64)) is None
    with pytest.raises(ValueError, match="no key to sign with"):
        protection.sign(b"x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("signing = ", "no TOML"),
        (f'signing = "{SECRET}zz"', "signing must be 64 hexadecimal digits"),
        ("signing = 7", "signing must be 64 hexadecimal digits"),
        (f'master = "{SECRET[:-2]}"', "master must be 64 hexadecimal digits"),
        ('members = "Cmeter*"', "members must be a list"),
        ('members = ["Cmeter*"]', "members without master"),
        (f'sining = "{SECRET}"', "sining is no field"),
        ('[trusted]\n"/id-mn" = "x"', "must have a list of public keys"),
        (f'[trusted]\n"/id-mn" = ["{SECRET}ff"]', "/id-mn in .trusted.: a public key must be 64"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        Protection.load("/id-in", "env:K", {"K": text})
    assert SECRET[:16] not in str(refusal.value)
    assert "variable K" in str(refusal.value)


def test_a_file_that_is_no_text(file: Path) -> None:
    file.touch(0o600)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"the keys in .*keys\.toml can't be used"):
        Keys.load(file)
    with pytest.raises(ConfigurationError, match="can't be used"):
        Keys.load(file.with_name("missing"))


def test_keys_are_not_shown() -> None:
    text = new_keys(["Cm*"])
    loaded = Keys.parse(text)
    private = tomllib.loads(text)
    shown = f"{loaded!r} {loaded.derive('x')!r} {Protection('/id-in', loaded).__dict__!r}"
    assert private["signing"] not in shown
    assert private["master"] not in shown


def test_who_has_a_secret() -> None:
    protection = Protection("/id-in", Keys(master=bytes(32), members=("Cmeter*", "Cvalve")))
    assert [protection.is_provisioned(name) for name in ("Cmeter7", "Cvalve", "Cvalve7", "Cmeter/7")] == [
        True,
        True,
        False,
        False,
    ]
