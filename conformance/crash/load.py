"""Which request comes next: by chance, which follows from the seed, and from what is there."""

from collections.abc import Callable
from random import Random
from typing import Any

from conformance.crash.tree import Step, Tree, instances, name_of, parent_of
from conformance.standard import AE, CHILD_CREATED, CHILD_DELETED, CIN, CNT, FCNT, GRP, SUB, UPDATED

SWITCH, SWITCH_ROOT = "org.onem2m.common.moduleclass.binarySwitch", "cod:binSh"
EVENTS = [UPDATED, CHILD_CREATED, CHILD_DELETED]
FIXED = "fixed"  # containers with this name are members of groups and are never deleted
MEMBERS = 4
MOST_NODES = 300
DEEPEST = 4

Choice = Callable[[], Step | None]


class Load:
    """The requests of one connection, all of them valid. `home` is the AE below which most of its resources are."""

    def __init__(self, home: str, base: str, inbox: str) -> None:
        self.home, self._base, self._inbox = home, base, inbox
        self._serial = 0
        self._random = Random()
        self._tree: Tree = {}

    def first(self) -> list[Step]:
        """What is there from the beginning."""
        members = [Step("POST", f"{self.home}/{FIXED}{number}", CNT, {"mni": 30}) for number in range(MEMBERS)]
        return [self._entity(self.home), *members, self._subscribe(members[0].path)]

    def next(self, random: Random, tree: Tree) -> Step:
        """A request that can be carried out on this tree."""
        self._random, self._tree = random, tree
        if len(tree) > MOST_NODES and (step := self._delete_branch()):
            return step
        choices: dict[Choice, int] = {
            self._instance: 50,
            self._container: 8,
            self._switch: 3,
            self._group: 3,
            self._subscription: 4,
            self._another_entity: 2,
            self._update_container: 8,
            self._update_switch: 5,
            self._update_group: 5,
            self._update_entity: 2,
            self._delete_instance: 5,
            self._delete_latest: 3,
            self._delete_leaf: 3,
            self._delete_branch: 3,
        }
        while True:
            (choice,) = random.choices(list(choices), list(choices.values()))
            if step := choice():
                return step

    def label(self) -> str:
        """A text that no other request of this connection carries."""
        self._serial += 1
        return f"{self._serial}"

    def _some(self, *types: int, free: bool = False) -> str | None:
        """The address of a resource of these types; of one that may be deleted, if `free`."""
        found = [path for path, node in self._tree.items() if node.ty in types]
        found = [path for path in found if not free or not (name_of(path).startswith(FIXED) or path == self.home)]
        return self._random.choice(found) if found else None

    def _new(self, kind: str, parent: str) -> str:
        return f"{parent}/{kind}{self.label()}"

    def _entity(self, path: str) -> Step:
        return Step("POST", path, AE, {"api": "N.crash", "rr": False, "srv": ["3"]})

    def _another_entity(self) -> Step:
        return self._entity(f"{self.home}-{self.label()}")

    def _instance(self) -> Step:
        parent = self._some(CNT) or self.home
        longest = min(self._tree[parent].sent.get("mbs", 5000), self._random.choice([10, 40, 5000]))
        content = f"{self.label()}-".ljust(self._random.randint(1, longest), "x")[:longest]
        return Step("POST", self._new("i", parent), CIN, {"con": content})

    def _container(self) -> Step:
        parent = self._some(CNT, AE) or self.home
        deep = parent.count("/") >= DEEPEST + self._base.count("/")
        return Step("POST", self._new("c", self.home if deep else parent), CNT, self._limits())

    def _limits(self) -> dict[str, int]:
        limits = {"mni": self._random.randint(1, 20), "mbs": self._random.randint(50, 400)}
        return {name: limit for name, limit in limits.items() if self._random.random() < 0.4}

    def _switch(self) -> Step:
        parent = self._some(CNT, AE) or self.home
        attributes = {"cnd": SWITCH, "state": self._random.random() < 0.5}
        return Step("POST", self._new("f", parent), FCNT, attributes, SWITCH_ROOT)

    def _group(self) -> Step:
        return Step("POST", self._new("g", self.home), GRP, {"mnm": MEMBERS, "mid": self._members()})

    def _members(self) -> list[str]:
        paths = [f"{self.home}/{FIXED}{number}" for number in range(MEMBERS)]
        chosen = self._random.sample(paths, self._random.randint(1, MEMBERS))
        return [self._tree[path].told["ri"] for path in chosen]

    def _subscription(self) -> Step | None:
        """One at most below each container."""
        taken = {parent_of(path) for path, node in self._tree.items() if node.ty == SUB}
        parent = self._some(CNT)
        if parent is None or parent in taken:
            return None
        return self._subscribe(parent)

    def _subscribe(self, parent: str) -> Step:
        path = self._new("s", parent)
        return Step("POST", path, SUB, {"nu": [f"{self._inbox}{path}"], "enc": {"net": EVENTS}, "nct": 1})

    def _update(self, path: str | None, root: str = "", **attributes: Any) -> Step | None:
        """With a label by which it is recognised."""
        if path is None:
            return None
        return Step("PUT", path, self._tree[path].ty, {"lbl": [self.label()], **attributes}, root)

    def _update_container(self) -> Step | None:
        path = self._some(CNT)
        limits: dict[str, Any] = self._limits() if path is not None and self._fits(path) else {}
        return self._update(path, **limits)

    def _fits(self, path: str) -> bool:
        """Instances larger than a new limit are not what is tried here."""
        return all(len(self._tree[one].sent["con"]) <= 50 for one in instances(self._tree, path))

    def _update_switch(self) -> Step | None:
        return self._update(self._some(FCNT), SWITCH_ROOT, state=self._random.random() < 0.5)

    def _update_group(self) -> Step | None:
        return self._update(self._some(GRP), mid=self._members())

    def _update_entity(self) -> Step | None:
        return self._update(self._some(AE), apn=f"name {self.label()}")

    def _delete(self, path: str | None) -> Step | None:
        return None if path is None else Step("DELETE", path, self._tree[path].ty)

    def _delete_instance(self) -> Step | None:
        return self._delete(self._some(CIN))

    def _delete_latest(self) -> Step | None:
        path = self._some(CIN)
        return None if path is None else Step("DELETE", f"{parent_of(path)}/la", CIN)

    def _delete_leaf(self) -> Step | None:
        return self._delete(self._some(FCNT, GRP, SUB))

    def _delete_branch(self) -> Step | None:
        return self._delete(self._some(CNT, AE, free=True))
