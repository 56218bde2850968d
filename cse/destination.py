"""What an address stands for, as far as that can be said without looking into the tree."""

from functools import lru_cache
from typing import NamedTuple

from cse.address import Naming

MOST_REMEMBERED = 4096  # addresses, each of 2048 characters at most


class Place(NamedTuple):
    """Of a resource: from `start`, a resource identifier, down this path; if it is empty, the path is structured."""

    start: str
    path: str


class Branch(NamedTuple):
    """What an address means if the resource at a place has a virtual child `name`: that, and the `tail` behind it."""

    above: Place
    name: str
    tail: str


class Destination(NamedTuple):
    """One of this CSE. Any of the `branches` is meant before the `place`, the first that there is.

    `fans_out` says whether the members of a group are meant, `polls` whether a polling channel is.
    """

    place: Place
    branches: tuple[Branch, ...]
    fans_out: bool
    polls: bool


class Destinations:
    """Reads addresses. `virtual`, `fan_out` and `polled` are names of virtual children."""

    def __init__(
        self, naming: Naming, virtual: frozenset[str], fan_out: frozenset[str], polled: frozenset[str]
    ) -> None:
        self._naming = naming
        self._virtual = virtual
        self._fan_out = fan_out
        self._polled = polled
        # What an address says follows from names that do not change while the server runs.
        self.read = lru_cache(MOST_REMEMBERED)(self._read)

    def _read(self, address: str) -> Destination | None:
        """None if the address leads to another CSE; BadRequest for text that is no address."""
        segments = self._naming.local(address)
        if segments is None:
            self._naming.other_cse(address)
            return None
        place = self._place(segments)
        if self._virtual.isdisjoint(segments):
            return Destination(place, (), False, False)
        branches = tuple(
            Branch(self._place(segments[:index]), name, "/".join(segments[index + 1 :]))
            for index, name in enumerate(segments)
            if index and name in self._virtual
        )
        fans_out = not self._fan_out.isdisjoint(segments)
        return Destination(place, branches, fans_out, segments[-1] in self._polled)

    def _place(self, segments: list[str]) -> Place:
        if segments[0] == self._naming.cse_name:
            return Place("", "/".join(segments))
        return Place(segments[0], "/".join(segments[1:]))
