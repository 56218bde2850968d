"""Large stores, filled by units of work as the server's own, without HTTP; counters are those of what is there."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.subject import ADMINISTRATOR, AE, CONTAINER, INSTANCE
from cse.store import Resource, Transaction
from cse.store.opening import open_store
from cse.timing import SystemClock, exact_timestamp, timestamp

BASE = "cse-in"
BASE_IDENTIFIER = "id-in"
CONTENT = '{"energy": 1234.5, "unit": "kWh"}'
YEAR = 365 * 86400.0
PART = 500  # resources in one unit


def container(name: str, instances: int, *, lives: float = YEAR, parent: str = BASE) -> Iterator[Resource]:
    """A container with that many instances, which live so many seconds."""
    identifier, path = f"cnt-{parent.rpartition('/')[2]}-{name}", f"{parent}/{name}"
    counters = {"cni": instances, "cbs": instances * len(CONTENT), "st": instances}
    above = BASE_IDENTIFIER if parent == BASE else _entity_identifier(parent)
    yield _resource(path, CONTAINER, identifier, above, _moments(YEAR) | counters)
    same = _moments(lives) | {"con": CONTENT, "cs": len(CONTENT)}
    for number in range(1, instances + 1):
        name = f"cin{hash((path, number)) & 0xFFFFFFFFFFFFFFFF:016x}"  # as scattered as those of the server
        yield _resource(f"{path}/{name}", INSTANCE, name, identifier, same | {"st": number})


def containers(count: int, instances: int) -> Iterator[Resource]:
    """Containers below the base, with so many instances each."""
    for number in range(count):
        yield from container(f"readings-{number}", instances)


def entities(count: int, alike: int) -> Iterator[Resource]:
    """AEs with a container each; so many have the same label."""
    for number in range(count):
        entity = _entity(meter(number), {"lbl": ["meter", f"street-{number // alike}"]})
        yield entity
        yield from container("readings", 0, parent=entity.path)


def meters(count: int) -> Iterator[Resource]:
    """AEs with a point of access, without anything in them."""
    for number in range(count):
        yield _entity(meter(number), {"rr": True, "poa": [f"http://127.0.0.1:9/{number}"]})


def meter(number: int) -> str:
    """The name of one of them."""
    return f"meter-{number}"


async def fill(folder: Path, resources: Iterator[Resource]) -> None:
    """Put these into the store of a server in this folder, which is made here if there is none."""
    async with servers.cse(folder):
        pass
    store = open_store(f"sqlite:///{folder}/cse.sqlite", folder)
    await store.open()
    while part := list(islice(resources, PART)):
        await store.run(partial(_insert, part))
    await store.close()


def _insert(resources: list[Resource], transaction: Transaction) -> None:
    for resource in resources:
        transaction.resources.insert(resource)


def _entity(name: str, own: dict[str, Any]) -> Resource:
    path = f"{BASE}/{name}"
    usual = {"api": "N.benchmark", "rr": False, "srv": ["3"], "aei": _entity_identifier(path)}
    return _resource(path, AE, _entity_identifier(path), BASE_IDENTIFIER, _moments(YEAR) | usual | own)


def _entity_identifier(path: str) -> str:
    return f"C{path.rpartition('/')[2]}"


def _moments(lives: float) -> dict[str, str]:
    now = SystemClock().now()
    return {"ct": exact_timestamp(now), "lt": exact_timestamp(now), "et": timestamp(now + lives)}


def _resource(path: str, ty: int, identifier: str, parent: str, own: dict[str, Any]) -> Resource:
    universal = {"ty": ty, "ri": identifier, "pi": parent, "rn": path.rpartition("/")[2]}
    return Resource(path, identifier if ty == AE else ADMINISTRATOR, universal | own)
