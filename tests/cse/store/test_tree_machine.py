"""Random histories of the tree, compared with a dictionary."""

import asyncio
import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cse.errors import Conflict, NotFound
from cse.store import Resource, Search, T, Unit
from cse.store.opening import open_store
from tests.cse.store.samples import resource

names = st.sampled_from(["a", "ab", "a-", "a0", "é", "~"])
places = st.lists(names, min_size=1, max_size=4).map(lambda parts: "/".join(["cse", *parts]))
types = st.sampled_from([2, 3, 4])
labels = st.lists(st.sampled_from(["red", "green", "blue"]), max_size=3)
lifetimes = st.sampled_from([None, "20260101T000000", "20260201T000000", "20260301T000000"])


class Tree(RuleBasedStateMachine):
    """`model` holds the resources by path in the order of their creation."""

    scheme: ClassVar[str] = "memory:"

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Resource] = {"cse": resource("cse", 5)}
        self.held = contextlib.ExitStack()
        runner = self.held.enter_context(asyncio.Runner())
        folder = Path(self.held.enter_context(TemporaryDirectory()))
        self.store = open_store(self.scheme.format(folder))
        self.wait = runner.run
        self.wait(self.store.open())
        self.run(lambda transaction: transaction.resources.insert(resource("cse", 5)))

    def run(self, unit: Unit[T]) -> T:
        return self.wait(self.store.run(unit))

    def teardown(self) -> None:
        self.wait(self.store.close())
        self.held.close()

    def below(self, root: str) -> list[Resource]:
        return [item for path, item in self.model.items() if path.startswith(root + "/")]

    @rule(path=places, ty=types, lbl=labels, et=lifetimes)
    def insert(self, path: str, ty: int, lbl: list[str], et: str | None) -> None:
        if path.rpartition("/")[0] not in self.model:
            return
        added = resource(path, ty, lbl=lbl, et=et)
        if path in self.model:
            with pytest.raises(Conflict):
                self.run(lambda transaction: transaction.resources.insert(added))
        else:
            self.run(lambda transaction: transaction.resources.insert(added))
            self.model[path] = added

    @rule(path=places, lbl=labels, et=lifetimes, changes=st.dictionaries(st.text(), st.text() | st.integers(0, 9)))
    def update(self, path: str, lbl: list[str], et: str | None, changes: dict[str, Any]) -> None:
        ty = self.model[path].ty if path in self.model else 3
        changed = resource(path, ty, custom=changes, lbl=lbl, et=et)
        if path in self.model:
            self.run(lambda transaction: transaction.resources.update(changed))
            self.model[path] = changed
        else:
            with pytest.raises(NotFound):
                self.run(lambda transaction: transaction.resources.update(changed))

    @rule(path=places)
    def remove(self, path: str) -> None:
        self.run(lambda transaction: transaction.resources.remove(resource(path)))
        for gone in [path, *(item.path for item in self.below(path))]:
            self.model.pop(gone, None)

    @rule(
        path=places | st.just("cse"),
        types=st.lists(types, max_size=2),
        lbl=labels,
        levels=st.none() | st.integers(0, 3),
    )
    def search(self, path: str, types: list[int], lbl: list[str], levels: int | None) -> None:
        search = Search(path, types, lbl, levels)
        expected = [
            item
            for item in self.below(path)
            if (not types or item.ty in types)
            and (not lbl or set(lbl) & set(item.attributes["lbl"]))
            and (levels is None or item.path.removeprefix(path).count("/") <= levels)
        ]
        assert self.run(lambda transaction: list(transaction.resources.search(search))) == expected

    @rule(path=places | st.just("cse"), ty=st.none() | types, newest_first=st.booleans())
    def children(self, path: str, ty: int | None, newest_first: bool) -> None:
        expected = [item for item in self.below(path) if item.pi == path and ty in (None, item.ty)]
        found = self.run(lambda transaction: list(transaction.resources.children(path, ty, newest_first=newest_first)))
        assert found == (expected[::-1] if newest_first else expected)

    @rule(now=lifetimes.filter(bool), limit=st.integers(0, 5))
    def expired(self, now: str, limit: int) -> None:
        over = [item for item in self.model.values() if (item.attributes.get("et") or "~") <= now]
        expected = sorted(over, key=lambda item: item.attributes["et"])[:limit]
        assert self.run(lambda transaction: transaction.resources.expired(now, limit)) == expected

    @rule(path=places)
    def one(self, path: str) -> None:
        assert self.run(lambda transaction: transaction.resources.get(path)) == self.model.get(path)
        assert self.wait(self.store.read(lambda transaction: transaction.resources.find(path))) == self.model.get(path)

    @invariant()
    def everything(self) -> None:
        found = self.wait(self.store.read(lambda transaction: list(transaction.resources.search(Search("cse")))))
        assert found == self.below("cse")


class FileTree(Tree):
    scheme = "sqlite:///{}/cse.sqlite"


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=40, stateful_step_count=30)
TestFileTree = FileTree.TestCase
TestFileTree.settings = settings(max_examples=10, stateful_step_count=20)
