"""`cse meters ...`: what the commands that run simulated meters have in common."""

import functools
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import click

from cse.protection import Refusal, Trust
from cse.testing.device import Faults, SimulatedDevice
from cse.testing.fleet import Fleet, RegistrationFailed

PROBABILITY = click.FloatRange(0, 1)


@dataclass(frozen=True)
class MeterOptions:
    """The options that `meter_options` adds to a command, by their names."""

    count: int
    first: int
    cse: str
    cse_name: str
    token: str
    acp: tuple[str, ...]
    label: tuple[str, ...]
    interval: float
    hour: float
    seed: int
    deaf: int
    loss: float
    answer_loss: float
    duplicates: int

    def devices(self, prefix: str) -> list[SimulatedDevice]:
        """Devices `<prefix>0001` and so on with the faults that were asked for; the seed chooses the deaf ones."""
        return build_devices(
            prefix,
            self.count,
            first=self.first,
            interval=self.interval,
            seed=self.seed,
            deaf=self.deaf,
            request_loss=self.loss,
            answer_loss=self.answer_loss,
            duplicates=self.duplicates,
        )

    def fleet(self, devices: list[SimulatedDevice], points_of_access: Callable[[SimulatedDevice], list[str]]) -> Fleet:
        """The fleet of these devices at the CSE that was named."""
        return Fleet(
            self.cse,
            devices,
            points_of_access,
            cse_name=self.cse_name,
            token=self.token,
            access_control_policies=self.acp,
            labels=self.label,
            hour=self.hour,
        )


_OPTIONS = (
    click.option("--count", type=click.IntRange(1, 100_000), default=10, show_default=True, help="how many meters"),
    click.option("--first", type=click.IntRange(0), default=1, show_default=True, help="number of the first meter"),
    click.option("--cse", default="http://127.0.0.1:8080", show_default=True, help="where the CSE listens"),
    click.option("--cse-name", default="cse-in", show_default=True, help="resource name of its CSEBase"),
    click.option("--token", envvar="CSE_TOKEN", default="", help="bearer token, where the CSE wants credentials"),
    click.option("--acp", multiple=True, help="access control policy of the meters' AEs; may be repeated"),
    click.option("--label", multiple=True, help="label of the meters' AEs; may be repeated"),
    click.option(
        "--interval", type=click.FloatRange(1), default=3600.0, show_default=True, help="first reporting interval (s)"
    ),
    click.option(
        "--hour", type=click.FloatRange(0.1), default=3600.0, show_default=True, help="real seconds an hour lasts"
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="fixes everything that is random"),
    click.option("--deaf", type=click.IntRange(0), default=0, show_default=True, help="how many meters hear nothing"),
    click.option("--loss", type=PROBABILITY, default=0.0, show_default=True, help="probability that a request is lost"),
    click.option(
        "--answer-loss", type=PROBABILITY, default=0.0, show_default=True, help="probability that an answer is lost"
    ),
    click.option(
        "--duplicates", type=click.IntRange(0, 10), default=0, show_default=True, help="extra copies of every answer"
    ),
)


def meter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator below `@meters.command()`: the function's first argument becomes the `MeterOptions`."""

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        common = {name: arguments.pop(name) for name in MeterOptions.__dataclass_fields__}
        command(MeterOptions(**common), **arguments)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def trust_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator below `@meter_options`: the argument `trust` says whose signatures the meters want to see."""

    @click.option(
        "--public-key", "public_keys", multiple=True, help="public key of the CSE; meters refuse what it has not signed"
    )
    @click.option("--cse-id", default="/id-in", show_default=True, help="CSE-ID of the CSE with that key")
    @functools.wraps(command)
    def with_trust(*arguments: Any, public_keys: tuple[str, ...], cse_id: str, **others: Any) -> None:
        try:
            trust = Trust.of(cse_id, public_keys)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--public-key") from None
        command(*arguments, trust=trust, **others)

    return with_trust


def refusals(devices: Iterable[SimulatedDevice]) -> Counter[Refusal]:
    """How many requests these devices have ignored because of what protects them, by reason."""
    return sum((device.refused for device in devices), Counter())


def report_refusals(devices: Iterable[SimulatedDevice]) -> None:
    """Say that on standard output, if there is something to say."""
    for refusal, count in sorted(refusals(devices).items()):
        click.echo(f"requests ignored because they were {refusal}: {count}")


def meters_group(commands: click.Group) -> click.Group:
    """The group `meters` of the command line, made by whichever plugin asks first."""
    group = commands.commands.get("meters")
    if isinstance(group, click.Group):
        return group
    group = click.Group("meters", help="Run simulated meters.")
    commands.add_command(group)
    return group


def build_devices(
    prefix: str,
    count: int,
    *,
    first: int = 1,
    interval: float = 3600.0,
    seed: int = 0,
    deaf: int = 0,
    **faults: Any,
) -> list[SimulatedDevice]:
    """Devices `<prefix>0001` and so on. `deaf` of them, chosen by the seed, hear nothing; `faults` are `Faults`."""
    deaf_ones = set(random.Random(seed).sample(range(count), min(deaf, count)))  # noqa: S311 - a simulation
    return [
        SimulatedDevice(f"{prefix}{first + index:04d}", interval, Faults(deaf=index in deaf_ones, **faults), seed=seed)
        for index in range(count)
    ]


async def operate(fleet: Fleet) -> None:
    """Register the meters, say so on standard output, and report readings until cancelled."""
    try:
        await fleet.register()
    except RegistrationFailed as failure:
        raise click.ClickException(str(failure)) from None
    click.echo(f"{len(fleet.devices)} meters are registered at {fleet.base_url}")
    await fleet.report()
