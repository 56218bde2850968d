"""Random trees of groups over several CSEs: whatever they look like, each member has one row, and all add up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cse.app import Server
from cse.config import Settings
from cse.fanout.report import campaign_report, find_campaign
from cse.network import Delivery, Engine, Host, Network, Offer, Reach, Way, addresses
from cse.primitive import Operation, Request, Response, ResponseType
from cse.testing.clock import ManualClock
from cse.work import Work
from tests.servers import eventually

NAMES = ["in", "mn", "far"]
GONE = "gone"  # a CSE that nobody knows a way to
SCHEME = "bridge"
FOUND, FORBIDDEN, UNREACHABLE = 2000, 4103, 5103


class Bridge(Network):
    """Carries requests from one server in this process to another."""

    name = SCHEME

    def __init__(self, servers: dict[str, Server]) -> None:
        self._servers = servers

    async def start(self, engine: Engine) -> None:
        self._engine = engine

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        offer = Offer(SCHEME, SCHEME, False, 0, 1, 0, 1, 1_000_000)
        return [[Way(offer, address) for address in addresses(host, SCHEME)] for host in hosts]

    async def deliver(self, delivery: Delivery) -> None:
        server = self._servers[delivery.address.rpartition("-")[2]]
        for host in delivery.hosts:
            request = delivery.request.derive(to=host.address(delivery.request))
            response = await server.requests.handle(request)
            self._engine.answer(request.request_identifier, host.id, response, self.name)


@dataclass
class Leaf:
    """A container that is there for everybody, or not for everybody, or at a CSE that can't be reached."""

    home: str
    code: int
    name: str = ""


@dataclass
class Node:
    """A group."""

    home: str
    children: list["Leaf | Node"]
    name: str = ""


@dataclass
class Forest:
    """The servers, and how many trees have been planted."""

    servers: dict[str, Server]
    numbers: Any = field(default_factory=count)

    async def ask(self, home: str, operation: Operation, to: str, originator: str = "CAdmin", **more: Any) -> Response:
        request = Request(operation, to, originator, f"r{next(self.numbers)}", release_version="3", **more)
        return await self.servers[home].requests.handle(request)

    async def create(self, home: str, parent: str, ty: int, originator: str = "CAdmin", **root: Any) -> None:
        ((name, attributes),) = root.items()
        content = {f"m2m:{name}": attributes}
        response = await self.ask(home, Operation.CREATE, parent, originator, resource_type=ty, content=content)
        assert response.status_code == 2001, response.content

    async def plant(self, node: Leaf | Node, viewed_from: str) -> str:
        """Make it; its address as a member of a group at that server."""
        node.name = f"x{next(self.numbers)}"
        if isinstance(node, Node):
            members = [await self.plant(child, node.home) for child in node.children]
            attributes = {"rn": node.name, "mnm": 99, "mid": members, "macp": [f"cse-{node.home}/open"]}
            await self.create(node.home, "-", 9, grp=attributes)
        elif node.home != GONE:
            policy = {"acpi": [f"cse-{node.home}/open"]} if node.code == FOUND else {}
            await self.create(node.home, "-", 3, cnt={"rn": node.name, **policy})
        return address_of(node, viewed_from)


def address_of(node: Leaf | Node, viewed_from: str) -> str:
    path = f"cse-{node.home}/{node.name}" + ("/fopt" if isinstance(node, Node) else "")
    return path if node.home == viewed_from else f"/id-{node.home}/{path}"


def expected(node: Node) -> dict[str, Any]:
    """What each member of a group is to answer; groups at the same CSE are opened, others are one item."""
    found: dict[str, Any] = {}
    for child in node.children:
        if isinstance(child, Leaf):
            found[address_of(child, node.home)] = child.code
        elif child.home == node.home:
            found |= expected(child)
        else:
            found[address_of(child, node.home)] = expected(child)
    return found


def seen(response: Any) -> dict[str, Any]:
    """The same of an aggregate; that a member is named twice is an error."""
    found: dict[str, Any] = {}
    for item in response["m2m:agr"]["m2m:rsp"]:
        assert item["fr"] not in found
        nested = isinstance(item.get("pc"), dict) and "m2m:agr" in item["pc"]
        found[item["fr"]] = seen(item["pc"]) if nested else item["rsc"]
    return found


def leaves() -> st.SearchStrategy[Leaf]:
    there = st.builds(Leaf, st.sampled_from(NAMES), st.sampled_from([FOUND, FOUND, FORBIDDEN]))
    elsewhere = st.builds(Leaf, st.just(GONE), st.just(UNREACHABLE))
    return there | elsewhere


def nodes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    return st.builds(Node, st.sampled_from(NAMES), st.lists(children, min_size=1, max_size=4))


TREES = st.builds(Node, st.just("in"), st.lists(st.recursive(leaves(), nodes, max_leaves=12), min_size=1, max_size=5))


@asynccontextmanager
async def forest() -> AsyncIterator[Forest]:
    """Three servers that know each other."""
    servers: dict[str, Server] = {}
    async with AsyncExitStack() as held:
        for name in NAMES:
            values = {"server": {"store": "memory:", "cse_id": f"/id-{name}", "cse_name": f"cse-{name}"}}
            server = Server(Settings(values), clock=ManualClock(), networks=[Bridge(servers)])
            servers[name] = await held.enter_async_context(server.running())
        found = Forest(servers)
        everybody = {"acr": [{"acor": ["all"], "acop": 63}]}
        for home in NAMES:
            await found.create(home, "-", 1, acp={"rn": "open", "pv": everybody, "pvs": everybody})
            for other in set(NAMES) - {home}:
                poa = [f"{SCHEME}://id-{other}"]
                neighbour = {
                    "rn": f"id-{other}",
                    "cb": f"/id-{other}/cse-{other}",
                    "rr": True,
                    "srv": ["3"],
                    "poa": poa,
                }
                await found.create(home, "-", 16, f"/id-{other}", csr=neighbour)
        yield found


async def harvest(found: Forest, tree: Node) -> None:
    """Read the whole tree and compare."""
    group = await found.plant(tree, "in")
    accepted = await found.ask(
        "in",
        Operation.RETRIEVE,
        group,
        "Cin",
        response_type=ResponseType.NON_BLOCKING_SYNCH,
    )
    request = accepted.content["m2m:uri"]
    result = await eventually(lambda: found.ask("in", Operation.RETRIEVE, request), is_complete)
    answers = expected(tree)
    assert seen(result.content["m2m:req"]["ors"]["pc"]) == answers
    states = (await found.servers["in"].core.read(lambda work: report(work, request)))["states"]
    assert sum(states.values()) == len(answers)
    assert states["waiting"] == 0


def is_complete(answer: Response) -> bool:
    return answer.content["m2m:req"]["rs"] in (1, 2)


def report(work: Work, request: str) -> dict[str, Any]:
    campaign = find_campaign(work, request)
    assert campaign is not None
    return campaign_report(work, campaign)


def test_each_member_has_one_row_and_all_add_up() -> None:
    with asyncio.Runner() as runner:
        held = AsyncExitStack()
        found = runner.run(held.enter_async_context(forest()))

        @settings(max_examples=30, deadline=None)
        @given(TREES)
        def check(tree: Node) -> None:
            runner.run(harvest(found, tree))

        try:
            check()
        finally:
            runner.run(held.aclose())
