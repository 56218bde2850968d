"""A request to 10,000 devices, from its acceptance until the last of them has answered; no message is lost."""

import asyncio
from abc import abstractmethod
from contextlib import AsyncExitStack
from typing import Any

from benchmarks import servers
from benchmarks.driver import for_each
from benchmarks.figures import Goal, Measured, Row
from benchmarks.load import Address, LoadError, Requests
from benchmarks.scenarios.base import AtOnce
from benchmarks.subject import ADMINISTRATOR, AE, GROUP
from benchmarks.watching import Stopwatch

UDP_METER, HTTP_METER = "Cudp{:04d}", "Chttp{:04d}"
COMMAND = {"m2m:sgn": {"sur": "interval", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 86400}'}}}}}
POLL_PAUSE, JOIN_PAUSE, JOINING, PATIENCE = 0.05, 0.5, 300.0, 120.0  # seconds


class Campaign(AtOnce):
    """To a group of AEs, which a subclass makes."""

    async def prepare(self, stack: AsyncExitStack) -> None:
        self.subject = await self.bench.subject()
        await self.make_devices(stack)

    @abstractmethod
    async def make_devices(self, stack: AsyncExitStack) -> None:
        """Start devices, register them and make groups of them."""

    async def make_group(self, name: str, members: list[str]) -> None:
        group = {"rn": name, "mt": AE, "mnm": len(members), "mid": members}
        creation = self.subject.creation(f"{self.subject.home}?rcn=0", GROUP, {"m2m:grp": group})
        await self.subject.once(creation)

    async def campaign(self, group: str) -> Measured:
        """Seconds until all of a group have answered; CPU for each member."""
        subject, members = self.subject, self.size.members
        request = subject.request("POST", f"{subject.home}/{group}/fopt?rt=1", COMMAND, status=202)
        watch = Stopwatch(subject.process)
        accepted = await subject.once(request)
        async with asyncio.timeout(PATIENCE):
            report = await self._completed(accepted["m2m:uri"])
        found = Measured(watch.seconds(), cpu=watch.microseconds_of_cpu(members))
        if report["states"]["answered"] != members:
            raise LoadError(f"not every device answered: {report['states']} {report['reasons']}")
        return found

    async def _completed(self, request: str) -> dict[str, Any]:
        """The operator's report of a campaign when nobody is waited for any more."""
        question = Requests("GET", f"/.cse/campaigns/{request}", ADMINISTRATOR)
        while True:
            report: dict[str, Any] = await self.subject.once(question)
            if report["members"] and not report["states"]["waiting"]:
                return report
            await asyncio.sleep(POLL_PAUSE)


class UdpCampaign(Campaign):
    """To meters on UDP multicast, which spread their answers over a second."""

    async def make_devices(self, stack: AsyncExitStack) -> None:
        members = self.size.members
        policy = await self.subject.let_in("Cudp*")
        options = ("--count", str(members), "--acp", policy, "--interval", "86400")
        port = self.bench.group_port
        self._meters = await stack.enter_async_context(servers.udp_meters(self.subject.address, port, *options))
        await self.make_group("udp-meters", [UDP_METER.format(number) for number in range(1, members + 1)])
        async with asyncio.timeout(JOINING):
            await self._all_joined()

    async def measure(self) -> dict[Row, Measured]:
        row = Row(f"campaign, {self.size.members:,} UDP meters, window 1 s", "s", (Goal("value", "<", 3),))
        return {row: await self.campaign("udp-meters")}

    async def _all_joined(self) -> None:
        """Return when the server's plan excludes nobody any more for not having joined the multicast group."""
        question = {"group": f"{self.subject.home[1:]}/udp-meters", "originator": self.subject.originator}
        request = Requests("POST", "/.cse/plan", ADMINISTRATOR, question)
        while True:
            signatures = (await self.subject.once(request))["signatures"]
            reasons = [exclusion["reason"] for signature in signatures for exclusion in signature["exclusions"]]
            if "NOT_JOINED" not in reasons:
                return
            await asyncio.sleep(JOIN_PAUSE)


class HttpCampaign(Campaign):
    """To devices on HTTP that close the connection after each answer, and to others that keep it."""

    async def make_devices(self, stack: AsyncExitStack) -> None:
        policy = await self.subject.let_in("Chttp*")
        closing = await stack.enter_async_context(servers.sink("--close"))
        keeping = await stack.enter_async_context(servers.sink())
        half = self.size.members
        for group, sink, first in (("closing", closing, 1), ("keeping", keeping, half + 1)):
            names = [HTTP_METER.format(number) for number in range(first, first + half)]
            await for_each(self.subject.address, [self._registration(name, sink, policy) for name in names])
            await self.make_group(group, names)

    def _registration(self, name: str, sink: Address, policy: str) -> Requests:
        entity = {"rn": name, "api": "N.example.device", "rr": True, "srv": ["3"], "acpi": [policy]}
        entity["poa"] = ["http://{}:{}/{}".format(*sink, name)]
        return self.subject.creation(f"{self.subject.base}?rcn=0", AE, {"m2m:ae": entity}, originator=name)

    async def measure(self) -> dict[Row, Measured]:
        members = self.size.members
        rows = {
            "closing": Row(f"campaign, {members:,} HTTP, new connections", "members/s", (_at_least(2500),)),
            "keeping": Row(f"campaign, {members:,} HTTP, kept connections", "members/s", (_at_least(6000),)),
        }
        found = {}
        for group, row in rows.items():
            measured = await self.campaign(group)
            found[row] = measured._replace(value=members / measured.value)
        return found


def _at_least(bound: float) -> Goal:
    return Goal("value", ">=", bound)
