"""Runs of the crash suite against `cse serve`."""

import socket
from collections.abc import Callable
from pathlib import Path

from conformance.client import Target
from conformance.crash.driver import Driver, Plan
from conformance.crash.findings import Findings
from conformance.crash.server import Control, Server
from tests.programs import CSE
from tests.servers import ADMIN

Note = Callable[[str, object], None]

HOST = "127.0.0.1"
SETTINGS = ("http-unicast.backoff=0.2", "http-unicast.backoff_limit=1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def target(url: str) -> Target:
    return Target(url, "/id-in", "cse-in", "cse.example", ADMIN)


def command(folder: Path, port: int, store: str, *options: str) -> list[str]:
    """The command line of a server."""
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    words = [str(CSE), "serve", "--port", str(port), "--store", store, "--data", str(folder / "data")]
    return [*words, *settings, *options]


def survive(control: Control, port: int, plan: Plan, note: Note) -> Findings:
    """Nothing acknowledged is lost in all these rounds; `note` is the fixture `record_property`."""
    driver = Driver(Server(target(f"http://{HOST}:{port}"), control), plan, HOST)
    driver.run()
    note("numbers", f"seed {plan.seed}: {driver.summary()}")
    assert not driver.findings.violations, driver.findings.shown()
    assert driver.rounds == plan.rounds
    assert driver.kills >= plan.rounds
    assert driver.findings.checked > 20 * plan.rounds
    return driver.findings
