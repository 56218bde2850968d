"""Looks over HTTP whether everything is as a model says, in all the ways in which it can be asked for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from conformance.client import Attributes
from conformance.crash.server import Server
from conformance.crash.tree import Difference, Tree, differences, flat, instances
from conformance.standard import CNT

SAMPLE = 4  # resources that are looked at closely


@dataclass(frozen=True)
class Audit:
    """Of the resources of one connection, which are below some roots; `gone` has addresses of deleted ones."""

    server: Server
    tree: Tree
    roots: Iterable[str]
    gone: Mapping[str, str]

    def differences(self, random: Random) -> list[Difference]:
        """Everything that is wrong."""
        return [
            *differences(self.tree, observe(self.server, self.roots)),
            *self._discovery(),
            *self._one_by_one(random),
            *self._latest_and_oldest(random),
            *self._deleted(),
        ]

    def _discovery(self) -> Iterator[Difference]:
        """It finds the very same resources."""
        found: set[str] = set()
        for root in self.roots:
            content = self.server.retrieve(root, fu=1, drt=2).content
            found |= set(content.get("m2m:uril", []) if isinstance(content, dict) else [])
        known = {node.told["ri"]: path for path, node in self.tree.items() if path not in self.roots}
        yield from (Difference(path, "is not discovered") for ri, path in known.items() if ri not in found)
        yield from (Difference(ri, "is discovered, though nothing acknowledged has it") for ri in found - known.keys())

    def _one_by_one(self, random: Random) -> Iterator[Difference]:
        """Some by their identifiers."""
        for path in _some(random, list(self.tree)):
            told = self.tree[path].told
            found = self.server.attributes(told["ri"])
            if found is None:
                yield Difference(path, f"can't be retrieved by its identifier {told['ri']}")
            elif found | told != found:
                yield Difference(path, f"is {found} by its identifier, but was acknowledged as {told}")

    def _latest_and_oldest(self, random: Random) -> Iterator[Difference]:
        for path in _some(random, [path for path, node in self.tree.items() if node.ty == CNT]):
            inside = instances(self.tree, path)
            for name, wanted in (("la", inside[-1:]), ("ol", inside[:1])):
                attributes = self.server.attributes(f"{path}/{name}")
                found = [f"{path}/{attributes['rn']}"] if attributes else []
                if found != wanted:
                    yield Difference(path, f"has {found} as {name}, and not {wanted}")

    def _deleted(self) -> Iterator[Difference]:
        """They are neither at their address nor under their identifier."""
        for path, ri in self.gone.items():
            for name in filter(None, (path, ri)):
                if self.server.attributes(name) is not None:
                    yield Difference(path, f"was deleted, and is still there as {name}")


def observe(server: Server, roots: Iterable[str]) -> dict[str, Attributes]:
    """All resources that are there, by address."""
    found: dict[str, Attributes] = {}
    for root in roots:
        attributes = server.attributes(root, rcn=4)
        found |= dict(flat(root, attributes)) if attributes is not None else {}
    return found


def _some(random: Random, paths: list[str]) -> list[str]:
    return random.sample(paths, min(SAMPLE, len(paths)))
