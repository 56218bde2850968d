"""The simplest model of the tree: what a request to a CSE should answer, and what is there afterwards."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cse.timing import timestamp

BASE = "cse-in"
BASE_IDENTIFIER = "id-in"  # by which the CSEBase is kept as a member of groups
POLICY, AE, CONTAINER, INSTANCE, GROUP, SERIES, SERIES_INSTANCE = 1, 2, 3, 4, 9, 29, 30
ROOTS = {1: "m2m:acp", 2: "m2m:ae", 3: "m2m:cnt", 4: "m2m:cin", 5: "m2m:cb", 9: "m2m:grp", 29: "m2m:ts", 30: "m2m:tsi"}
INSTANCES = {CONTAINER: INSTANCE, SERIES: SERIES_INSTANCE}
PARENTS = {
    AE: {5},
    CONTAINER: {2, 3, 5},
    GROUP: {2, 5},
    SERIES: {2, 3, 5},
    INSTANCE: {CONTAINER},
    SERIES_INSTANCE: {SERIES},
}
LIFETIME = 365 * 86400.0


@dataclass
class Node:
    """A resource. `ends` is in seconds since 1970, `content` what was sent, as it is after all changes."""

    path: str
    ty: int
    ri: str
    ends: float
    created: float
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.content["con"])


class TreeModel:
    """Resources by path, in the order of their creation. Methods answer with the response status code."""

    def __init__(self, provided: Mapping[str, Mapping[str, Any]], now: float) -> None:
        """`provided` is what there is at the start, and always will be: attributes by path."""
        self.now = now
        self.provided = frozenset(provided)
        self.nodes = {path: Node(path, given["ty"], given["ri"], math.inf, now) for path, given in provided.items()}

    def expects(self, parent: str, ty: int, content: Mapping[str, Any]) -> int:
        """What the CREATE of a child will answer."""
        above = self.nodes.get(parent)
        if above is None:
            return 4004
        if above.ty not in PARENTS[ty]:
            return 4108
        if f"{parent}/{content.get('rn')}" in self.nodes:
            return 4105
        if ty in INSTANCES.values():
            return self._expects_instance(above, content)
        return 2001

    def create(self, parent: str, ty: int, attributes: Mapping[str, Any], content: dict[str, Any]) -> None:
        """It has been created, with these attributes of the response that the CSE has chosen: rn and ri."""
        above = self.nodes[parent]
        ends = min(content.pop("seconds", LIFETIME) + self.now, above.ends)
        if ty in INSTANCES.values():
            ends = min(ends, self.now + above.content.get("mia", LIFETIME))
        path = f"{parent}/{attributes['rn']}"
        self.nodes[path] = Node(path, ty, attributes["ri"], ends, self.now, content)
        self._make_room(above)

    def update(self, path: str, changes: dict[str, Any]) -> int:
        """Change limits, labels or the lifetime (`seconds`)."""
        node = self.nodes.get(path)
        if node is None:
            return 4004
        if node.ty in INSTANCES.values():
            return 4005
        if "seconds" in changes and not self._prolong(node, changes["seconds"]):
            return 4000
        kept = node.content | changes
        node.content = {name: value for name, value in kept.items() if value is not None and name != "seconds"}
        self._make_room(node)
        if changes.get("mia") is not None:
            for instance in self.instances(node):
                instance.ends = min(instance.ends, instance.created + changes["mia"])
        self.expire()
        return 2004

    def delete(self, path: str) -> int:
        """Remove it with all that is below it, also from groups."""
        if path not in self.nodes:
            return 4004
        for gone in [path, *self.below(path)]:
            del self.nodes[gone]
        for group in self.nodes.values():
            if group.ty == GROUP:
                group.content["mid"] = [member for member in group.content["mid"] if member in self.nodes]
        return 2002

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.expire()

    def expire(self) -> None:
        for path in [node.path for node in self.nodes.values() if node.ends <= self.now]:
            self.delete(path)

    def below(self, root: str) -> list[str]:
        return [path for path in self.nodes if path.startswith(f"{root}/")]

    def discover(self, root: str, types: Sequence[int], labels: Sequence[str], levels: int | None) -> list[str]:
        """What is below and fits."""
        found = []
        for path in self.below(root):
            node = self.nodes[path]
            fits = (not types or node.ty in types) and (not labels or set(labels) & set(node.content.get("lbl") or ()))
            if fits and (levels is None or path.count("/") - root.count("/") <= levels):
                found.append(path)
        return found

    def instances(self, node: Node) -> list[Node]:
        """Oldest first."""
        wanted = INSTANCES.get(node.ty)
        return [child for child in self.nodes.values() if child.ty == wanted and _parent(child.path) == node.path]

    def represent(self, path: str) -> dict[str, Any]:
        """The attributes that a RETRIEVE must return among others."""
        node = self.nodes[path]
        shown = node.content | {"ty": node.ty, "ri": node.ri, "rn": path.rpartition("/")[2]}
        if path not in self.provided:
            shown |= {"pi": self.nodes[_parent(path)].ri, "et": timestamp(node.ends), "ct": timestamp(node.created)}
        if node.ty in INSTANCES:
            sizes = [instance.size for instance in self.instances(node)]
            shown |= {"cni": len(sizes), "cbs": sum(sizes)}
        if node.ty == GROUP:
            members = [BASE_IDENTIFIER if member == BASE else member for member in node.content["mid"]]
            shown |= {"mid": members, "cnm": len(members)}
        return shown

    def _expects_instance(self, above: Node, content: Mapping[str, Any]) -> int:
        if "dgt" in content and any(content["dgt"] == other.content["dgt"] for other in self.instances(above)):
            return 4105
        size = len(content["con"])
        return 5207 if size > above.content.get("mbs", size) or above.content.get("mni") == 0 else 2001

    def _prolong(self, node: Node, seconds: float | None) -> bool:
        wanted = self.now + (LIFETIME if seconds is None else seconds)
        ends = min(wanted, self.nodes[_parent(node.path)].ends)
        if any(child.ends > ends for child in self._children(node)):
            return False
        node.ends = ends
        return True

    def _children(self, node: Node) -> Iterator[Node]:
        return (child for child in self.nodes.values() if _parent(child.path) == node.path)

    def _make_room(self, node: Node) -> None:
        instances = self.instances(node)
        most, largest = node.content.get("mni", len(instances)), node.content.get("mbs", 10**9)
        while len(instances) > most or sum(instance.size for instance in instances) > largest:
            self.delete(instances.pop(0).path)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
