"""Random histories of a whole server, restarts included, compared with the simplest model of the tree."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cse.app import Server
from cse.config import Settings
from cse.primitive import Operation, Request, Response
from cse.registry import load_plugins
from cse.testing.clock import ManualClock
from cse.timing import precise_timestamp, timestamp
from tests.servers import eventually
from tests.tree_model import AE, BASE, CONTAINER, GROUP, INSTANCE, PARENTS, ROOTS, SERIES, SERIES_INSTANCE, TreeModel

# Without shrinking, which would take minutes: the steps of a history say enough.
SETTINGS = settings(
    max_examples=8,
    stateful_step_count=40,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

names = st.sampled_from(["a", "b", "c"])
positions = st.integers(0, 10**6)  # which of the resources that there are
labels = st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1, max_size=2, unique=True)
seconds = st.sampled_from([1, 5, 60, 3600])
texts = st.text("xyz", max_size=4)
optional_limits = {"mni": st.integers(0, 3), "mbs": st.integers(0, 8), "mia": st.integers(1, 30)}
creations = st.fixed_dictionaries({}, optional={"rn": names, "lbl": labels, "seconds": seconds, **optional_limits})
changes = st.fixed_dictionaries(
    {},
    optional={
        name: st.none() | values for name, values in {"lbl": labels, "seconds": seconds, **optional_limits}.items()
    },
).filter(bool)


plugins = cache(load_plugins)


class Tree(RuleBasedStateMachine):
    """Every request is sent to the server and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.clock = ManualClock()
        self.count = 0
        self.runner.run(self._start())
        paths = [BASE, *self._hits(BASE, {"fu": ["1"]})]
        self.model = TreeModel({path: self._attributes(path) for path in paths}, self.clock.now())

    async def _start(self) -> None:
        path = Path(self.folder.name)
        values = {"server": {"store": f"sqlite:///{path}/cse.sqlite", "data_folder": str(path)}}
        self.server = Server(Settings(values), manager=plugins(), clock=self.clock)
        self.held = AsyncExitStack()
        await self.held.enter_async_context(self.server.running())

    def teardown(self) -> None:
        try:
            for path in self.model.nodes:
                self._look(path)
        finally:
            self.runner.run(self.held.aclose())
            self.runner.close()
            self.folder.cleanup()

    def ask(self, operation: Operation, to: str, originator: str = "CAdmin", **parameters: Any) -> Response:
        """The answer, which is never that the server failed."""
        self.count += 1
        request = Request(operation, to, originator, f"r{self.count}", release_version="3", **parameters)
        response = self.runner.run(self.server.requests.handle(request))
        assert response.status_code < 5000 or response.status_code == 5207, response
        return response

    def place(self, position: int, types: Collection[int] = ()) -> str:
        """One of the resources that there are, or sometimes one that is not there."""
        fitting = [path for path, node in self.model.nodes.items() if not types or node.ty in types]
        return [*fitting, f"{BASE}/a/nowhere"][position % (len(fitting) + 1)]

    def create(self, parent: str, ty: int, content: dict[str, Any], originator: str = "CAdmin") -> Response:
        expected = self.model.expects(parent, ty, content)
        sent = {ROOTS[ty]: self._sent(content)}
        response = self.ask(Operation.CREATE, parent, originator, resource_type=ty, content=sent)
        assert response.status_code == expected, (response, content)
        if response.status_code == 2001:
            self.model.create(parent, ty, response.content[ROOTS[ty]], content)
        return response

    @rule(name=names, content=creations)
    def register(self, name: str, content: dict[str, Any]) -> None:
        if f"{BASE}/app-{name}" not in self.model.nodes:
            wanted = {"lbl": content.get("lbl", ["new"]), "rn": f"app-{name}", "api": "N.x", "rr": False, "srv": ["3"]}
            self.create(BASE, AE, wanted, f"C{name}")

    @rule(position=positions, ty=st.sampled_from([CONTAINER, SERIES]), content=creations)
    def add_container(self, position: int, ty: int, content: dict[str, Any]) -> None:
        self.create(self.place(position, PARENTS[ty]), ty, content)

    @rule(position=positions, ty=st.sampled_from([CONTAINER, SERIES, GROUP]), name=names)
    def add_anywhere(self, position: int, ty: int, name: str) -> None:
        content = {"rn": name} | ({"mnm": 9, "mid": []} if ty == GROUP else {})
        self.create(self.place(position), ty, content)

    @rule(position=positions, contents=st.lists(texts, min_size=1, max_size=6))
    def fill(self, position: int, contents: list[str]) -> None:
        path = self.place(position, [CONTAINER])
        for content in contents:
            self.create(path, INSTANCE, {"con": content})

    @rule(position=positions, measurements=st.lists(st.tuples(st.integers(0, 5), texts), min_size=1, max_size=6))
    def measure(self, position: int, measurements: list[tuple[int, str]]) -> None:
        path = self.place(position, [SERIES])
        for before, content in measurements:
            moment = precise_timestamp(self.clock.now() - before)
            self.create(path, SERIES_INSTANCE, {"con": content, "dgt": moment})

    @rule(members=st.lists(positions, max_size=4), name=names)
    def add_group(self, members: list[int], name: str) -> None:
        paths = list(self.model.nodes)
        chosen = list(dict.fromkeys(paths[member % len(paths)] for member in members))
        self.create(BASE, GROUP, {"rn": name, "mnm": 9, "mid": chosen})

    @rule(position=positions, content=changes)
    def update(self, position: int, content: dict[str, Any]) -> None:
        path = self.place(position, [*PARENTS[INSTANCE], *PARENTS[SERIES_INSTANCE], INSTANCE])
        root = ROOTS[self.model.nodes[path].ty] if path in self.model.nodes else "m2m:cnt"
        expected = self.model.update(path, content)
        response = self.ask(Operation.UPDATE, path, content={root: self._sent(content)})
        assert response.status_code == expected, (response, content)
        self._settle()

    @rule(position=positions)
    def delete(self, position: int) -> None:
        path = self.place(position)
        if path not in self.model.provided:
            assert self.ask(Operation.DELETE, path).status_code == self.model.delete(path)

    @rule(position=positions, newest=st.booleans(), operation=st.sampled_from([Operation.RETRIEVE, Operation.DELETE]))
    def take(self, position: int, newest: bool, operation: Operation) -> None:
        """The latest or the oldest instance."""
        path = self.place(position, [CONTAINER, SERIES])
        instances = self.model.instances(self.model.nodes[path]) if path in self.model.nodes else []
        response = self.ask(operation, f"{path}/{'la' if newest else 'ol'}")
        if not instances:
            assert response.status_code == 4004
            return
        chosen = instances[-1 if newest else 0]
        assert response.succeeded
        if operation is Operation.DELETE:
            self.model.delete(chosen.path)
        else:
            assert response.content[ROOTS[chosen.ty]]["ri"] == chosen.ri

    @rule(
        position=positions,
        types=st.lists(st.sampled_from([AE, CONTAINER, INSTANCE, SERIES]), max_size=2, unique=True),
        wanted=st.just([]) | labels,
        levels=st.none() | st.integers(1, 3),
        page=st.integers(1, 4),
    )
    def discover(self, position: int, types: list[int], wanted: list[str], levels: int | None, page: int) -> None:
        """All at once, and page by page."""
        path = self.place(position)
        if path not in self.model.nodes:
            return
        filters = {"fu": ["1"], "ty": [str(ty) for ty in types], "lbl": wanted}
        filters |= {} if levels is None else {"lvl": [str(levels)]}
        filters = {name: values for name, values in filters.items() if values}
        hits = self._hits(path, filters)
        assert sorted(hits) == sorted(self.model.discover(path, types, wanted, levels))
        pages: list[str] = []
        while found := self._hits(path, filters | {"lim": [str(page)], "ofst": [str(len(pages) + 1)]}):
            assert len(found) <= page
            pages += found
        assert pages == hits

    @rule(position=positions, operation=st.sampled_from([Operation.RETRIEVE, Operation.DELETE]))
    def let_a_stranger_try(self, position: int, operation: Operation) -> None:
        path = self.place(position)
        expected = 4103 if path in self.model.nodes else 4004
        assert self.ask(operation, path, "Cstranger").status_code == expected

    @rule(
        position=positions, ty=st.sampled_from(list(PARENTS)), content=st.dictionaries(st.text(max_size=3), st.none())
    )
    def talk_nonsense(self, position: int, ty: int, content: dict[str, Any]) -> None:
        nonsense = {ROOTS[ty]: content | {"colour": 1}}
        for operation, number in ((Operation.CREATE, ty), (Operation.UPDATE, None)):
            response = self.ask(operation, self.place(position), resource_type=number, content=nonsense)
            assert 4000 <= response.status_code < 5000

    @rule(elapsed=seconds)
    def wait(self, elapsed: int) -> None:
        self.runner.run(self.clock.advance(elapsed))
        self.model.wait(elapsed)
        self._settle()

    @precondition(lambda self: len(self.model.nodes) > 3)
    @rule()
    def restart(self) -> None:
        self.runner.run(self.held.aclose())
        self.runner.run(self._start())

    @invariant()
    def nothing_is_lost_or_left_over(self) -> None:
        assert sorted([BASE, *self._hits(BASE, {"fu": ["1"]})]) == sorted(self.model.nodes)

    @rule(position=positions)
    def look(self, position: int) -> None:
        self._look(self.place(position))

    def _look(self, path: str) -> None:
        if path not in self.model.nodes:
            assert self.ask(Operation.RETRIEVE, path).status_code == 4004
            return
        expected, attributes = self.model.represent(path), self._attributes(path)
        assert {name: attributes.get(name) for name in expected} == expected

    def _attributes(self, path: str) -> dict[str, Any]:
        ((root, attributes),) = self.ask(Operation.RETRIEVE, path).content.items()
        assert root == ROOTS[attributes["ty"]]
        return dict(attributes)

    def _hits(self, path: str, filters: dict[str, list[str]]) -> list[str]:
        found: list[str] = self.ask(Operation.RETRIEVE, path, filters=filters).content["m2m:uril"]
        return found

    def _sent(self, content: dict[str, Any]) -> dict[str, Any]:
        """The attributes as they are sent: `seconds` stands for an expirationTime."""
        sent = {name: value for name, value in content.items() if name != "seconds"}
        if "seconds" in content:
            lifetime = content["seconds"]
            sent["et"] = None if lifetime is None else timestamp(self.clock.now() + lifetime)
        return sent

    def _settle(self) -> None:
        """Wait until the server has removed what has expired."""
        now = precise_timestamp(self.clock.now())
        expired = partial(self.server.core.read, lambda work: work.transaction.resources.expired(now, 1))
        self.runner.run(eventually(expired, lambda left: left == []))


TestTree = Tree.TestCase
TestTree.settings = SETTINGS
