"""The programs that are measured, each in a process of its own, on free ports of the loopback interface."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import Address, LoadError

START_UP, REGISTRATION, SHUT_DOWN = 120.0, 1800.0, 15.0  # seconds
ADDRESS = re.compile(rb"at http://([\d.]+):(\d+)")
CSE = str(Path(sys.executable).with_name("cse"))


class StartUpError(LoadError):
    """A program that did not say where it is."""


class Program(NamedTuple):
    """A program that runs: where it listens, and the number of its process."""

    address: Address
    process: int


@asynccontextmanager
async def started(*command: str, patience: float = START_UP) -> AsyncIterator[Program]:
    """Start a program, wait for its line `... at http://HOST:PORT`, and stop it in the end."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        address = await asyncio.wait_for(_address(process, " ".join(command)), patience)
        yield Program(address, process.pid)
    finally:
        await _stop(process)


@asynccontextmanager
async def running(*command: str, patience: float = START_UP) -> AsyncIterator[Address]:
    """The same, when only its address matters."""
    async with started(*command, patience=patience) as program:
        yield program.address


async def _address(process: asyncio.subprocess.Process, name: str) -> Address:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := ADDRESS.search(line):
            return Address(found[1].decode(), int(found[2]))
    raise StartUpError(f"{name} ended before it was ready, with exit status {await process.wait()}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), SHUT_DOWN)
    except TimeoutError:
        process.kill()
        await process.communicate()


def reference(*options: str) -> AbstractAsyncContextManager[Program]:
    """The endpoint that everything is compared with; with `--bare` without Starlette."""
    return started(sys.executable, "-m", "benchmarks.reference", *options)


def sink(*options: str) -> AbstractAsyncContextManager[Address]:
    """What plays HTTP devices and subscribers; with `--close` it keeps no connection."""
    return running(sys.executable, "-m", "benchmarks.sink", *options)


def cse(folder: Path, *settings: str, store: str = "") -> AbstractAsyncContextManager[Program]:
    """Our server with its data in a folder, by default in SQLite; `settings` are SECTION.KEY=VALUE."""
    assignments = [argument for setting in settings for argument in ("--set", setting)]
    kind = ["--store", store] if store else []
    return started(CSE, "serve", "--port", "0", *kind, "--data", str(folder), *assignments)


def udp_meters(address: Address, port: int, *options: str) -> AbstractAsyncContextManager[Address]:
    """Simulated meters on one UDP port; ready when all are registered at the server."""
    return running(
        CSE,
        "meters",
        "udp",
        "--cse",
        "http://{}:{}".format(*address),
        "--port",
        str(port),
        *options,
        patience=REGISTRATION,
    )


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of the loopback interface that nobody uses now, of UDP or (SOCK_STREAM) of TCP."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
