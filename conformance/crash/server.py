"""The CSE under test: how to reach, start and kill it."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from conformance.client import Answer, Attributes, Client, NoAnswer, Target

PATIENCE = 60.0  # seconds until a CSE that was started must answer
PAUSE = 0.02


class NotBack(Exception):
    """The CSE does not answer any more, though it was started."""


class Control(ABC):
    """How a CSE is started and killed."""

    @abstractmethod
    def start(self) -> None:
        """Start it; it need not answer yet."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, whatever it is doing; also if it has just been started, or has ended by itself."""

    def stop(self) -> None:
        """End it for good, with all that belongs to it."""
        self.kill()


class Program(Control):
    """A program that is the CSE; it and whatever it starts are killed with SIGKILL."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)

    @property
    def number(self) -> int | None:
        """Of its process; None if there is none."""
        return self._process.pid if self._process is not None else None

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@dataclass
class Commands(Control):
    """Command lines for a CSE that runs elsewhere, or for what it depends on."""

    start_command: str
    kill_command: str

    def start(self) -> None:
        subprocess.run(self.start_command, shell=True, check=True)

    def kill(self) -> None:
        subprocess.run(self.kill_command, shell=True, check=False)


class Server:
    """A CSE that comes and goes."""

    def __init__(self, target: Target, control: Control) -> None:
        self.target, self.control = target, control
        self.client = Client(target, target.administrator)

    def answers(self) -> bool:
        """Whether it takes requests at the moment."""
        try:
            return self.client.retrieve(self.target.name).rsc == 2000
        except NoAnswer:
            return False

    def wait(self) -> None:
        """Return when it answers; NotBack if it does not."""
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if time.monotonic() > deadline:
                raise NotBack(f"{self.target.url} does not answer {PATIENCE:g} s after its start")
            time.sleep(PAUSE)

    def retrieve(self, path: str, **query: object) -> Answer:
        """A retrieval that is repeated until it is answered, by success or refusal."""
        while True:
            try:
                answer = self.client.retrieve(path, **query)
                if decided(answer):
                    return answer
            except NoAnswer:
                pass
            self.wait()

    def attributes(self, path: str, **query: object) -> Attributes | None:
        """Those of a resource, None if there is none."""
        answer = self.retrieve(path, **query)
        return answer.resource(2000) if answer.rsc == 2000 else None


def decided(answer: Answer) -> bool:
    """Whether an answer says what became of the request; after an error of the server's own nobody knows."""
    return answer.rsc > 0 and answer.status < 500
