"""Several machines in one: network namespaces with links between them that can be cut. Linux, with iproute2.

A test below `@in_a_network_of_its_own` runs in a pytest of its own, in a namespace where nothing is but what it makes
there: no privileges are needed. That is the *field*: `async with machines(3) as found:` connects machines to it.
"""

import asyncio
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INSIDE = "CSE_TEST_NAMESPACE"
CAP_SYS_ADMIN = 21
FIELD = "10.77.0.254"  # the address of the field in the network that connects it with the machines
DEVICES = "10.78.0.0/16"  # addresses that lead to the field, for thousands of devices
PORT = 8080


def in_a_network_of_its_own(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test that may only be run in there."""
    if INSIDE in os.environ:
        return test

    @functools.wraps(test)
    def outside(**_: Any) -> None:
        assert shutil.which("ip"), "machines are connected by the program ip: install the package iproute2"
        node = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
        options = ("-q", "-rP", "-p", "no:cacheprovider", "--numprocesses=0", "--long")
        environment, command = os.environ | {INSIDE: "1"}, [*_unshare(), sys.executable, "-m", "pytest", *options, node]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        print(done.stdout)  # noqa: T201 - pytest shows it if the test fails, and with -rP
        assert done.returncode == 0, done.stderr

    return outside


def _unshare() -> list[str]:
    """The command behind which a program has a network of its own; nobody else needs the rights of root for that."""
    capabilities = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff")
    )
    if int(capabilities.split()[1], 16) >> CAP_SYS_ADMIN & 1:
        return ["unshare", "--net"]
    return ["unshare", "--user", "--map-current-user", "--keep-caps", "--net"]


@dataclass
class Machine:
    """A machine at an address; commands behind `inside` run there, and end with this process."""

    name: str
    address: str
    inside: tuple[str, ...]

    async def cut(self) -> None:
        """Nothing comes through any more."""
        await run("ip", "link", "set", self.name, "down")

    async def mend(self) -> None:
        """Everything comes through again."""
        await run("ip", "link", "set", self.name, "up")


@asynccontextmanager
async def machines(count: int) -> AsyncIterator[list[Machine]]:
    """So many, on one link with the field, as its addresses have it."""
    await run("ip", "link", "set", "lo", "up")
    await run("ip", "link", "add", "name", "field", "type", "bridge", "mcast_snooping", "0")
    await run("ip", "address", "add", f"{FIELD}/16", "dev", "field")
    await run("ip", "link", "set", "field", "up")
    await run("ip", "route", "add", "local", DEVICES, "dev", "lo")
    holders = [await _hold() for _ in range(count)]
    try:
        yield [await _connect(number, holder.pid) for number, holder in enumerate(holders, 1)]
    finally:
        for holder in holders:
            holder.kill()
            await holder.communicate()
        await run("ip", "link", "delete", "field")


async def _hold() -> asyncio.subprocess.Process:
    """A process in a network of its own, which is there as long as the process."""
    program = ("setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo; exec sleep infinity")
    holder = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert holder.stdout is not None
    await holder.stdout.readline()
    return holder


async def _connect(number: int, holder: int) -> Machine:
    name, address, enter = f"m{number}", f"10.77.0.{number}", ("nsenter", f"--net=/proc/{holder}/ns/net")
    await run("ip", "link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", str(holder))
    await run("ip", "link", "set", name, "master", "field", "up")
    await run(*enter, "ip", "link", "set", "lo", "up")
    await run(*enter, "ip", "address", "add", f"{address}/16", "dev", "uplink")
    await run(*enter, "ip", "link", "set", "uplink", "up")
    await run(*enter, "ip", "route", "add", DEVICES, "via", FIELD)
    return Machine(name, address, (*enter, "setpriv", "--pdeathsig", "KILL"))


async def run(*command: str) -> None:
    """A command that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, f"{' '.join(command)}: {output.decode()}"
