"""The CSE under test, applications that are removed after each test, and a receiver of notifications."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.application import Application, new_name
from conformance.client import TIMEOUT, Attributes, Client, NoAnswer, Target
from conformance.purposes import purposes_of
from conformance.receiver import Receiver, receiving
from conformance.samples import Sample, Workshop
from conformance.standard import AE

ADDRESS = re.compile(r"at (http://[\d.:]+)")
SHUT_DOWN = 10.0  # seconds
NOTHING_TO_LOOK_AT = {2002, 4004}

Register = Callable[..., Application]
MakeAtBase = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--cse", help="URL of the CSE under test; without it one is started from this environment")
    group.addoption("--cse-id", default="/id-in", help="its CSE-ID (/id-in)")
    group.addoption("--cse-name", default="cse-in", help="the resource name of its CSEBase (cse-in)")
    group.addoption("--service-provider", default="cse.example", help="its service provider domain (cse.example)")
    group.addoption("--originator", default="CAdmin", help="an originator that may do everything there (CAdmin)")
    group.addoption("--receiver-host", default="127.0.0.1", help="address where the CSE reaches this machine")
    group.addoption("--purposes", action="store_true", help="list the tests with their purposes, and run nothing")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "purpose(identifier, ...): the test purposes that a conformance test serves")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("purposes"):
        for item in items:
            print(item.nodeid, *purposes_of(item), sep="\t")  # noqa: T201
        items.clear()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names tests after what they try: attributes and criteria are written out."""
    if isinstance(val, Sample):
        return str(val)
    if isinstance(val, dict):
        return ",".join(f"{name}={content}" for name, content in val.items()) or "empty"
    return None


def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """A CSE that has fallen silent is not asked by all the other tests, too."""
    silent = call.excinfo is not None and call.excinfo.errisinstance(NoAnswer)
    cse = node.funcargs.get("cse") if isinstance(node, pytest.Function) else None
    if not silent or not isinstance(cse, Target):
        return
    try:
        answers(cse)
    except NoAnswer as silence:
        node.session.shouldstop = str(silence)


def answers(cse: Target) -> int:
    """The response status code for the CSEBase."""
    return Client(cse, cse.administrator).retrieve(cse.name).rsc


@pytest.fixture(scope="session")
def cse(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    def target(url: str) -> Target:
        names = ("cse_id", "cse_name", "service_provider", "originator")
        return Target(url, *map(pytestconfig.getoption, names))

    if url := pytestconfig.getoption("cse"):
        yield examined(target(url))
        return
    with own_server(tmp_path_factory.mktemp("cse"), pytestconfig) as address:
        yield target(address)


def examined(cse: Target) -> Target:
    """The same; nothing is tried if there is no such CSE."""
    try:
        code = answers(cse)
    except NoAnswer as silence:
        pytest.exit(f"no CSE answers at {cse.url}: {silence}", returncode=2)
    if code != 2000:
        pytest.exit(f"{cse.administrator} can't retrieve {cse.name} at {cse.url}: {code}", returncode=2)
    return cse


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
def remove(admin: Client) -> Iterator[Callable[[str], None]]:
    """Removes resources after the test, those that were made last first."""
    addresses: list[str] = []
    yield addresses.append
    for address in reversed(addresses):
        assert admin.delete(address).rsc in NOTHING_TO_LOOK_AT, f"{address} can't be removed"


@pytest.fixture
def register(cse: Target, remove: Callable[[str], None]) -> Register:
    """Registers applications, which are removed with all below them after the test."""

    def register(**attributes: Any) -> Application:
        entity = {"rn": new_name(), "api": "N.conformance", "rr": True, "srv": ["3"]} | attributes
        application = Application(cse, Client(cse, "C").create(cse.name, AE, entity).resource(2001), remove)
        remove(application.path)
        return application

    return register


@pytest.fixture
def make_at_base(cse: Target, admin: Client, remove: Callable[[str], None]) -> MakeAtBase:
    """Makes resources below the CSEBase in the name of the administrator; returns their paths."""

    def make(ty: int, attributes: Attributes, root: str | None = None) -> str:
        made = admin.create(cse.name, ty, {"rn": new_name()} | attributes, root=root).resource(2001)
        path = f"{cse.name}/{made['rn']}"
        remove(path)
        return path

    return make


@pytest.fixture
def ae(register: Register) -> Application:
    """The application of the test."""
    return register()


@pytest.fixture
def workshop(ae: Application, admin: Client) -> Workshop:
    """Makes samples of many types."""
    return Workshop(ae, admin)


@pytest.fixture
def stranger(register: Register) -> Application:
    """Another application, without any privilege for what the first one makes."""
    return register()


@pytest.fixture(scope="session")
def own_address(cse: Target) -> str:
    """The address from which the CSE sees the requests of the tests come."""
    url = urlsplit(cse.url)
    with socket.create_connection((url.hostname or "", url.port or url.scheme), timeout=TIMEOUT) as connection:
        return str(connection.getsockname()[0])


@pytest.fixture
def receiver(pytestconfig: pytest.Config) -> Iterator[Receiver]:
    """Where notifications go."""
    with receiving(pytestconfig.getoption("receiver_host")) as receiver:
        yield receiver


@pytest.fixture
def listener(register: Register, receiver: Receiver) -> Application:
    """An application whose pointOfAccess is the receiver."""
    return register(poa=[receiver.url])
