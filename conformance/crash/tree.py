"""What one connection knows of the resources that it alone changes: a model made of its requests and their answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.client import Attributes
from conformance.standard import CIN, CNT, GRP, ROOTS

# What changes without a request about the resource itself, or is checked by what it counts.
VOLATILE = {"st", "lt", "cni", "cbs", "cnm", "cs"}


@dataclass(frozen=True)
class Step:
    """A request. `path` is the address of what is created, updated or deleted, which may be `…/la` for a DELETE."""

    method: str
    path: str
    ty: int = 0
    attributes: Attributes = field(default_factory=dict)
    root: str = ""

    @property
    def parent(self) -> str:
        return parent_of(self.path)

    @property
    def content(self) -> Any:
        """The primitive content; None for a DELETE."""
        if self.method == "DELETE":
            return None
        name = {"rn": name_of(self.path)} if self.method == "POST" else {}
        return {self.root or ROOTS[self.ty]: name | self.attributes}


@dataclass(frozen=True)
class Node:
    """A resource as it must be: what was sent, and what the CSE has answered, as far as nobody changes it."""

    ty: int
    sent: Attributes
    told: Attributes


# Nodes by address, in the order in which they were created.
Tree = Mapping[str, Node]


class Difference(NamedTuple):
    """Something that is not as it must be."""

    path: str
    sentence: str


def parent_of(path: str) -> str:
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def instances(tree: Tree, container: str) -> list[str]:
    """The contentInstances of a container, oldest first."""
    return [path for path, node in tree.items() if node.ty == CIN and parent_of(path) == container]


def meant(tree: Tree, step: Step) -> str:
    """The address of the resource that a step is about; of what `la` stands for, if it is about that."""
    return instances(tree, step.parent)[-1] if name_of(step.path) == "la" else step.path


def change(tree: Tree, step: Step, answer: Attributes | None = None) -> Tree:
    """The tree after a step. `answer` has the attributes in the response; None if there was none."""
    if step.method == "DELETE":
        gone = meant(tree, step)
        return {path: node for path, node in tree.items() if path != gone and not path.startswith(f"{gone}/")}
    before = tree.get(step.path, Node(step.ty, {}, {}))
    told = {name: value for name, value in before.told.items() if name not in step.attributes}
    node = Node(before.ty, before.sent | step.attributes, told | lasting(answer or {}))
    after = {**tree, step.path: node}
    return _with_room(after, step.parent if node.ty == CIN else step.path)


def adopt(tree: Tree, path: str, found: Mapping[str, Attributes]) -> Tree:
    """The tree with what was found of a resource, after a request without an answer has proved to be carried out."""
    if path not in tree or path not in found:
        return tree
    node = tree[path]
    return {**tree, path: Node(node.ty, node.sent, lasting(found[path]))}


def lasting(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if name not in VOLATILE and ":" not in name}


def _with_room(tree: dict[str, Node], container: str) -> Tree:
    """A container drops its oldest instances until it keeps to its limits."""
    if tree[container].ty != CNT:
        return tree
    limits, inside = tree[container].sent, instances(tree, container)
    while len(inside) > limits.get("mni", len(inside)) or _bytes(tree, inside) > limits.get("mbs", 10**9):
        del tree[inside.pop(0)]
    return tree


def _bytes(tree: Tree, inside: list[str]) -> int:
    return sum(len(tree[path].sent["con"].encode()) for path in inside)


def flat(path: str, attributes: Attributes) -> Iterator[tuple[str, Attributes]]:
    """A resource and what is below it, by address, from a representation with resultContent 4."""
    yield path, attributes
    for root, children in attributes.items():
        if ":" in root:
            for child in children if isinstance(children, list) else [children]:
                yield from flat(f"{path}/{child['rn']}", child)


def differences(tree: Tree, found: Mapping[str, Attributes]) -> list[Difference]:
    """Where the resources that were found are not those of the tree, or are not whole."""
    missing = [Difference(path, "is missing") for path in tree if path not in found]
    surplus = [Difference(path, "should not be there") for path in found if path not in tree]
    return missing + surplus + [each for path in tree if path in found for each in _changed(path, tree, found)]


def _changed(path: str, tree: Tree, found: Mapping[str, Attributes]) -> Iterator[Difference]:
    actual, node = found[path], tree[path]
    wanted = node.told | node.sent
    for name in wanted.keys() | (lasting(actual).keys() if node.told else set()):
        if actual.get(name) != wanted.get(name):
            yield Difference(path, f"has {name} {actual.get(name)!r}, but {wanted.get(name)!r} was acknowledged")
    parent = found.get(parent_of(path))
    if parent is not None and actual["pi"] != parent["ri"]:
        yield Difference(path, f"has the parent {actual['pi']}, but is below {parent['ri']}")
    for name, value in _counts(path, node, found).items():
        if actual.get(name) != value:
            yield Difference(path, f"has {name} {actual.get(name)}, but it must be {value} by what is there")


def _counts(path: str, node: Node, found: Mapping[str, Attributes]) -> dict[str, int]:
    """The counters of a resource, counted from what was found."""
    if node.ty == GRP:
        return {"cnm": len(found[path]["mid"])}
    if node.ty != CNT:
        return {}
    sizes = [len(each["con"].encode()) for at, each in found.items() if each["ty"] == CIN and parent_of(at) == path]
    return {"cni": len(sizes), "cbs": sum(sizes)}
