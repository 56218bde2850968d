"""The tree in TinyDB: a document per resource, whose number is its place in the order of creation."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from math import inf
from typing import Any

from cse.errors import Conflict, NotFound
from cse.store import Resource, Resources, Search
from cse.store.tinydb.belongings import Belongings
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Document, Key, Sorted, Unique


class TinyDBResources(Resources):
    """The table `resource`. With a resource go its belongings."""

    belongings: Sequence[Belongings] = ()

    def __init__(self, database: Database) -> None:
        self._by_ri = Unique(lambda document: [(document["attributes"]["ri"],)])
        self._by_key = Unique(_keys)
        self._by_path = Sorted(lambda document: [(document["path"],)])
        self._by_parent = Sorted(lambda document: [(document["attributes"]["pi"], document["attributes"]["ty"])])
        self._by_type = Sorted(lambda document: [(document["attributes"]["ty"], document["path"])])
        self._by_expiration = Sorted(_expirations)
        self._by_label = Sorted(lambda document: [(text, document["path"]) for text in _texts(document, "lbl")])
        self._by_policy = Sorted(lambda document: [(text,) for text in _texts(document, "acpi")])
        unique, tree = (self._by_ri, self._by_key), (self._by_path, self._by_parent, self._by_type)
        self._table = database.add("resource", *unique, *tree, self._by_expiration, self._by_label, self._by_policy)

    def get(self, ri: str) -> Resource | None:
        return self._one(self._by_ri.get(ri))

    def find(self, path: str) -> Resource | None:
        entry = self._by_path.first(path)
        return self._one(None if entry is None else entry[-1])

    def insert(self, resource: Resource) -> None:
        document = {"path": resource.path, "creator": resource.creator, "attributes": resource.attributes}
        known = self._by_ri.get(resource.ri) is not None or self._by_path.first(resource.path) is not None
        if known or any(self._by_key.get(*key) is not None for key in _keys(document)):
            what = f"{resource.ri}, {resource.path}"
            raise Conflict(f"there is a resource {what} or with this key already: choose another name")
        self._table.insert(document)

    def update(self, resource: Resource) -> None:
        number = self._by_ri.get(resource.ri)
        if number is None:
            raise NotFound(f"there is no resource {resource.ri} any more")
        self._table.update({"attributes": resource.attributes}, doc_ids=[number])

    def remove(self, resource: Resource) -> None:
        going = dict(self._table.documents(self.subtree(resource.path)))
        for document in going.values():
            for belongings in self.belongings:
                belongings.forget(document["attributes"]["ri"])
        self._table.remove(doc_ids=going)

    def has_child(self, ri: str, key: str) -> bool:
        return self._by_key.get(ri, key) is not None

    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        if ty is None:
            return self._resources(sorted(self._by_parent.numbers(ri), reverse=newest_first))
        bounds = (ri, ty), (ri, ty, self._table.last + 1)  # those that are added on the way are not for this iteration
        return self._resources(entry[-1] for entry in self._by_parent.walk(*bounds, backwards=newest_first))

    def search(self, search: Search) -> Iterator[Resource]:
        deepest = inf if search.levels is None else search.root.count("/") + search.levels
        fitting = {entry[-1] for entry in self._entries(search) if entry[-2].count("/") <= deepest}
        found = self._resources(sorted(fitting))
        if search.types and search.labels:
            return (resource for resource in found if resource.ty in search.types)
        return found

    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        return self._resources(sorted({number for text in policies for number in self._by_policy.numbers(text)}))

    def expired(self, now: str, limit: int) -> list[Resource]:
        entries = islice(self._by_expiration.span(None, (now, inf)), limit)
        return list(self._resources([entry[-1] for entry in entries]))

    def next_expiration(self) -> str | None:
        first = self._by_expiration.first()
        return None if first is None else str(first[0])

    def export(self) -> Iterator[tuple[Any, ...]]:
        for resource in self._resources(self._table.numbers()):
            yield resource.path, resource.creator, resource.attributes

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for path, creator, attributes in rows:
            self.insert(Resource(path, creator, attributes))

    def subtree(self, path: str) -> list[int]:
        """The numbers of the resource at this path and of all below."""
        below = self._by_path.span(*_below(path))
        return self._by_path.numbers(path) + [entry[-1] for entry in below]

    def identifiers(self, path: str) -> Iterator[str]:
        """Of the resource at this path and of all below."""
        return (document["attributes"]["ri"] for _, document in self._table.documents(self.subtree(path)))

    def _entries(self, search: Search) -> Iterable[Key]:
        """From the index that leads to the fewest: each has path and number at its end."""
        if search.labels:
            return chain(*(self._by_label.span(*_below(search.root, label)) for label in search.labels))
        if search.types:
            return chain(*(self._by_type.span(*_below(search.root, ty)) for ty in search.types))
        return self._by_path.span(*_below(search.root))

    def _one(self, number: int | None) -> Resource | None:
        return None if number is None else next(self._resources([number]), None)

    def _resources(self, numbers: Iterable[int]) -> Iterator[Resource]:
        return (_resource(document) for _, document in self._table.documents(numbers))


def _below(root: str, *prefix: Any) -> tuple[Key, Key]:
    """From where to where the paths are, behind the prefix of the keys: "0" comes right behind "/"."""
    return (*prefix, f"{root}/"), (*prefix, f"{root}0")


def _resource(document: Document) -> Resource:
    return Resource(document["path"], document["creator"], document["attributes"])


def _keys(document: Document) -> list[Key]:
    attributes = document["attributes"]
    key = attributes.get("_key")
    return [] if key is None else [(attributes["pi"], key)]


def _expirations(document: Document) -> list[Key]:
    moment = document["attributes"].get("et")
    return [] if moment is None else [(moment,)]


def _texts(document: Document, name: str) -> Iterable[str]:
    return dict.fromkeys(document["attributes"].get(name) or ())
