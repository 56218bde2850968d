"""Three machines, one PostgreSQL, one address in front: machines die, or are cut off, in the middle of campaigns."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from cse.protection import Trust
from cse.protection.commands import keys
from cse.security.commands import credential
from cse.testing.device import Faults, SimulatedDevice
from cse.testing.fleet import Fleet, proof
from plugins.http_unicast.meters import HttpMeters
from plugins.udp_multicast.meters import UdpMeters
from tests import postgresql
from tests.balancer import balancer
from tests.crews import LONG, persistently
from tests.namespaces import FIELD, PORT, Machine, in_a_network_of_its_own, machines
from tests.programs import Program, program
from tests.servers import Client, Listener, eventually
from tests.test_campaigns import INSTRUCTION

FIRST = "10.78.0.1"  # the address of the first meter
HTTP_METERS = 20
LOSS = Faults(request_loss=0.1, answer_loss=0.1)
WITHIN = 600.0  # seconds for a campaign


@dataclass
class Operator:
    """What the operator has made once, and put on all machines: keys for multicast, credentials for everybody."""

    folder: Path
    public_key: str
    token: str

    @classmethod
    def prepare(cls, folder: Path) -> "Operator":
        def carry_out(command: Any, *arguments: str) -> str:
            done = CliRunner().invoke(command, arguments, catch_exceptions=False)
            assert done.exit_code == 0, done.output
            return done.output.strip()

        public_key = carry_out(keys, "new", str(folder / "keys.toml"))
        token = carry_out(credential, "token", str(folder / "credentials.toml"), "CAdmin", "C*")
        return cls(folder, public_key, token)

    def settings(self, machine: Machine, group_port: int) -> list[str]:
        """All but the last are equal everywhere."""
        return [
            f"server.keys={self.folder}/keys.toml",
            f"server.credentials={self.folder}/credentials.toml",
            "server.allowed_targets=10.77.0.0/16,10.78.0.0/16",
            f"udp-multicast.group_port={group_port}",
            "udp-multicast.ack_timeout=0.5",
            f"udp-multicast.interface={machine.address}",
        ]


@dataclass
class City:
    """Everything: programs by machine, in front of them a balancer with its client, and meters in the field."""

    servers: dict[str, Program]
    machines: dict[str, Machine]
    front: Client
    devices: Sequence[SimulatedDevice]

    async def conductor(self, but: str = "") -> str:
        """The machine that conducts, once there is one; another than this."""
        found: list[str] = []

        async def ask() -> list[str]:
            health = await persistently(lambda: self.front.get("/.cse/health", Connection="close"))
            address = next(name for name, server in self.servers.items() if server.process == health.content["pid"])
            if health.content["conducts"] and address != but:
                found.append(address)
            return found

        return (await eventually(ask, bool, LONG))[0]

    async def start(self, machine: str, seconds: float = WITHIN) -> str:
        """Begin a campaign at this machine; its <request>."""
        headers = {"X_M2M_RET": f"{seconds * 1000:.0f}"}
        answer = await self.servers[machine].client.request(
            "POST", "/cse-in/city/fopt?rt=1", content=INSTRUCTION, **headers
        )
        assert answer.rsc == 1001, answer
        return str(answer.content["m2m:uri"])

    async def report(self, request: str) -> dict[str, Any]:
        """The operator's report, {} while the campaign has not begun."""
        answer = await persistently(lambda: self.front.get(f"/.cse/campaigns/{request}"))
        return dict(answer.content) if answer.status == 200 else {}

    async def under_way(self, request: str) -> None:
        """Wait until some have answered; others have not."""
        report = await eventually(lambda: self.report(request), lambda found: answered(found) > 0, LONG)
        assert answered(report) < len(self.devices), "it was over too soon to be disturbed"

    async def complete(self, request: str, campaigns: int) -> dict[str, Any]:
        """Wait for the end: every meter has answered, and has done so many things in all, each of them once."""
        report = await eventually(lambda: self.report(request), lambda one: one.get("state") == "finished", WITHIN, 0.2)
        assert report["states"] == {"waiting": 0, "answered": len(self.devices), "failed": 0, "unreachable": 0}
        assert Counter(device.executions for device in self.devices) == {campaigns: len(self.devices)}
        return report


def answered(report: dict[str, Any]) -> int:
    return int(report["states"]["answered"]) if report else 0


@asynccontextmanager
async def city(folder: Path, count: int) -> AsyncIterator[City]:
    """So many meters with UDP, some with HTTP, and the group `city` of all.

    Once it is set up, the former lose messages.
    """
    operator = Operator.prepare(folder)
    devices = [SimulatedDevice(f"Cu{number}", seed=7) for number in range(count)]
    web = [SimulatedDevice(f"Ch{number}", seed=7) for number in range(HTTP_METERS)]
    async with AsyncExitStack() as held:
        found = await held.enter_async_context(machines(3))
        database = postgresql.Server(durable=True, address=FIELD)
        held.callback(database.close)
        trust = Trust.of("/id-in", [operator.public_key])
        meters = UdpMeters(devices, port=0, base=FIRST, interface=FIELD, trust=trust)
        await meters.start()
        held.push_async_callback(meters.stop)
        servers = {}
        for machine in found:
            own = folder / machine.name
            own.mkdir()
            arguments = ("--host", machine.address, "--port", str(PORT), "--store", database.url)
            log = held.enter_context((own / "log").open("wb"))
            servers[machine.name] = await held.enter_async_context(
                program(
                    own,
                    *operator.settings(machine, meters.port),
                    token=operator.token,
                    log=log,
                    arguments=arguments,
                    inside=machine.inside,
                )
            )
        urls = [server.client.url for server in servers.values()]
        address = await held.enter_async_context(balancer(urls, FIELD, operator.token))
        session = await held.enter_async_context(aiohttp.ClientSession(headers=proof(operator.token)))
        late = HttpMeters(
            web, f"{address}/cse-in", late=[device.id for device in web], host=FIELD, token=operator.token
        )
        await late.start()
        held.push_async_callback(late.stop)
        one = City(servers, {machine.name: machine for machine in found}, Client(session, address), [*devices, *web])
        for some, where in ((devices, meters.points_of_access), (web, lambda device: [late.url(device)])):
            await Fleet(address, some, where, parallel=32, token=operator.token).register()
        await group(one, count)
        for device in devices:
            device.faults = LOSS
        yield one


async def group(one: City, joining: int) -> None:
    members = [f"cse-in/{device.id[1:]}" for device in one.devices]
    content = {"m2m:grp": {"rn": "city", "mnm": len(members), "mid": members}}
    assert (await one.front.create("/cse-in?rcn=0", 9, content)).rsc == 2001

    async def joined() -> int:
        plan = await one.front.request("POST", "/.cse/plan", content={"group": "cse-in/city"})
        return sum(broadcast["members"] for broadcast in plan.content["transmissions"])

    await eventually(joined, lambda count: count == joining, WITHIN, joining / 5000)


def took(what: str, since: float) -> None:
    """For the record."""
    print(f"{what}: {time.monotonic() - since:.1f} s")  # noqa: T201


@pytest.mark.long
@pytest.mark.timeout(1500)
@in_a_network_of_its_own
async def test_ten_thousand_meters_while_machines_die(tmp_path: Path) -> None:
    async with city(tmp_path, 10_000) as one:
        first = await one.conductor()
        second, third = sorted(one.servers.keys() - {first})
        async with Listener(host=FIELD) as listener:
            request = await one.start(second)
            news = {"m2m:sub": {"nu": [listener.url], "enc": {"net": [1]}}}
            assert (await one.front.create(f"/{request}", 23, news)).rsc == 2001
            await one.under_way(request)
            killed = time.monotonic()
            await one.servers[first].kill()
            now = await one.conductor(but=first)
            took("another machine conducts after", killed)
            await one.complete(request, 1)
            took("the campaign is complete after", killed)
            await eventually(lambda: asyncio.sleep(0, listener.received), lambda told: _ends(told) > 0, LONG)
            for name in (second, third):
                shown = await one.servers[name].client.get(f"/{request}")
                assert shown.resource["rs"] == 1
                assert len(shown.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]) == len(one.devices)
        await one.servers[first].start()
        other = next(name for name in (second, third) if name != now)
        request = await one.start(first)
        await one.under_way(request)
        await one.servers[other].kill()
        await one.complete(request, 2)


def _ends(received: Sequence[Any]) -> int:
    """How many notifications say that the request has ended."""
    events = [item.content["m2m:sgn"]["nev"] for item in received if "nev" in item.content["m2m:sgn"]]
    return sum(event["rep"]["m2m:req"].get("rs") == 1 for event in events)


@pytest.mark.long
@pytest.mark.timeout(600)
@in_a_network_of_its_own
async def test_a_machine_that_is_cut_off_loses_its_place_and_ends_itself(tmp_path: Path) -> None:
    async with city(tmp_path, 200) as one:
        first = await one.conductor()
        second = min(one.servers.keys() - {first})
        request = await one.start(second)
        await one.under_way(request)
        cut = time.monotonic()
        await one.machines[first].cut()
        await one.conductor(but=first)
        took("another machine conducts after", cut)
        await one.machines[first].mend()
        assert await one.servers[first].ended() == 75
        await one.complete(request, 1)
        await one.servers[first].start()
        report = await one.complete(await one.start(first), 2)
        # Their answers came in anywhere, by the balancer, and were known for what they are: nobody was asked again.
        assert report["networks"]["http-unicast"]["transmissions"] == HTTP_METERS


@pytest.mark.long
@pytest.mark.timeout(600)
@in_a_network_of_its_own
async def test_a_machine_that_stands_still_for_a_while_does_no_harm(tmp_path: Path) -> None:
    async with city(tmp_path, 200) as one:
        first = await one.conductor()
        second = min(one.servers.keys() - {first})
        request = await one.start(second)
        await one.under_way(request)
        stopped = time.monotonic()
        one.servers[first].send(signal.SIGSTOP)
        await one.conductor(but=first)
        took("another machine conducts after", stopped)
        one.servers[first].send(signal.SIGCONT)
        assert await one.servers[first].ended() == 75
        await one.complete(request, 1)
