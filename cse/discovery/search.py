"""The search for what is below a resource, and the part of the result that goes into one response."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from cse.address import addressable
from cse.discovery.conditions import Kin
from cse.discovery.criteria import Filter
from cse.errors import NotFound
from cse.store import Resource, Search
from cse.timing import precise_timestamp
from cse.work import Work

Permission = Callable[[Resource], bool]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the hits, parents before their descendants. `next_offset` is where the rest begins, None without one."""

    resources: list[Resource]
    next_offset: int | None = None


class Neighbours(Kin):
    """The neighbours that somebody with these permissions may see; parents are read once."""

    def __init__(self, work: Work, permitted: Permission) -> None:
        self._work = work
        self._permitted = permitted
        self._now = precise_timestamp(work.now)
        self._parents: dict[str, Resource | None] = {}

    def parent(self, resource: Resource) -> Resource | None:
        parent = self._parent(resource)
        return parent if parent is not None and self.visible(parent) else None

    def children(self, resource: Resource, ty: int | None = None) -> Iterable[Resource]:
        return filter(self.visible, self._work.transaction.resources.children(resource.ri, ty))

    def value(self, resource: Resource, name: str) -> Any:
        row = self._work.type_of(resource).attributes.get(name)
        if row is not None and row.long_list:
            return self._work.type_of(resource).compose(self._work, resource).get(name)
        return resource.attributes.get(name)

    def visible(self, resource: Resource) -> bool:
        """Whether it is alive, may be seen, and is not withheld by what it is in."""
        return (
            str(resource.attributes.get("et", "~")) > self._now
            and self._permitted(resource)
            and not self._withheld(resource)
        )

    def _parent(self, resource: Resource) -> Resource | None:
        identifier = resource.pi
        if identifier not in self._parents:
            self._parents[identifier] = self._work.transaction.resources.look(identifier)
        return self._parents[identifier]

    def _withheld(self, resource: Resource) -> bool:
        parent = self._parent(resource)
        return parent is not None and self._work.type_of(parent).withholds(parent, resource)


class Finder:
    """One search below a resource: what fits the criteria, as far as an originator may see it."""

    def __init__(self, work: Work, root: Resource, criteria: Filter, permitted: Permission) -> None:
        self._work = work
        self._root = root
        self._criteria = criteria
        self._kin = Neighbours(work, permitted)
        self._taken: set[str] = set()
        most = work.model.settings.max_discovery_results
        self._most = most if criteria.limit is None else min(criteria.limit, most)

    def matches(self) -> Page:
        """A part of all hits; the offset counts hits (TS-0001 clause 10.2.6)."""
        start = self._criteria.offset - 1
        found = list(islice(self._below(self._root), start, start + self._most + 1))
        more = len(found) > self._most
        return Page(found[: self._most], self._criteria.offset + self._most if more else None)

    def branches(self) -> Page:
        """The hits in a part of the direct children, each with all that is below it; the offset counts direct children.

        A direct child whose hits do not fit into the limit completely is left out, and so are those behind it
        (TS-0001 clause 8.1.2).
        """
        if self._criteria.offset == 1:
            whole = list(islice(self._below(self._root), self._most + 1))
            if len(whole) <= self._most:
                return Page(whole)
        self._taken.clear()
        return self._branch_by_branch()

    def _branch_by_branch(self) -> Page:
        found: list[Resource] = []
        children = enumerate(self._work.transaction.resources.children(self._root.ri), 1)
        for position, child in islice(children, self._criteria.offset - 1, None):
            left = self._most - len(found)
            branch = list(islice(self._branch(child), left + 1))
            if len(branch) > left:
                return Page(found, position)
            found += branch
        return Page(found)

    def _branch(self, child: Resource) -> Iterator[Resource]:
        """The hits in a direct child and below it."""
        return chain(self._hits(self._fitting([child])), self._below(child, above=1))

    def _below(self, root: Resource, above: int = 0) -> Iterator[Resource]:
        """The hits below a resource that is so many levels below the root of the search."""
        criteria = self._criteria
        levels = None if criteria.levels is None else criteria.levels - above
        if levels == 0:
            return iter(())
        if levels == 1 and not criteria.labels:  # without a look at what is below the children
            return self._hits(self._fitting(self._work.transaction.resources.children(root.ri)))
        search = Search(root.path, criteria.types, criteria.labels, levels)
        found = self._work.transaction.resources.search(search)
        if not criteria.others:
            return self._hits(found)
        return self._hits(candidate for candidate in found if criteria.fits_besides(candidate, self._kin))

    def _fitting(self, candidates: Iterable[Resource]) -> Iterator[Resource]:
        return (candidate for candidate in candidates if self._criteria.fits(candidate, self._kin))

    def _hits(self, fitting: Iterable[Resource]) -> Iterator[Resource]:
        """What follows from resources that meet the criteria, as far as it may be seen."""
        visible = filter(self._kin.visible, fitting)
        if not self._criteria.relative_path:
            return visible
        return (found for match in visible if (found := self._beyond(match)) is not None)

    def _beyond(self, match: Resource) -> Resource | None:
        """What the relative path leads to from a match (applyRelativePath), if it has not been found before."""
        found = self._follow(match)
        if found is None or found.ri in self._taken or not self._kin.visible(found):
            return None
        self._taken.add(found.ri)
        return found

    def _follow(self, match: Resource) -> Resource | None:
        segments = match.path.split("/")
        for segment in self._criteria.relative_path:
            if segment != "..":
                segments.append(segment)
            elif len(segments) > 1:
                segments.pop()
            else:
                return None
        path = "/".join(segments)
        return self._at(path) if addressable(path) else None

    def _at(self, path: str) -> Resource | None:
        """The resource at an address, or that which a virtual child there stands for."""
        target = self._work.resolve(path)
        if target is None:
            return None
        if target.virtual is None:
            return target.resource
        try:
            return target.virtual.resolve(self._work, target.resource)
        except NotFound:
            return None
