"""The CSE under test, applications that are removed after each test, and a receiver of notifications."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.client import AE, Application, Client, Target, new_name
from conformance.receiver import Receiver, receiving

ADDRESS = re.compile(r"at (http://[\d.:]+)")
SHUT_DOWN = 10.0  # seconds

Register = Callable[..., Application]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--cse", help="URL of the CSE under test; without it one is started from this environment")
    group.addoption("--cse-id", default="/id-in", help="its CSE-ID (/id-in)")
    group.addoption("--cse-name", default="cse-in", help="the resource name of its CSEBase (cse-in)")
    group.addoption("--service-provider", default="cse.example", help="its service provider domain (cse.example)")
    group.addoption("--originator", default="CAdmin", help="an originator that may do everything there (CAdmin)")
    group.addoption("--receiver-host", default="127.0.0.1", help="address where the CSE reaches this machine")


@pytest.fixture(scope="session")
def cse(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    def target(url: str) -> Target:
        names = ("cse_id", "cse_name", "service_provider", "originator")
        return Target(url, *map(pytestconfig.getoption, names))

    if url := pytestconfig.getoption("cse"):
        yield target(url)
        return
    with own_server(tmp_path_factory.mktemp("cse"), pytestconfig) as address:
        yield target(address)


@contextmanager
def own_server(folder: Path, config: pytest.Config) -> Iterator[str]:
    """Start `cse serve` with the names that the options state; its address."""
    program = str(Path(sys.executable).with_name("cse"))
    command = [program, "serve", "--port", "0", "--store", "memory:", "--data", str(folder)]
    for setting, option in (("cse_id",) * 2, ("cse_name",) * 2, ("service_provider",) * 2):
        command += ["--set", f"server.{setting}={config.getoption(option)}"]
    command += ["--set", f"server.admin_originator={config.getoption('originator')}"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = ADDRESS.search(process.stdout.readline())
            assert found, f"{' '.join(command)} did not start"
            yield found[1]
        finally:
            process.terminate()
            process.wait(SHUT_DOWN)


@pytest.fixture
def admin(cse: Target) -> Client:
    """Who may do everything."""
    return Client(cse, cse.administrator)


@pytest.fixture
def register(cse: Target, admin: Client) -> Iterator[Register]:
    """Registers applications and removes them, with all below them, after the test."""
    registered: list[Application] = []

    def register(**attributes: Any) -> Application:
        entity = {"rn": new_name(), "api": "N.conformance", "rr": True, "srv": ["3"]} | attributes
        application = Application(cse, Client(cse, "C").create(cse.name, AE, entity).resource(2001))
        registered.append(application)
        return application

    yield register
    for application in registered:
        for leftover in (*application.leftovers, application.path):
            admin.delete(leftover).expect(2002, 4004)


@pytest.fixture
def ae(register: Register) -> Application:
    """The application of the test."""
    return register()


@pytest.fixture
def stranger(register: Register) -> Application:
    """Another application, without any privilege for what the first one makes."""
    return register()


@pytest.fixture
def receiver(pytestconfig: pytest.Config) -> Iterator[Receiver]:
    """Where notifications go."""
    with receiving(pytestconfig.getoption("receiver_host")) as receiver:
        yield receiver


@pytest.fixture
def listener(register: Register, receiver: Receiver) -> Application:
    """An application whose pointOfAccess is the receiver."""
    return register(poa=[receiver.url])
