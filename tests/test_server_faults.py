"""What can go wrong around a whole server: disks, files, a second server, power. Nothing acknowledged is lost by it."""

import asyncio
import os
import resource as limits
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.programs import CSE, Program, program
from tests.servers import PATIENCE, Client, eventually

STORES = {"sqlite": "sqlite:///data/cse.sqlite", "tinydb": "tinydb:///data/cse"}
DAMAGED = {"sqlite": "damaged", "tinydb": "not as it was written"}
WRITERS = 4
PATTERN = b"\0" * 600
UNLIMITED = limits.RLIM_INFINITY

engines = pytest.mark.parametrize("engine", STORES)


class Writers:
    """Create instances in one container from several connections, and know which were acknowledged."""

    def __init__(self, client: Client) -> None:
        self.acknowledged: list[str] = []
        self.failures: list[str] = []
        self._client = client

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._write(number)) for number in range(WRITERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def more(self, count: int) -> None:
        """Wait for so many acknowledgements."""
        wanted = len(self.acknowledged) + count
        await eventually(lambda: asyncio.sleep(0), lambda _: len(self.acknowledged) >= wanted)

    async def _write(self, writer: int) -> None:
        for number in range(100_000):
            name = f"i{writer}-{number}"
            answer = await self._client.create("/cse-in/box", 4, {"m2m:cin": {"rn": name, "con": name}})
            if answer.rsc == 2001:
                self.acknowledged.append(name)
            else:
                assert (answer.rsc, answer.status) == (5000, 500), answer
                self.failures.append(answer.debug)


async def instances(client: Client) -> set[str]:
    """The names of what is in the box, whose counters agree."""
    found = (await client.get("/cse-in/box?rcn=4")).resource
    children = found.get("m2m:cin", [])
    assert found["cni"] == len(children)
    assert found["cbs"] == sum(len(child["con"]) for child in children)
    return {child["rn"] for child in children}


async def refusal(folder: Path, store: str, inside: Sequence[str] = ()) -> str:
    """What `cse serve` says when it does not start."""
    process = await asyncio.create_subprocess_exec(
        *inside, CSE, "serve", "--port", "0", "--data", "data", "--store", store,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        output, errors = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert errors.count(b"\n") == 1
    return errors.decode()


def limit_files(server: Program, most: int) -> None:
    """No file of the server can grow beyond so many bytes; a write that would is refused, as on a full disk."""
    limits.prlimit(server.process, limits.RLIMIT_FSIZE, (most, UNLIMITED))


@engines
async def test_a_full_disk_is_said_and_passes(engine: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()  # a file would be full as well
    with os.fdopen(reading) as said, os.fdopen(writing, "wb") as log:
        async with program(tmp_path, f"server.store={STORES[engine]}", log=log) as server:
            client = server.client
            await client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
            later = await client.create("/cse-in/box?rt=1", 3, {"m2m:cnt": {"rn": "later"}}, X_M2M_OET="PT0.3S")
            assert later.rsc == 1001
            writers = Writers(client)
            async with writers.writing():
                await writers.more(20)
                limit_files(server, 1)
                await eventually(lambda: asyncio.sleep(0), lambda _: len(writers.failures) > 50)
                assert set(writers.acknowledged) <= await instances(client)
                limit_files(server, UNLIMITED)
                await writers.more(20)
            path = f"/{later.content['m2m:uri']}"
            await eventually(lambda: client.get(path), lambda request: request.resource["rs"] in (1, 2))
            await server.kill()
            await server.start()
            assert set(writers.acknowledged) <= await instances(server.client)
        log.close()
        assert said.read().count("requests fail because the store does") == 1
    assert set(writers.failures) == {"the CSE can't store anything now, the operator has to see to it: try later"}


@engines
async def test_a_folder_that_can_not_be_written(engine: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o555)
    obey = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-all"] if os.geteuid() == 0 else []
    sentence = await refusal(tmp_path, STORES[engine], obey)
    assert sentence.startswith("Error: store in [server]: cannot use data/cse")
    assert list(folder.iterdir()) == []


@engines
async def test_a_damaged_file_is_left_as_it_is(engine: str, tmp_path: Path) -> None:
    async with program(tmp_path, f"server.store={STORES[engine]}") as server:
        await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box", "lbl": ["x" * 3000]}})
        await server.kill(signal.SIGTERM)
    file = tmp_path / STORES[engine].partition(":///")[2]
    content = bytearray(file.read_bytes())
    content[100 : 100 + len(PATTERN)] = PATTERN
    file.write_bytes(content)
    sentence = await refusal(tmp_path, STORES[engine])
    assert DAMAGED[engine] in sentence
    assert file.read_bytes() == content


@engines
async def test_a_second_server_is_refused(engine: str, tmp_path: Path) -> None:
    async with program(tmp_path, f"server.store={STORES[engine]}") as server:
        assert "another server has it open" in await refusal(tmp_path, STORES[engine])
        assert (await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})).rsc == 2001
        await server.kill()
        await server.start()
        assert (await server.client.get("/cse-in/box")).rsc == 2000


async def power_fails(engine: str, folder: Path, seed: int, moments: int) -> None:
    """At some moments under load everything stops, and what is in the files then is all that is left."""
    random = Random(seed)
    known: list[tuple[Path, list[str]]] = []
    async with program(folder, f"server.store={STORES[engine]}") as server:
        await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
        writers = Writers(server.client)
        async with writers.writing():
            for number in range(moments):
                await writers.more(random.randint(5, 60))
                server.send(signal.SIGSTOP)
                known.append((folder / f"copy{number}", list(writers.acknowledged)))
                shutil.copytree(folder / "data", known[-1][0] / "data")
                server.send(signal.SIGCONT)
    assert not writers.failures
    for copy, acknowledged in known:
        async with program(copy, f"server.store={STORES[engine]}") as server:
            assert set(acknowledged) <= await instances(server.client)


@engines
async def test_the_power_fails(engine: str, tmp_path: Path) -> None:
    await power_fails(engine, tmp_path, 1, 2)


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
@engines
async def test_the_power_fails_often(engine: str, seed: int, tmp_path: Path) -> None:
    await power_fails(engine, tmp_path, seed, 20)


@engines
async def test_a_store_that_can_not_be_written_any_more_is_read(engine: str, tmp_path: Path) -> None:
    async with program(tmp_path, f"server.store={STORES[engine]}") as server:
        await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
        limit_files(server, 1)
        assert (await server.client.delete("/cse-in/box")).rsc == 5000
        assert (await server.client.update("/cse-in/box", {"m2m:cnt": {"lbl": ["new"]}})).rsc == 5000
        assert "lbl" not in (await server.client.get("/cse-in/box")).resource
