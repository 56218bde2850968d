"""`cse credential`: adds entries to the operator's file of credentials."""

import json
import ssl
import sys
from pathlib import Path

import click

from cse.config import ConfigurationError, require_private
from cse.security.credentials import Credentials, fingerprint
from cse.security.hashes import PasswordHash, hash_token, new_token

ONLY_FOR_ITS_OWNER = 0o600


@click.group()
def credential() -> None:
    """Add a credential to FILE that covers ORIGINATORS: AE-IDs and CSE-IDs, in which * stands for any characters."""


FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
ORIGINATORS = click.argument("originators", nargs=-1, required=True)
ORIGINATOR = click.option("--originator", help="whom the client speaks for if X-M2M-Origin is no identifier")


@credential.command()
@FILE
@ORIGINATORS
@ORIGINATOR
def token(file: Path, originators: tuple[str, ...], originator: str | None) -> None:
    """Make a bearer token and print it; the file gets its hash only, so this is the only time."""
    made = new_token()
    _append(file, originators, originator, token=hash_token(made))
    click.echo(made)


@credential.command()
@FILE
@click.argument("user")
@ORIGINATORS
@ORIGINATOR
def password(file: Path, user: str, originators: tuple[str, ...], originator: str | None) -> None:
    """Add USER, whose password is read from the terminal, or the first line of the standard input."""
    if ":" in user:
        raise click.ClickException("USER must not have a colon")
    if sys.stdin.isatty():
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise click.ClickException("the password is empty: write it to the standard input")
    _append(file, originators, originator, user=user, password=str(PasswordHash.of(secret)))


@credential.command()
@FILE
@click.argument("pem", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ORIGINATORS
@ORIGINATOR
def certificate(file: Path, pem: Path, originators: tuple[str, ...], originator: str | None) -> None:
    """Add the client certificate in PEM, by its fingerprint."""
    try:
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
        text = pem.read_text(encoding="ascii")
        encoded = ssl.PEM_cert_to_DER_cert(text[text.index(begin) : text.index(end) + len(end)])
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{pem} has no certificate in PEM") from error
    _append(file, originators, originator, fingerprint=fingerprint(encoded))


def _append(file: Path, originators: tuple[str, ...], originator: str | None, **proof: str) -> None:
    """Add an entry, unless the file would be wrong then; a new file is for its owner alone."""
    values: dict[str, object] = {**proof, "originators": list(originators)}
    if originator is not None:
        values["originator"] = originator
    # The escapes of JSON are those of TOML's basic strings.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
    entry = "".join(["[[credential]]\n", *lines, "\n"])
    try:
        file.touch(ONLY_FOR_ITS_OWNER)
        require_private(file)
        Credentials.parse(file.read_text(encoding="utf-8") + entry)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(entry)
    except (OSError, ValueError, ConfigurationError) as error:
        raise click.ClickException(f"{file}: {error}") from error
