import asyncio

import click
import pytest
from click.testing import CliRunner

from cse.testing.clock import settle
from cse.testing.fleet import Fleet, RegistrationFailed
from cse.testing.meters import MeterOptions, build_devices, meter_options, meters_group, operate


def test_the_group_is_made_once() -> None:
    commands = click.Group()
    assert meters_group(commands) is meters_group(commands)
    assert list(commands.commands) == ["meters"]


def test_devices_are_numbered_and_the_seed_chooses_the_deaf_ones() -> None:
    devices = build_devices("Cudp", 100, first=11, seed=3, deaf=5, request_loss=0.25)
    again = build_devices("Cudp", 100, first=11, seed=3, deaf=5)
    others = build_devices("Cudp", 100, first=11, seed=4, deaf=5)
    assert [devices[0].id, devices[-1].id] == ["Cudp0011", "Cudp0110"]
    deaf = [device.id for device in devices if device.faults.deaf]
    assert len(deaf) == 5
    assert deaf == [device.id for device in again if device.faults.deaf]
    assert deaf != [device.id for device in others if device.faults.deaf]
    assert devices[0].faults.request_loss == 0.25


def test_more_deaf_devices_than_devices_are_all_of_them() -> None:
    assert all(device.faults.deaf for device in build_devices("C", 2, deaf=9))


def test_the_options_of_a_command_become_one_object() -> None:
    seen: list[MeterOptions] = []

    @click.command()
    @meter_options
    @click.option("--own", type=int)
    def run(options: MeterOptions, own: int) -> None:
        """Run them."""
        assert own == 5
        seen.append(options)

    result = CliRunner().invoke(
        run, ["--count", "3", "--acp", "cse-in/a", "--label", "m", "--answer-loss", "0.5", "--hour", "30", "--own", "5"]
    )
    assert result.exit_code == 0, result.output
    (options,) = seen
    devices = options.devices("Cx")
    fleet = options.fleet(devices, lambda device: [])
    assert [device.faults.answer_loss for device in devices] == [0.5, 0.5, 0.5]
    assert (fleet.hour, fleet.access_control_policies, fleet.labels) == (30, ("cse-in/a",), ("m",))


def test_options_out_of_range_are_refused() -> None:
    command = click.command()(meter_options(lambda options: None))
    result = CliRunner().invoke(command, ["--loss", "1.5"])
    assert result.exit_code == 2
    assert "--loss" in result.output


async def test_a_refused_registration_is_an_error_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(fleet: Fleet) -> None:
        raise RegistrationFailed("Cx0001 was refused with 4103: no")

    monkeypatch.setattr(Fleet, "register", refuse)
    with pytest.raises(click.ClickException, match="refused with 4103"):
        await operate(Fleet("http://127.0.0.1:1", [], lambda device: []))


async def test_operating_says_that_the_meters_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    task = asyncio.create_task(operate(Fleet("http://127.0.0.1:1", [], lambda device: [])))
    while "0 meters are registered" not in capsys.readouterr().out:
        await settle()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
