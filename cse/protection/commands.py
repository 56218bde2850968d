"""`cse keys`: makes the file with a CSE's keys, and prints what devices and other CSEs have to be told."""

from pathlib import Path

import click

from cse.config import ConfigurationError
from cse.protection import Protection
from cse.protection.keys import Keys, new_keys

ONLY_FOR_ITS_OWNER = 0o600


@click.group()
def keys() -> None:
    """Keys that protect requests to devices: FILE is what the setting `keys` of [server] names."""


FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@keys.command()
@FILE
@click.option(
    "--members", multiple=True, metavar="AE-ID", help="devices that get a secret; * stands for any characters"
)
def new(file: Path, members: tuple[str, ...]) -> None:
    """Make FILE with new keys, for its owner alone, and print the public key that devices need."""
    text = new_keys(members)
    try:
        made = Keys.parse(text)
        file.touch(ONLY_FOR_ITS_OWNER, exist_ok=False)
        file.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise click.ClickException(f"{file} exists: remove it if its keys are not needed any more") from None
    except (OSError, ConfigurationError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    click.echo(made.public)


@keys.command()
@FILE
def public(file: Path) -> None:
    """Print the public key in FILE."""
    click.echo(_load(file).public)


@keys.command()
@FILE
@click.argument("devices", nargs=-1, required=True, metavar="AE-ID...")
@click.option("--cse-id", default="/id-in", show_default=True, help="CSE-ID of the server")
def member(file: Path, devices: tuple[str, ...], cse_id: str) -> None:
    """Print the secret of each device, a line of TOML; the device must keep it to itself."""
    protection = Protection(cse_id, _load(file))
    for device in devices:
        secret = protection.secret_of(device)
        if secret is None:
            raise click.ClickException(f"{file} has no master key that secrets could be derived from")
        click.echo(f'{device} = "{secret.text}"')


def _load(file: Path) -> Keys:
    try:
        return Keys.load(file)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
