"""Servers for the tests: see `tests.servers` for what they can do."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from cse.testing.clock import ManualClock
from tests.frozen import freeze
from tests.servers import Client, Listener, Running, serving

# The same examples in every run, and however busy the machine is; scripts/fuzz takes others, which follow from a seed.
STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
RANDOM = settings(STEADY, derandomize=False, database=None, print_blob=True, max_examples=25)
settings.register_profile("steady", STEADY)
settings.register_profile("random", RANDOM)
settings.register_profile("thorough", RANDOM, max_examples=500)
settings.load_profile("steady")


@pytest.fixture
def clock() -> ManualClock:
    """Stands still until a test moves it."""
    return ManualClock()


@pytest.fixture
async def cse(clean_log: None) -> AsyncIterator[Running]:
    """A server in this process with everything as it is by default, resources in memory; see `tests.frozen`."""
    async with serving() as running:
        freeze(running.server.core.store)
        yield running


@pytest.fixture
async def stopped_clock_cse(clean_log: None, clock: ManualClock) -> AsyncIterator[Running]:
    """The same with the test's `clock`."""
    async with serving(clock=clock) as running:
        freeze(running.server.core.store)
        yield running


@pytest.fixture
async def home(cse: Running) -> Running:
    """AE Capp with container box (one instance), group meters, policy rules and a subscription news on the box."""
    client = cse.client
    await client.register("app", "loopback://app")
    everything = {"acr": [{"acor": ["Capp"], "acop": 63}]}
    await client.create("/cse-in/app", 1, {"m2m:acp": {"rn": "rules", "pv": everything, "pvs": everything}}, "Capp")
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
    await client.create("/cse-in/app/box", 4, {"m2m:cin": {"rn": "one", "con": "1"}}, "Capp")
    await client.create("/cse-in/app", 9, {"m2m:grp": {"rn": "meters", "mnm": 5, "mid": ["Capp"]}}, "Capp")
    await client.create("/cse-in/app/box", 23, {"m2m:sub": {"rn": "news", "nu": ["Capp"]}}, "Capp")
    return cse


@pytest.fixture
def client(cse: Running) -> Client:
    """A client of the server `cse`."""
    return cse.client


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Somebody to be notified."""
    async with Listener() as listening:
        yield listening


@pytest.fixture
def clean_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever the test does, the server must not log an error or a traceback."""
    yield
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    failures = [record.getMessage() for record in records if record.levelno >= logging.ERROR or record.exc_info]
    assert not failures
