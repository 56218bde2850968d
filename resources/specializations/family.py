"""A resource type under whose number there are specialisations, each of them a table."""

import copy
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from cse.attributes import Table
from cse.config import ConfigurationError
from cse.errors import BadRequest
from cse.primitive import Request
from cse.resource import ResourceType
from cse.store import Resource
from cse.work import Work
from resources.specializations.tables import Specialization

ROOT = "_root"  # the attribute of a resource that says by which table it was made


class Family(ResourceType):
    """A subclass declares what its specialisations have in common; each of these is a copy of it with a table.

    `definition` is the short name of the attribute that says which specialisation is meant. A resource whose table the
    operator has taken away can still be retrieved and deleted, and changed in what all have in common.
    """

    definition: str
    tables_of = ""  # the family whose tables these are, if it is another one
    table_root = ""  # of a subclass: the one specialisation that is of this class
    table: Specialization | None = None

    def __init__(self, tables: Iterable[Specialization]) -> None:
        self._classes = {each.table_root: each for each in type(self).__subclasses__() if each.table_root}
        own = [table for table in tables if table.family == (self.tables_of or self.name)]
        self._specialized = {table.root: self._specialize(table) for table in own}
        self.parents = self.parents.union(*(kind.parents for kind in self._specialized.values()))

    @property
    def root(self) -> str:
        return super().root if self.table is None else self.table.root

    @property
    def variants(self) -> Sequence[ResourceType]:
        return tuple(self._specialized.values())

    def variant_for(self, content: Any) -> ResourceType:
        root = str(next(iter(content), "")) if isinstance(content, dict) else ""
        if root not in self._specialized:
            near = difflib.get_close_matches(root[:40], self._specialized, n=3) or list(self._specialized)[:3]
            raise BadRequest(
                f"the content must be one object below the name of a {self.name} that this CSE has a table of,"
                f" such as {' or '.join(near)}, not {root[:40]!r}"
            )
        return self._specialized[root]

    def variant_of(self, attributes: Mapping[str, Any]) -> ResourceType:
        root = attributes[ROOT]
        if root not in self._specialized:
            return self._specialize(Specialization(self.name, root, self.name, ""))
        return self._specialized[root]

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        resource.attributes[ROOT] = self.root
        self._check_definition(resource.attributes)
        sent = {name: resource.attributes.get(name) for name in request.content[self.root]}
        self._check_exclusive(sent, {})
        resource.attributes.update(self.triggers)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        self._check_exclusive(changes, resource.attributes)
        for name, value in self.triggers.items():
            if changes.get(name):
                changes[name] = value
            else:
                changes.pop(name, None)

    @property
    def triggers(self) -> Mapping[str, bool]:
        """Attributes that start something and always read as these values; setting one to false does nothing."""
        return {} if self.table is None else self.table.triggers

    def _specialize(self, table: Specialization) -> Self:
        if known := sorted(table.attributes.keys() & self.attributes.keys()):
            raise ConfigurationError(f"{table.place}: every {self.name} has the attribute {known[0]}: take it out")
        own = self._classes.get(table.root, type(self))
        kind = copy.copy(self)
        kind.__class__ = own  # type: ignore[assignment]
        kind.table = table
        kind.name = table.name
        kind.attributes = Table({**own.attributes, **table.attributes})
        kind.parents = table.parents or self.parents
        return kind

    def _check_definition(self, attributes: Mapping[str, Any]) -> None:
        given, meant = attributes[self.definition], None if self.table is None else self.table.definition
        if meant is not None and given != meant:
            raise BadRequest(
                f"{self.definition} of a {self.name} ({self.root}) must be {meant}, not {str(given)[:60]!r}"
            )

    def _check_exclusive(self, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> None:
        """`wanted` wins over `present`; null and false set nothing."""
        stored = {name: value for name, value in present.items() if name not in self.triggers}
        chosen = {name for name, value in {**stored, **wanted}.items() if value not in (None, False)}
        for names in () if self.table is None else self.table.exclusive:
            if len(names & chosen) > 1:
                raise BadRequest(f"{' and '.join(sorted(names & chosen))} exclude each other: set one of them only")
