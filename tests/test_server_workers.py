"""`cse serve --workers N`: processes behind one port, on one database, that come and go."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests import postgresql
from tests.crews import LONG, Choose, another, children, conductor, crew, is_alive, persistently, workers
from tests.programs import CSE, Program
from tests.servers import Client, eventually

PARALLEL = 6
MORE = 100  # acknowledgements


@pytest.fixture
def database() -> Iterator[str]:
    url = postgresql.new_database()
    yield url
    postgresql.drop_database(url)


@pytest.fixture
async def server(tmp_path: Path, database: str) -> AsyncIterator[Program]:
    async with workers(tmp_path, database) as one:
        await crew(one.client)
        yield one


async def write(client: Client, writer: int, acknowledged: list[str], end: asyncio.Event) -> None:
    """Create instances, whoever answers; where the connection broke it is not known whether it was done."""
    number = 0
    while not end.is_set():
        name, number = f"i{writer}-{number}", number + 1
        with suppress(aiohttp.ClientError):
            answer = await client.create("/cse-in/box", 4, {"m2m:cin": {"rn": name, "con": name}})
            assert answer.rsc == 2001, answer
            acknowledged.append(name)


async def names(client: Client) -> set[str]:
    found = await client.get("/cse-in/box?fu=1&ty=4")
    return {address.rpartition("/")[2] for address in found.content["m2m:uril"]}


async def test_what_any_of_them_has_acknowledged_the_next_request_sees_at_all_of_them(server: Program) -> None:
    for number in range(30):
        created = await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": f"c{number}"}}, Connection="close")
        assert created.rsc == 2001
        assert (await server.client.get(f"/cse-in/c{number}", Connection="close")).rsc == 2000


@pytest.mark.parametrize(
    ("choose", "number"),
    [(conductor, signal.SIGKILL), (another, signal.SIGKILL), (conductor, signal.SIGTERM)],
    ids=["conductor killed", "another killed", "conductor stopped"],
)
async def test_one_ends_under_load_and_another_one_takes_its_place(
    server: Program, choose: Choose, number: signal.Signals
) -> None:
    acknowledged: list[str] = []
    end = asyncio.Event()
    await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
    writers = [asyncio.create_task(write(server.client, number, acknowledged, end)) for number in range(PARALLEL)]
    before = await crew(server.client)
    ended = await choose(server.client)
    await more(acknowledged)
    os.kill(ended, number)
    await more(acknowledged)
    after = await crew(server.client)
    assert len(before.keys() & after.keys()) == 2
    assert ended not in after
    end.set()
    await asyncio.gather(*writers)
    kept = await names(server.client)
    assert set(acknowledged) <= kept
    assert len(kept) <= len(acknowledged) + PARALLEL
    box = (await server.client.get("/cse-in/box")).resource
    assert (box["cni"], box["st"], box["cbs"]) == (len(kept), len(kept), sum(map(len, kept)))


async def more(acknowledged: list[str]) -> None:
    """Wait until more has been written."""
    wanted = len(acknowledged) + MORE
    await eventually(lambda: asyncio.sleep(0), lambda _: len(acknowledged) >= wanted, LONG)


async def test_all_stop_together_and_nobody_is_left(server: Program) -> None:
    processes = children(server.process)
    assert len(processes) == 3
    server.send(signal.SIGTERM)
    assert await server.ended() == 0
    assert not any(map(is_alive, processes))


async def test_workers_do_not_outlive_the_one_that_has_started_them(server: Program) -> None:
    processes = children(server.process)
    await server.kill()
    await eventually(lambda: asyncio.sleep(0), lambda _: not any(map(is_alive, processes)), LONG)


async def test_who_hangs_loses_its_place_and_ends_when_it_learns_that(server: Program) -> None:
    stopped = await conductor(server.client)
    os.kill(stopped, signal.SIGSTOP)
    await eventually(lambda: _conducted_by_another(server.client, stopped), bool, LONG)
    os.kill(stopped, signal.SIGCONT)
    await eventually(lambda: asyncio.sleep(0), lambda _: not is_alive(stopped), LONG)
    assert stopped not in await crew(server.client)


async def _conducted_by_another(client: Client, stopped: int) -> bool:
    health = await persistently(lambda: client.get("/.cse/health", Connection="close"))
    return health.content["conducts"] and health.content["pid"] != stopped


@pytest.mark.long
async def test_a_database_that_restarts_takes_nobody_with_it_for_long(tmp_path: Path) -> None:
    own = postgresql.Server(durable=True)
    try:
        async with workers(tmp_path, own.url) as server:
            await crew(server.client)
            await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
            own.stop(signal.SIGQUIT)
            own.start()
            await crew(server.client)
            assert (await server.client.get("/cse-in/box")).rsc == 2000
            created = await server.client.create("/cse-in/box", 4, {"m2m:cin": {"con": "1"}})
            assert created.rsc == 2001
    finally:
        own.close()


@pytest.mark.parametrize("store", ["sqlite:///cse.sqlite", "memory:", "tinydb:///tree"])
async def test_a_store_of_one_process_is_refused(tmp_path: Path, store: str) -> None:
    code, said = await fails(tmp_path, "--workers", "2", "--store", store)
    assert code == 1
    assert said == "Error: --workers needs a store that processes can share: set store to postgresql://...\n"


async def test_without_a_database_it_says_so_once_and_ends(tmp_path: Path) -> None:
    store = f"postgresql://cse:secret@/cse?host={tmp_path}"
    code, said = await fails(tmp_path, "--workers", "3", "--store", store)
    assert code == 1
    assert said.count("Error: ") == said.count("store in [server]") == 1
    assert "cannot reach the database" in said
    assert "secret" not in said


async def fails(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and complaint of a server that does not start."""
    process = await asyncio.create_subprocess_exec(
        CSE, "serve", "--port", "0", *arguments, cwd=folder, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), LONG)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_the_password_of_the_database_is_not_shown(tmp_path: Path, database: str) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            CSE, "serve", "--port", "0", "--store", database, "--log-level", "debug",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
        assert process.stdout is not None
        greeting = await asyncio.wait_for(process.stdout.readline(), LONG)
        process.terminate()
        rest, _ = await process.communicate()
    assert b"resources in postgresql://cse@/" in greeting
    assert b"secret" not in greeting + rest + (tmp_path / "log").read_bytes()
