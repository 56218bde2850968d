"""One campaign to many meters, half of them on UDP multicast and half on LoRa; every one of them is accounted for."""

import argparse
import asyncio
import socket
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import machine, servers
from benchmarks.account import Account, check_sum
from benchmarks.load import Requests
from benchmarks.population import LORA, UDP, Meters
from benchmarks.subject import ADMINISTRATOR, AE, ALL_RIGHTS, CONTAINER, GROUP, POLICY, Subject
from benchmarks.watching import Probe, longest_stall, peak_memory

REQUEST = {"m2m:sgn": {"sur": "interval", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 604800}'}}}}}
PAGE = 10_000
AT_ONCE = 500  # unicasts under way: each to a deaf meter is for the minute that CoAP goes on asking
NOT_YET = ("NOT_JOINED", "OFFLINE")


class Options(NamedTuple):
    """Meters; the shares of deaf ones and of lost messages; radio seconds in a second; how many seconds it goes on."""

    members: int
    deaf: float
    loss: float
    radio_speed: float
    gateways: int
    seconds: float
    pause: float


class Mass:
    """Carries it out. `lines` says what was measured so far."""

    def __init__(self, options: Options, folder: Path, console: Console) -> None:
        self.lines: list[tuple[str, str]] = []
        self._options = options
        self._folder = folder
        self._console = console
        self._worst = 0.0

    async def run(self) -> None:
        """Start everything, carry it out, check it, stop everything."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            async with self._phase("registration"):
                await self._register(stack)
            async with self._phase("group"):
                await self._create_group()
            async with self._phase("sessions"):
                await self._sessions()
            async with self._phase("campaign"):
                report = await self._campaign()
            async with self._phase("result"):
                await self._result()
            account = Account(report, await self._without_answer(), self._meters.deaf)
            self.lines += account.lines()
            self.lines.append(("longest stall of all", f"{1000 * self._worst:.0f} ms"))
            self.lines.append(("memory", f"{peak_memory(self._server.process)} MiB at most (VmHWM of the server)"))

    @asynccontextmanager
    async def _phase(self, name: str) -> AsyncIterator[None]:
        await longest_stall(self._server.address, ADMINISTRATOR)
        begin = time.perf_counter()
        yield
        seconds = time.perf_counter() - begin
        stall = await longest_stall(self._server.address, ADMINISTRATOR)
        self._worst = max(self._worst, stall)
        memory = peak_memory(self._server.process)
        figures = f"{seconds:.1f} s, the event loop stood still for {1000 * stall:.0f} ms at most, memory {memory} MiB"
        self.lines.append((f"phase {name}", figures))
        self._console.print(f"{name}: {figures}")

    async def _start(self, stack: AsyncExitStack) -> None:
        options, self._ports = self._options, (servers.free_port(), servers.free_port(socket.SOCK_STREAM))
        settings = (
            f"udp-multicast.group_port={self._ports[0]}",
            f"lora-broadcast.network_server=127.0.0.1:{self._ports[1]}",
            f"lora-broadcast.speed={options.radio_speed}",
            f"udp-multicast.setup_parallel={AT_ONCE}",
            f"udp-multicast.parallel={AT_ONCE}",
        )
        self._server = await stack.enter_async_context(servers.cse(self._folder, *settings))
        self._subject = Subject(self._server.address)
        self._meters = Meters(
            self._server.address, f"{self._subject.home[1:]}/policy", options.members, options.deaf, options.loss
        )

    async def _register(self, stack: AsyncExitStack) -> None:
        subject = self._subject
        await subject.register()
        rules = {"acr": [{"acor": [subject.originator, f"{UDP}*", f"{LORA}*"], "acop": ALL_RIGHTS}]}
        await subject.create(subject.home, POLICY, {"m2m:acp": {"rn": "policy", "pv": rules, "pvs": rules}})
        await subject.create(subject.home, CONTAINER, {"m2m:cnt": {"rn": "probed"}})
        udp, lora = self._meters.udp(self._ports[0]), self._lora()
        await asyncio.gather(stack.enter_async_context(udp), stack.enter_async_context(lora))

    def _lora(self) -> Any:
        return self._meters.lora(self._ports[1], self._options.radio_speed, self._options.gateways)

    async def _create_group(self) -> None:
        group = {"rn": "meters", "mt": AE, "mnm": self._options.members, "mid": self._meters.names}
        await self._subject.create(f"{self._subject.home}?rcn=0", GROUP, {"m2m:grp": group})

    async def _sessions(self) -> None:
        """Until only deaf meters have not joined their multicast session."""
        question = {"group": f"{self._subject.home[1:]}/meters", "originator": self._subject.originator}
        request = Requests("POST", "/.cse/plan", ADMINISTRATOR, question)
        while (missing := _not_joined(await self._once(request))) > len(self._meters.deaf):
            self._console.print(f"  {missing:,} have not joined")
            await asyncio.sleep(self._options.pause)

    async def _campaign(self) -> dict[str, Any]:
        """The report when it is over."""
        subject, lifetime = self._subject, {"X-M2M-RET": str(round(self._options.seconds * 1000))}
        target = f"{subject.home}/meters/fopt?rt=1"
        request = subject.request("POST", target, REQUEST, status=202, headers=lifetime)
        probe = Probe(subject.address, subject.retrieval(f"{subject.home}/probed"))
        async with probe.running():
            self._request = (await self._once(request))["m2m:uri"]
            report = await self._followed()
        self.lines.append(("retrieve of a container meanwhile", probe.summary()))
        return report

    async def _followed(self) -> dict[str, Any]:
        """The report, polled until the campaign is over; the states add up at every poll."""
        question = Requests("GET", f"/.cse/campaigns/{self._request}", ADMINISTRATOR)
        polls = 0
        while True:
            report: dict[str, Any] = await self._once(question)
            check_sum(report)
            polls += 1
            self._console.print(f"  {report['seconds']:.0f} s: {report['states']}")
            if report["state"] == "finished":
                self.lines.append(("reports", f"{polls}; the states added up to the members in each"))
                return report
            await asyncio.sleep(self._options.pause)

    async def _result(self) -> None:
        """The <request> as its originator gets it."""
        answer = await self._once(self._subject.retrieval(f"/{self._request}"))
        items = Counter(item["rsc"] for item in answer["m2m:req"]["ors"]["pc"]["m2m:agr"]["m2m:rsp"])
        self.lines.append(("items of the result", ", ".join(f"{count:,} with {code}" for code, count in items.items())))

    async def _without_answer(self) -> dict[str, str]:
        """The reasons of the members that have not answered, by name, page by page."""
        found: dict[str, str] = {}
        for state in ("failed", "unreachable"):
            more: str | None = ""
            while more is not None:
                path = f"/.cse/campaigns/{self._request}/members?state={state}&limit={PAGE}{more}"
                page = await self._once(Requests("GET", path, ADMINISTRATOR))
                found |= {member["host"]: member["reason"] for member in page["members"]}
                more = f"&after={page['next']}" if page["next"] else None
        return found

    async def _once(self, requests: Requests) -> Any:
        return await self._subject.once(requests)


def _not_joined(plan: dict[str, Any]) -> int:
    exclusions = [exclusion for signature in plan["signatures"] for exclusion in signature["exclusions"]]
    return sum(exclusion["count"] for exclusion in exclusions if exclusion["reason"] in NOT_YET)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mass", description=__doc__)
    add = parser.add_argument
    add("--members", type=int, default=100_000, help="how many meters")
    add("--deaf", type=float, default=0.01, help="share of meters that hear nothing")
    add("--loss", type=float, default=0.1, help="probability that a request is lost, and that an answer is")
    add("--radio-speed", type=float, default=600.0, help="radio seconds in a second")
    add("--gateways", type=int, default=100, help="gateways of the LoRaWAN network")
    add("--seconds", type=float, default=300.0, help="how long the campaign goes on for the silent ones")
    add("--pause", type=float, default=2.0, help="seconds between two looks at how far it is")
    add("--folder", type=Path, help="where the data of the server go meanwhile")
    values = vars(parser.parse_args())
    progress, console = Console(stderr=True, width=160), Console(width=160)
    with tempfile.TemporaryDirectory(dir=values.pop("folder")) as folder:
        mass = Mass(Options(**values), Path(folder), progress)
        uvloop.run(mass.run())
        table = Table.grid(padding=(0, 2))
        for name, value in mass.lines:
            table.add_row(name, value)
        console.print(machine.description(Path(folder)), table, sep="\n")


if __name__ == "__main__":
    main()
