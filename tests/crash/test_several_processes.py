"""Several processes on one PostgreSQL: one of them is killed while the others go on, or the database itself."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from conformance.crash.driver import Plan
from conformance.crash.server import Program
from tests.crash.runs import Note, command, free_port, survive
from tests.postgresql import Server, new_database

WORKERS = 3
FEW, MANY = 2, 25


class Family(Program):
    """`cse serve --workers`, of which one process at a time is killed; its supervisor starts another one.

    Every other time it is the oldest, which mostly is the conductor and has most of the connections.
    """

    def __init__(self, command: list[str], log: Path) -> None:
        super().__init__(command, log)
        self._random = Random(5)
        self._kills = 0

    def start(self) -> None:
        if self.number is None:
            super().start()

    def kill(self) -> None:
        if workers := self._workers():
            victim = self._random.choice(workers) if self._kills % 2 else workers[0]
            self._kills += 1
            os.kill(victim, signal.SIGKILL)

    def stop(self) -> None:
        super().kill()

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.number}/task/{self.number}/children")
        return [int(number) for number in children.read_text().split()]


class Shaken(Program):
    """The same; it is PostgreSQL that crashes."""

    def __init__(self, command: list[str], log: Path, database: Server) -> None:
        super().__init__(command, log)
        self._database = database

    def start(self) -> None:
        if self.number is None:
            super().start()
        else:
            self._database.start()

    def kill(self) -> None:
        self._database.stop(signal.SIGQUIT)

    def stop(self) -> None:
        super().kill()


@pytest.fixture
def database() -> Iterator[Server]:
    server = Server(durable=True)
    yield server
    server.close()


def one_by_one(folder: Path, plan: Plan, note: Note) -> None:
    port = free_port()
    words = command(folder, port, new_database(), "--workers", str(WORKERS))
    survive(Family(words, folder / "cse.log"), port, plan, note)


def database_crashes(folder: Path, database: Server, plan: Plan, note: Note) -> None:
    port = free_port()
    words = command(folder, port, new_database(database.url), "--workers", str(WORKERS))
    survive(Shaken(words, folder / "cse.log", database), port, plan, note)


def test_one_process_is_killed(tmp_path: Path, record_property: Note) -> None:
    one_by_one(tmp_path, Plan(1, FEW), record_property)


def test_the_database_crashes(tmp_path: Path, database: Server, record_property: Note) -> None:
    database_crashes(tmp_path, database, Plan(1, FEW), record_property)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_one_process_is_killed_often(tmp_path: Path, record_property: Note) -> None:
    one_by_one(tmp_path, Plan(201, MANY), record_property)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_database_crashes_often(tmp_path: Path, database: Server, record_property: Note) -> None:
    database_crashes(tmp_path, database, Plan(202, MANY), record_property)
