"""On what and of what it was measured."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

BUSY = 1.0  # processes; a run that has just ended leaves as much
PACKAGES = ("cse", "starlette", "uvicorn", "uvloop", "httptools", "orjson")


def facts(folder: Path) -> dict[str, str]:
    """Machine, file system of the data folder, and versions."""
    return {
        "CPU": f"{_fact('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}, data on {_file_system(folder)}",
        "load": _load(os.getloadavg()[0]),
        "versions": ", ".join([f"python {platform.python_version()}", *map(_version, PACKAGES)]),
    }


def description(folder: Path) -> Table:
    """The same as a table."""
    return as_table(facts(folder))


def as_table(facts: Mapping[str, str]) -> Table:
    """Facts, one a line."""
    table = Table.grid(padding=(0, 2))
    for fact in facts.items():
        table.add_row(*fact)
    return table


def _load(processes: float) -> str:
    known = f"{processes:.1f} processes wanted a core in the minute before"
    return (
        known if processes < BUSY else f"{known}: too busy for rates and times, only `CPU us` and `x CPU` say something"
    )


def _version(package: str) -> str:
    return f"{package} {version(package)}"


def _fact(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _file_system(folder: Path) -> str:
    """The type of the file system that holds a folder: what `durable` means depends on it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(place, kind) for place, kind in mounts if folder.is_relative_to(place)]
    return max(holding, key=lambda mount: len(mount[0]))[1]
