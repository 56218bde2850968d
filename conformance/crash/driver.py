"""Rounds of load, kills and audits."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from threading import Event

from conformance.crash.campaigns import Containers, Devices, Members
from conformance.crash.findings import Findings
from conformance.crash.inbox import Received, listening
from conformance.crash.load import Load
from conformance.crash.notices import Notices
from conformance.crash.server import Server
from conformance.crash.shared import Contributor, SharedContainer
from conformance.crash.worker import Worker

AFTERMATH = 0.2  # seconds of load after the last start
STARTING = 1.0  # seconds after a start in which another kill may meet it
SOON = 0.3  # seconds after it is back in which another kill comes soon
GATHERING, BURST = 0.1, 0.03  # seconds in which nobody sends, and then all at once


@dataclass(frozen=True)
class Plan:
    """What is done, and how often; `head_start` are seconds of load before the first kill, at least and at most."""

    seed: int
    rounds: int
    connections: int = 6
    contributors: int = 2
    head_start: tuple[float, float] = 0.2, 1.0


class Driver:
    """Everybody who takes part."""

    def __init__(self, server: Server, plan: Plan, host: str) -> None:
        self.findings = Findings()
        self.kills = self.rounds = 0
        self._server, self._plan, self._host = server, plan, host
        self._run = f"crash{plan.seed}-{time.time_ns() // 1_000_000:x}"
        base = server.target.name
        self._notices = Notices()
        self._devices = Devices(server, f"{self._run}-meters", self.findings)
        self._members: list[Members] = [self._devices, Containers(server, f"{self._run}-group", self.findings)]
        self._shared = SharedContainer(server, f"{base}/{self._run}-shared", plan.contributors, self.findings)
        self._workers: list[Worker] = []
        self._go_on, self._stop = Event(), Event()

    def run(self) -> None:
        """All rounds, or as many as there are until something is wrong."""
        with self._prepared():
            while self.rounds < self._plan.rounds and not self.findings.violations:
                self.rounds += 1
                self._round(Random(f"{self._plan.seed} {self.rounds}"))

    def summary(self) -> str:
        """Numbers in one line."""
        found = self.findings
        return (
            f"{self.rounds} rounds, {self.kills} kills, {found.requests} requests, "
            f"{found.checked} acknowledgements checked, {found.in_doubt} in doubt, {len(found.violations)} violations"
        )

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        self._server.control.start()
        try:
            with listening(self._host, self._take) as inbox:
                self._server.wait()
                self._make(inbox)
                yield
        finally:
            self._server.control.stop()

    def _make(self, inbox: str) -> None:
        base = self._server.target.name
        self._devices.inbox = inbox
        for number in range(self._plan.connections):
            load = Load(f"{base}/{self._run}-{number}", base, f"{inbox}/")
            self._workers.append(Worker(self._server, load, self._notices, self.findings))
        self._shared.prepare()
        for members in self._members:
            members.prepare()
        for worker in self._workers:
            worker.prepare()

    def _take(self, received: Received) -> bool:
        taker = self._devices if received.path.startswith("/members/") else self._notices
        return taker.take(received)

    def _round(self, random: Random) -> None:
        """Load and kills at the same time; then silence, and everything is looked at."""
        self._stop.clear()
        self._go_on.set()
        senders: list[Worker | Contributor] = [*self._workers, *self._shared.contributors]
        with ThreadPoolExecutor(len(senders) + len(self._members)) as threads:
            jobs = [threads.submit(each.run, _own(random), self._go_on, self._stop) for each in senders]
            jobs += [threads.submit(self._campaign, each, _own(random)) for each in self._members]
            try:
                self._kill(random)
                time.sleep(AFTERMATH)
            finally:
                self._go_on.set()
                self._stop.set()
            for job in jobs:
                job.result()
        self._audit(random)

    def _campaign(self, members: Members, random: Random) -> None:
        """One to each group in a round, mostly shortly before the kill."""
        time.sleep(random.uniform(0, self._plan.head_start[1]))
        members.send(f"round{self.rounds}")

    def _kill(self, random: Random) -> None:
        """Once at least, at a moment that nobody can choose better than chance."""
        time.sleep(random.uniform(*self._plan.head_start))
        kind = random.choice(["once", "once", "starting", "twice", "burst"])
        if kind == "burst":
            self._go_on.clear()
            time.sleep(GATHERING)
            self._go_on.set()
            time.sleep(random.uniform(0, BURST))
        self._restart(kind)
        if kind == "starting":
            time.sleep(random.uniform(0, STARTING))
            self._restart("again, perhaps before it was back")
        self._server.wait()
        if kind == "twice":
            time.sleep(random.uniform(0, SOON))
            self._restart("again")
            self._server.wait()

    def _restart(self, kind: str) -> None:
        self.kills += 1
        self._server.control.kill()
        for worker in self._workers:
            worker.history.note("", f"---- killed ({kind})")
        self._server.control.start()

    def _audit(self, random: Random) -> None:
        for members in self._members:
            members.audit()
        self._shared.audit()
        for worker in self._workers:
            worker.audit(random)


def _own(random: Random) -> Random:
    """A source of chance for one thread."""
    return Random(random.random())
