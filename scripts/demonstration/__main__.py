"""The main job, shown: 1,000 meters on three networks get a new reporting interval by one request to a group.

The server, the meters and the radio simulation are programs of their own. Everything is on loopback, in a temporary
folder, and gone afterwards. Exit code 0 if the result is what was promised: all but the ten deaf meters have answered.
"""

import argparse
import asyncio
import contextlib
import socket
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from participants import CSE, Client, Listener, Programs, free_port
from rich.console import Console
from rich.live import Live
from rich.table import Table
from tables import closing_table, progress_table, rate

POLICY = "cse-in/metering"
GROUP = "cse-in/city"
INTERVAL = 900
INSTRUCTION = {
    "m2m:sgn": {"sur": GROUP, "nev": {"rep": {"m2m:cin": {"con": orjson.dumps({"interval": INTERVAL}).decode()}}}}
}
HOUR = 15.0  # real seconds that an hour of the meters lasts
SPEED = 3600 / HOUR
LOSS = 0.05
FLEETS = {"udp": (600, 6), "lora": (300, 3), "http": (100, 1)}  # meters, deaf ones among them
NETWORKS = {"udp": "udp-multicast", "lora": "lora-broadcast", "http": "http-unicast"}
WINDOW = 5.0  # seconds over which readings are counted, before and after

console = Console(width=None if sys.stdout.isatty() else 110)


@dataclass
class Demo:
    """Everybody who takes part."""

    programs: Programs
    operator: Client
    head_end: Client
    listener: Listener
    deadline: float

    async def run(self, notification_url: str) -> bool:
        await self.provide(notification_url)
        await self.group_of_all_meters()
        before = await self.readings()
        self.one_configuration_message()
        await self.who_supports_broadcast()
        request = await self.best_use_of_it()
        after = await self.readings()
        report = await self.operator.send("GET", f".cse/campaigns/{request}")
        silent = await self.operator.send("GET", f".cse/campaigns/{request}/members?state=failed")
        self.new_frequency(before, after, {row["host"] for row in silent["members"]})
        return self.closing_table(report, silent["members"])

    async def provide(self, notification_url: str) -> None:
        """What an operator does once: a policy for the meters, and the head-end registers."""
        rules = {
            "acr": [
                {"acor": ["CAdmin"], "acop": 63},
                {"acor": ["Cheadend"], "acop": 2 + 16 + 32},
                {"acor": [f"C{name}*" for name in FLEETS], "acop": 1 + 2 + 4},
            ]
        }
        owner = {"acr": [{"acor": ["CAdmin"], "acop": 63}]}
        await self.operator.send("POST", "cse-in", {"m2m:acp": {"rn": "metering", "pv": rules, "pvs": owner}}, 1)
        entity = {"rn": "headend", "api": "N.example.headend", "rr": True, "srv": ["3"], "poa": [notification_url]}
        await self.head_end.send("POST", "cse-in", {"m2m:ae": entity}, 2)

    async def group_of_all_meters(self) -> None:
        heading(1, "A group of all meters")
        wanted = sum(count for count, _ in FLEETS.values())
        members: list[str] = []
        started = time.monotonic()
        while len(members) < wanted:
            self.programs.check()
            await asyncio.sleep(0.3)
            members = (await self.operator.send("GET", "cse-in?fu=1&ty=2&lbl=meter"))["m2m:uril"]
        console.print(f"{len(members):,} meters have registered ({time.monotonic() - started:.1f} s)")
        group = {"rn": "city", "mnm": 100_000, "mid": members, "acpi": [POLICY]}
        await self.operator.send("POST", "cse-in?rcn=0", {"m2m:grp": group}, 9)
        console.print(
            f"group {GROUP} created; each network now sets up its sessions with the members it can broadcast to"
        )
        waited = await self._sessions_ready()
        console.print(
            f"sessions are set up ({waited:.1f} s); deaf meters never confirm theirs and have to be tried by unicast"
        )

    async def _sessions_ready(self) -> float:
        """Until all but the deaf ones have joined, or a while has passed."""
        deaf = FLEETS["udp"][1] + FLEETS["lora"][1]
        started = time.monotonic()
        while time.monotonic() - started < 12:
            plan = await self.operator.send("POST", ".cse/plan", {"group": GROUP, "content": INSTRUCTION})
            if _excluded(plan, "NOT_JOINED") <= deaf:
                break
            await asyncio.sleep(0.3)
        return time.monotonic() - started

    def one_configuration_message(self) -> None:
        heading(2, "One configuration message")
        console.print(
            f"POST /{GROUP}/fopt?rt=1   X-M2M-Origin: Cheadend   X-M2M-RET: {self.deadline * 1000:.0f}", markup=False
        )
        console.print(orjson.dumps(INSTRUCTION).decode(), markup=False)
        console.print("over UDP the server signs it (Ed25519): meters ignore what anybody else has made")

    async def who_supports_broadcast(self) -> None:
        heading(3, "Who supports broadcast")
        content = orjson.dumps(INSTRUCTION).decode()
        process = await asyncio.create_subprocess_exec(
            CSE, "plan", GROUP, "--url", self.operator.base, "--content", content, "--originator", "Cheadend"
        )
        if await process.wait():
            raise RuntimeError("cse plan failed")

    async def best_use_of_it(self) -> str:
        heading(4, "The best use of it")
        answer = await self.head_end.send("POST", f"{GROUP}/fopt?rt=1", INSTRUCTION, expires=self.deadline)
        request = str(answer["m2m:uri"])
        subscription = {"rn": "watch", "nu": ["Cheadend"], "enc": {"net": [1], "atr": ["rs"]}}
        await self.head_end.send("POST", request, {"m2m:sub": subscription}, 23)
        console.print(f"accepted as {request}: polled here, and subscribed to")
        await self._watch(request)
        result = (await self.head_end.send("GET", request))["m2m:req"]
        items = result["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
        console.print(
            f"the request resource says rs={result['rs']}, rsc={result['ors']['rsc']}, {len(items)} answers; the first:"
        )
        console.print(orjson.dumps(items[0]).decode(), markup=False)
        for _ in range(20):
            if self.listener.states and self.listener.states[-1] == result["rs"]:
                break
            await asyncio.sleep(0.1)
        console.print(f"the head-end was notified of the states {self.listener.states}", markup=False)
        return request

    async def _watch(self, request: str) -> None:
        """Show per network how many have answered, until the campaign is over: a table that changes, or lines."""
        started = time.monotonic()
        shown = -1
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                self.programs.check()
                report = await self.operator.send("GET", f".cse/campaigns/{request}")
                table = progress_table(report, time.monotonic() - started)
                live.update(table, refresh=console.is_terminal)
                if report["states"]["answered"] != shown and not console.is_terminal:
                    console.print(table)
                shown = report["states"]["answered"]
                if report["state"] == "finished":
                    return
                await asyncio.sleep(0.5)

    async def readings(self) -> Counter[str]:
        """Readings per meter that come in during the window, from the counters of the containers in the tree."""
        first = await self._state_tags()
        await asyncio.sleep(WINDOW)
        second = await self._state_tags()
        return Counter({meter: second[meter] - first.get(meter, 0) for meter in second})

    async def _state_tags(self) -> dict[str, int]:
        tree = (await self.operator.send("GET", "cse-in?rcn=4&ty=2+3&lvl=2"))["m2m:cb"]
        return {entity["ri"]: container["st"] for entity in tree["m2m:ae"] for container in entity.get("m2m:cnt", ())}

    def new_frequency(self, before: Counter[str], after: Counter[str], silent: set[str]) -> None:
        heading(5, "The meters report at the new frequency")
        table = Table("meters", "number", "readings per meter and hour before", "after", "expected")
        for name in FLEETS:
            fleet = {meter for meter in after if meter.startswith(f"C{name}")} - silent
            rates = [rate(fleet, counts, WINDOW / HOUR) for counts in (before, after)]
            table.add_row(name, str(len(fleet)), *rates, f"1 -> {3600 / INTERVAL:.0f}")
        rates = [rate(silent, counts, WINDOW / HOUR) for counts in (before, after)]
        table.add_row("silent ones", str(len(silent)), *rates, "1 -> 1")
        console.print(table)

    def closing_table(self, report: dict[str, Any], failed: list[dict[str, Any]]) -> bool:
        heading("", "What it took")
        console.print(closing_table(report, failed))
        for member in failed:
            console.print(
                f"{member['member']}: {member['reason']} after {member['attempts']} attempts by {member['network']}"
            )
        return self._verdict(report, failed)

    def _verdict(self, report: dict[str, Any], failed: list[dict[str, Any]]) -> bool:
        sent = sum(row["transmissions"] for row in report["networks"].values())
        answered = report["states"]["answered"]
        alone = answered / (1 - LOSS) + sum(member["attempts"] for member in failed)
        plan = report["plan"]
        lost = report["discarded"].get("receive_buffer", 0)
        console.print(
            f"\nanswers lost to buffers: {lost}; other answers that changed nothing: {report['discarded']}",
            markup=False,
        )
        console.print(
            f"cost by the plan {plan['cost']:,}, by unicast alone {plan['unicastCost']:,};"
            f" transmissions {sent}, by unicast alone at the same loss {alone:.0f} ({sent / alone:.0%})"
        )
        silent = sum(member["reason"] == "SILENT" for member in failed)
        deaf = sum(deaf for _, deaf in FLEETS.values())
        good = (answered, silent) == (sum(count for count, _ in FLEETS.values()) - deaf, deaf) and sent < alone / 4
        console.print(
            f"[bold]{answered} answered, {silent} silent: {'as promised' if good else 'NOT AS PROMISED'}[/bold]"
        )
        return good


def heading(number: int | str, text: str) -> None:
    console.print(f"\n[bold]{number}{'. ' if number else ''}{text}[/bold]")


def _excluded(plan: dict[str, Any], reason: str) -> int:
    return sum(
        exclusion["count"]
        for signature in plan["signatures"]
        for exclusion in signature["exclusions"]
        if exclusion["reason"] == reason
    )


async def main(seed: int, deadline: float) -> bool:
    port, radio = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as name:
        programs = Programs(Path(name))
        listener = Listener()
        try:
            async with aiohttp.ClientSession() as session, listener.listening() as notification_url:
                await _start_all(programs, session, base, radio, seed)
                operator, head_end = Client(session, base, "CAdmin"), Client(session, base, "Cheadend")
                return await Demo(programs, operator, head_end, listener, deadline).run(notification_url)
        finally:
            await programs.stop()


async def _start_all(programs: Programs, session: aiohttp.ClientSession, base: str, radio: int, seed: int) -> None:
    meters = str(free_port(socket.SOCK_DGRAM))
    public_key = await programs.output("keys", "new", "keys.toml")
    settings = {
        "server.keys": "keys.toml",
        "udp-multicast.group_port": meters,
        "lora-broadcast.network_server": f"127.0.0.1:{radio}",
        "lora-broadcast.speed": f"{SPEED:g}",
        # The slowest meters decide the data rate, and there a signature does not fit.
        "lora-broadcast.allow_unsigned": "true",
    }
    assignments = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    await programs.start("server", "serve", "--port", base.rpartition(":")[2], "--data", "data", *assignments)
    for _ in range(100):
        programs.check()
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await session.get(base)
            break
        await asyncio.sleep(0.05)
    ports = {
        "udp": ["--port", meters, "--public-key", public_key],
        "lora": ["--listen", f"127.0.0.1:{radio}"],
        "http": [],
    }
    for network, (count, deaf) in FLEETS.items():
        shared = {"count": count, "deaf": deaf, "cse": base, "acp": POLICY, "label": "meter"}
        shared |= {"hour": f"{HOUR:g}", "loss": LOSS, "seed": seed}
        options = [word for name, value in shared.items() for word in (f"--{name}", str(value))]
        await programs.start(network, "meters", network, *options, *ports[network])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="fixes which meters are deaf and what is lost")
    parser.add_argument("--deadline", type=float, default=18.0, help="seconds the campaign may take")
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(main(options.seed, options.deadline)) else 1)
