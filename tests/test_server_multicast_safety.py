"""What one stolen meter can do: it has the group's key, hears every broadcast, and sends what it likes.

The server, the meters and the thief have real sockets. The thief is a member of both groups.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cse.coap.message import Message, Option, encode
from cse.coap.target import Endpoint, Target, path_to
from cse.primitive import Response
from cse.protection import Keys, Protection, Refusal, Secret
from cse.protection.commands import keys as keys_command
from cse.protection.keys import new_keys
from cse.testing.device import SimulatedDevice
from cse.testing.fleet import Fleet
from cse.testing.meters import build_devices, refusals
from plugins.udp_multicast.messages import answer, device_request
from plugins.udp_multicast.meters import UdpMeters
from plugins.udp_multicast.sealing import Sealer, conceal, reveal, with_code
from tests.multicast import BOTH, FOUR, IP, NETWORK, federation, member_address
from tests.plugins.udp_multicast.kit import device_request as some_request
from tests.servers import Client, Running, eventually, serving

COUNT = 6
THIEF = "Cm0006"
INSTRUCTION = {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}


class TappedMeters(UdpMeters):
    """Keeps every broadcast, and where it came from: what the thief has heard."""

    heard: asyncio.Queue[tuple[Message, Endpoint]]

    async def _multicast(self, message: Message, source: Endpoint, destination: str) -> None:
        self.heard.put_nowait((message, source))
        await super()._multicast(message, source, destination)


@dataclass
class City:
    """A server with the groups `city` and `town` of the same meters, and the thief's socket."""

    cse: Running
    meters: TappedMeters
    devices: list[SimulatedDevice]
    socket: socket.socket

    @property
    def executions(self) -> set[int]:
        return {device.executions for device in self.devices}

    def address(self, index: int = 0) -> Endpoint:
        """Where the meters listen for the one group or the other."""
        return Endpoint.parse(list(self.meters._by_device[THIEF].groups)[index])

    def send(self, message: Message, destination: Endpoint) -> None:
        self.socket.sendto(encode(message), destination)

    def forged(self, **changes: Any) -> Message:
        """A new request to the city in the clear, as the CSE would write it."""
        listening = self.meters._by_device[THIEF].groups[str(self.address())]
        now = self.cse.server.core.clock.now()
        target = Target(self.address(), path_to("/id-in", listening.membership.segment))
        written = device_request(some_request("evil", now, interval=60), target, now + 600)
        return replace(written, message_id=99, token=b"evil", **changes)

    @property
    def group_secret(self) -> Secret:
        """What every member of the city has been told."""
        secret = self.meters._by_device[THIEF].groups[str(self.address())].membership.secret
        assert secret is not None
        return secret

    async def refused(self, **expected: int) -> None:
        """Wait until the meters have refused so many requests, and no others, since the last time."""
        wanted = {Refusal(name): count for name, count in expected.items()}
        await eventually(self._refusals, lambda counted: counted.total() >= sum(wanted.values()))
        assert await self._refusals() == wanted
        for device in self.devices:
            device.refused.clear()

    async def _refusals(self) -> Any:
        return refusals(self.devices)

    async def campaign(self) -> dict[str, Any]:
        """One honest request to the city, and the operator's report of it."""
        client = self.cse.client
        made = await client.request("POST", "/cse-in/city/fopt?rt=1", content=INSTRUCTION, X_M2M_RET="4000")
        path = f"/.cse/campaigns/{made.content['m2m:uri']}"
        ended = await eventually(lambda: client.get(path), lambda found: finished(found.content))
        return dict(ended.content)


def finished(report: Any) -> bool:
    return bool(report.get("state") == "finished")


async def joined(client: Client, group: str) -> int:
    """How many members would get a multicast."""
    plan = (await client.request("POST", "/.cse/plan", content={"group": f"cse-in/{group}"})).content
    return sum(broadcast["members"] for broadcast in plan["transmissions"])


@asynccontextmanager
async def guarded(folder: Path, devices: list[SimulatedDevice]) -> AsyncIterator[tuple[TappedMeters, str]]:
    """Meters with the public key of the CSE and their secrets, and the file with its keys."""
    file = folder / "keys.toml"
    assert CliRunner().invoke(keys_command, ["new", str(file), "--members", "Cm*"]).exit_code == 0
    protection = Protection.load("/id-in", str(file), {})
    secrets = {device.id: protection.secret_of(device.id) for device in devices}
    known = {device: secret for device, secret in secrets.items() if secret}
    meters = TappedMeters(devices, port=0, base="127.30.0.1", trust=protection.trust, secrets=known)
    meters.heard = asyncio.Queue()
    await meters.start()
    try:
        yield meters, str(file)
    finally:
        await meters.stop()


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    devices = build_devices("Cm", COUNT)
    async with guarded(tmp_path, devices) as (meters, file):
        settings = {"udp-multicast": {"group_port": meters.port, "encrypt": True, "min_window": 0.2, "round_trip": 0.1}}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
            thief.bind(("127.30.0.1", 0))
            thief.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            async with serving(keys=file, settings=settings) as cse:
                await Fleet(cse.client.url, devices, meters.points_of_access).register()
                for group in ("city", "town"):
                    content = {"rn": group, "mnm": COUNT, "mid": [f"cse-in/{device.id[1:]}" for device in devices]}
                    assert (await cse.client.create("/cse-in", 9, {"m2m:grp": content})).rsc == 2001
                    await eventually(lambda name=group: joined(cse.client, name), lambda count: count == COUNT)
                yield City(cse, meters, devices, thief)


async def test_a_captured_broadcast_makes_nobody_act_again(city: City) -> None:
    assert (await city.campaign())["states"]["answered"] == COUNT
    captured, _ = city.meters.heard.get_nowait()
    city.send(captured, city.address())
    await city.refused(replayed=COUNT)
    city.send(captured, city.address(1))
    await city.refused(unreadable=COUNT)
    (unicast,) = city.meters.points_of_access(city.devices[0])
    city.send(captured, Endpoint.parse(unicast.removeprefix("coap://")))
    await city.refused(unreadable=1)
    assert city.executions == {1}
    assert (await city.campaign())["states"]["answered"] == COUNT
    city.send(captured, city.address())
    await city.refused(replayed=COUNT)
    assert city.executions == {2}


async def test_nobody_but_the_cse_can_make_a_broadcast(city: City) -> None:
    await city.campaign()
    captured, _ = city.meters.heard.get_nowait()
    impostor = Sealer(Protection("/id-in", Keys.parse(new_keys())), encrypts=False)
    concealed = conceal(city.forged(), city.group_secret)
    (signature,) = captured.values(Option.AUTHENTICATION)
    for message in (
        impostor.sign(concealed),
        impostor.sign(city.forged()),
        replace(concealed, options=(*concealed.options, (Option.AUTHENTICATION, signature))),
        replace(captured, message_id=98),
        replace(captured, payload=captured.payload[:-1] + bytes([captured.payload[-1] ^ 1])),
    ):
        city.send(message, city.address())
        await city.refused(forged=COUNT)
    for message in (concealed, city.forged()):
        city.send(message, city.address())
        await city.refused(unsigned=COUNT)
    assert city.executions == {1}
    assert {device.interval for device in city.devices} == {900.0}


async def test_an_honest_campaign_under_attack_is_complete(city: City) -> None:
    city.send(city.forged(), city.address())
    report = await city.campaign()
    city.send(city.forged(), city.address())
    await city.refused(unsigned=2 * COUNT)
    assert report["states"]["answered"] == COUNT
    assert report["discarded"] == {}
    assert report["networks"]["udp-multicast"]["transmissions"] == 1
    assert city.executions == {1}


async def test_nobody_can_answer_for_another_meter(city: City) -> None:
    """The thief's socket has the address of the first meter, which hears nothing itself."""
    victim, others = city.devices[0], city.devices[1:]
    victim.faults.deaf = True
    campaign = asyncio.create_task(city.campaign())
    captured, server = await city.meters.heard.get()
    identifier = reveal(captured, city.group_secret).text(Option.REQUEST_IDENTIFIER)
    lie = answer(Response(2000), identifier or "", victim.id)
    for secret in (None, city.meters._by_device[THIEF].guard.secret):
        city.send(replace(with_code(lie, secret), message_id=1, token=captured.token), server)
    report = await campaign
    assert report["discarded"] == {"forged": 2}
    assert report["states"]["answered"] == len(others)
    assert report["reasons"] == {"SILENT": 1}


def files_of_keys(folder: Path) -> dict[str, str]:
    """Everybody trusts the group host, which trusts mn1, and has a key of mn2 that mn2 does not sign with."""
    made = {name: new_keys() for name in ("in", "mn1", "mn2")}
    publics = {name: Keys.parse(text).public for name, text in made.items()}
    trusted = [f'"/id-{name}" = ["{publics[name]}"]\n' for name in ("in", "mn1", "mn2")]
    texts = {
        "in": made["in"] + trusted[1] + trusted[2],
        "mn1": made["mn1"] + trusted[0],
        "mn2": new_keys() + trusted[0],
    }
    for name, text in texts.items():
        file = folder / name
        file.touch(0o600)
        file.write_text(text)
    return {name: str(folder / name) for name in texts}


async def test_answers_of_another_cse_are_those_that_it_has_signed(tmp_path: Path) -> None:
    async with federation(files_of_keys(tmp_path), round_trip=1.0, mn1=IP, mn2=IP) as city:
        await city.group(*FOUR)
        await city.listens(**BOTH)
        result = await city.fan_out()
        assert result.report["discarded"] == {"forged": 1}
        assert result.codes == {member_address(member): 2000 for member in FOUR}
        # What cannot be believed is asked for again, where the answer can.
        assert result.networks == {NETWORK: 2, "http-unicast": 2}
