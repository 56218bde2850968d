"""A group over several CSEs, shown: an IN-CSE asks 300 meters at three MN-CSEs, and one of these is killed half-way.

Two MN-CSEs can be reached by multicast, the third by unicast only. Every server, and the meters of each, are programs
of their own, at loopback addresses of their own. Exit code 0 if the result is complete and honest: every member has one
state, all that could answer have, those at the dead CSE are named, and answer when they are asked again.
"""

import argparse
import asyncio
import contextlib
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from participants import Client, Programs, free_port
from rich.console import Console
from rich.table import Table

METERS = 100  # at each MN-CSE
GROUP = "cse-in/country"
INTERVAL = 900
INSTRUCTION = {
    "m2m:sgn": {"sur": GROUP, "nev": {"rep": {"m2m:cin": {"con": orjson.dumps({"interval": INTERVAL}).decode()}}}}
}
# Without these, 100 meters behind one CSE are one request to a group there, and nothing is half-way.
ONE_BY_ONE = {"server.sub_group_members": "1000", "http-unicast.parallel": "2"}
HOUR = 15.0  # real seconds that an hour of the meters lasts
PATIENCE = 60.0  # seconds that anything in the preparation may take

console = Console(width=None if sys.stdout.isatty() else 110)


@dataclass(frozen=True)
class Site:
    """One CSE of the federation, and where it listens."""

    name: str
    host: str
    port: int
    multicast: bool = True

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def base(self) -> str:
        """Its CSEBase, SP-relative."""
        return f"/{self.name}/cse-{self.name.removeprefix('id-')}"

    def command(self, group_port: int, registrar: "Site | None") -> list[str]:
        """What serves it. Without multicast it refuses to listen to the addresses that groups get.

        The administrator of the registrar administers it as well.
        """
        settings = {
            "server.cse_id": f"/{self.name}",
            "server.cse_name": self.base.rpartition("/")[2],
            "udp-multicast.interface": self.host,
            "udp-multicast.group_port": str(group_port),
        }
        if not self.multicast:
            settings["udp-multicast.joinable_addresses"] = "239.255.255.255/32"
        if registrar is None:
            settings |= ONE_BY_ONE
        else:
            settings["server.admin_originator"] = f"/{registrar.name}/CAdmin"
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        where = ["--host", self.host, "--port", str(self.port), "--data", self.name]
        return ["serve", *where, *words, *(["--registrar", registrar.url] if registrar else [])]


class Federation:
    """The servers with their meters, and an operator at the IN-CSE."""

    def __init__(self, programs: Programs, session: aiohttp.ClientSession) -> None:
        self._programs = programs
        self._session = session
        self._infrastructure = Site("id-in", "127.5.0.1", free_port())
        self._middle = [
            Site("id-mn1", "127.5.0.2", free_port()),
            Site("id-mn2", "127.5.0.3", free_port()),
            Site("id-mn3", "127.5.0.4", free_port(), multicast=False),
        ]
        self._group_port = free_port(socket.SOCK_DGRAM)
        self._meter_ports = {site: free_port(socket.SOCK_DGRAM) for site in self._middle}
        self._operator = Client(session, self._infrastructure.url, "CAdmin")

    async def run(self, deadline: float) -> bool:
        """The whole scene; whether everything was as promised."""
        heading(1, "One IN-CSE and three MN-CSEs, 100 meters at each")
        await self._serve(self._infrastructure, None)
        for site in self._middle:
            await self._serve(site, self._infrastructure)
        members = await self._group_of_all()
        heading(2, "Everybody is asked for the latest reading")
        first = await self._operator.send("GET", f"{GROUP}/fopt/readings/la?rt=1", expires=deadline)
        whole = await self._report(await self._finished(first))
        console.print(by_site(members, await self._members(whole["request"])))
        heading(3, f"A new interval for everybody, and {self._victim.name} is killed")
        request = await self._interrupted(deadline)
        report = await self._report(request)
        rows = await self._members(request)
        console.print(by_site(members, rows))
        heading(4, f"{self._victim.name} is back, and those without an answer are asked again")
        again = await self._once_more(rows, deadline)
        console.print(by_site(members, await self._members(again)))
        return self._verdict(whole, report, rows, await self._report(again))

    @property
    def _victim(self) -> Site:
        return self._middle[2]

    async def _serve(self, site: Site, registrar: Site | None) -> None:
        port = self._group_port if registrar is None else self._meter_ports[site]
        await self._programs.start(site.name, *site.command(port, registrar))
        await until(lambda: self._answers(site), f"{site.name} does not answer")

    async def _answers(self, site: Site) -> bool:
        self._programs.check()
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await self._session.get(site.url)
            return True
        return False

    async def _group_of_all(self) -> list[str]:
        """The meters register with their CSEs, are discovered by the IN-CSE, and become one group; its members."""
        for index, site in enumerate(self._middle):
            await self._meters(index, site)
        await until(self._all_have_reported, "the meters have not registered")
        members = [meter for site in self._middle for meter in await self._discovered(site)]
        group = {"m2m:grp": {"rn": "country", "mnm": len(members), "mid": members}}
        await self._operator.send("POST", "cse-in?rcn=0", group, 9)
        console.print(f"group {GROUP} has {len(members)} members, the first is {members[0]}")
        await until(self._multicast_is_ready, "no multicast was set up")
        return members

    async def _meters(self, index: int, site: Site) -> None:
        options = {
            "count": METERS,
            "first": index * METERS + 1,
            "cse": site.url,
            "cse-name": site.base.rpartition("/")[2],
            "label": "meter",
            "port": self._meter_ports[site],
            "hour": f"{HOUR:g}",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        await self._programs.start(f"meters of {site.name}", "meters", "udp", *words)

    async def _discovered(self, site: Site) -> list[str]:
        found = await self._operator.send("GET", f"~{site.base}?fu=1&ty=2&lbl=meter")
        return list(found["m2m:uril"])

    async def _all_have_reported(self) -> bool:
        """Each meter has a reading by now."""
        readings = 0
        for site in self._middle:
            with contextlib.suppress(RuntimeError):
                tree = await self._operator.send("GET", f"~{site.base}?fu=1&ty=4&lvl=3")
                readings += len({address.rpartition("/")[0] for address in tree["m2m:uril"]})
        return readings == METERS * len(self._middle)

    async def _multicast_is_ready(self) -> bool:
        plan = await self._operator.send("POST", ".cse/plan", {"group": GROUP, "content": INSTRUCTION})
        return sum(int(broadcast["members"]) for broadcast in plan["transmissions"]) >= 2 * METERS

    async def _interrupted(self, deadline: float) -> str:
        """Post the instruction and kill a CSE while its meters answer; the identifier of the <request>."""
        answer = await self._operator.send("POST", f"{GROUP}/fopt?rt=1", INSTRUCTION, expires=deadline)
        request = str(answer["m2m:uri"])

        async def some_have_answered() -> bool:
            rows = await self._members(request)
            return len([row for row in rows if row["state"] == "answered" and at(row, self._victim)]) >= METERS // 4

        await until(some_have_answered, "too few have answered", pause=0.02)
        self._programs.kill(self._victim.name)
        console.print(f"{self._victim.name} is killed")
        await self._finished(answer)
        return request

    async def _once_more(self, rows: list[dict[str, Any]], deadline: float) -> str:
        await self._serve(self._victim, self._infrastructure)
        silent = [row["member"] for row in rows if row["state"] != "answered"]
        targets = "+".join(silent)
        answer = await self._operator.send("POST", f"{GROUP}/fopt?rt=1&grtm={targets}", INSTRUCTION, expires=deadline)
        return await self._finished(answer)

    async def _finished(self, accepted: dict[str, Any]) -> str:
        """The identifier of a <request>, when it is complete."""
        request = str(accepted["m2m:uri"])

        async def is_complete() -> bool:
            return bool((await self._operator.send("GET", f"{request}?atrl=rs"))["m2m:req"]["rs"] in (1, 2))

        await until(is_complete, "the request is not complete")
        return request

    async def _report(self, request: str) -> dict[str, Any]:
        return dict(await self._operator.send("GET", f".cse/campaigns/{request}"))

    async def _members(self, request: str) -> list[dict[str, Any]]:
        with contextlib.suppress(RuntimeError):  # it may not have begun
            return list((await self._operator.send("GET", f".cse/campaigns/{request}/members"))["members"])
        return []

    def _verdict(
        self, whole: dict[str, Any], interrupted: dict[str, Any], rows: list[dict[str, Any]], again: dict[str, Any]
    ) -> bool:
        for report in (whole, interrupted, again):
            sent = {name: row["transmissions"] for name, row in report["networks"].items() if "transmissions" in row}
            console.print(f"{report['members']} members {report['states']}, transmissions {sent}", markup=False)
        missing = [row for row in rows if row["state"] != "answered"]
        for row in missing[:3]:
            console.print(f"{row['member']}: {row['reason']} after {row['attempts']} attempts by {row['network']}")
        good = bool(
            all(sum(report["states"].values()) == report["members"] for report in (whole, interrupted, again))
            and whole["states"]["answered"] == interrupted["members"] == METERS * len(self._middle)
            and whole["networks"]["udp-multicast"]["answered"] == 2 * METERS
            and 0 < len(missing) < METERS
            and all(at(row, self._victim) and row["reason"] for row in missing)
            and again["states"]["answered"] == len(missing)
        )
        console.print(f"[bold]{len(missing)} named as missing: {'as promised' if good else 'NOT AS PROMISED'}[/bold]")
        return good


def at(row: dict[str, Any], site: Site) -> bool:
    """Whether a member is at this CSE."""
    return bool(row["member"].startswith(f"/{site.name}/"))


def by_site(members: list[str], rows: list[dict[str, Any]]) -> Table:
    """How many members of each CSE are in which state, by which network."""
    counts = Counter((row["member"].split("/")[1], row["state"], row["reason"], row["network"]) for row in rows)
    table = Table("CSE", "state", "reason", "network", "members", title=f"{len(rows)} of {len(members)} asked")
    for key, count in sorted(counts.items()):
        table.add_row(*key, str(count))
    return table


def heading(number: int, text: str) -> None:
    console.print(f"\n[bold]{number}. {text}[/bold]")


async def until(condition: Callable[[], Awaitable[bool]], complaint: str, pause: float = 0.1) -> None:
    """Wait until it is so; RuntimeError after a while."""
    for _ in range(int(PATIENCE / pause)):
        if await condition():
            return
        await asyncio.sleep(pause)
    raise RuntimeError(complaint)


async def main(deadline: float) -> bool:
    with tempfile.TemporaryDirectory() as name:
        programs = Programs(Path(name))
        try:
            async with aiohttp.ClientSession() as session:
                return await Federation(programs, session).run(deadline)
        except RuntimeError:
            console.print(programs.logs(), markup=False)
            raise
        finally:
            await programs.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deadline", type=float, default=12.0, help="seconds that each request may take")
    sys.exit(0 if asyncio.run(main(parser.parse_args().deadline)) else 1)
