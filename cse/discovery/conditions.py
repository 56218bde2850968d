"""The conditions of filterCriteria on one resource and its neighbours (TS-0004 clauses 7.3.3.17.1 to 7.3.3.17.16)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from cse.discovery.content import ContentQuery
from cse.discovery.labels import LabelQuery
from cse.store import Resource
from cse.wildcard import matches


class Kin:
    """What conditions ask about the neighbours of a resource. This one knows none."""

    def parent(self, resource: Resource) -> Resource | None:
        """The parent, if there is one that the originator may see."""
        return None

    def children(self, resource: Resource, ty: int | None = None) -> Iterable[Resource]:
        """The children that the originator may see, all or those of a type."""
        return ()

    def value(self, resource: Resource, name: str) -> Any:
        """The value of an attribute, None if it is not present."""
        return resource.attributes.get(name)


Condition = Callable[[Resource, Kin], bool]


def between(name: str, lowest: Any, limit: Any) -> Condition:
    """An attribute is not below `lowest`, and below `limit`; None means that there is no such bound."""

    def holds(resource: Resource, kin: Kin) -> bool:
        value = resource.attributes.get(name)
        if type(value) is not type(limit if lowest is None else lowest):
            return False
        return bool((lowest is None or lowest <= value) and (limit is None or value < limit))

    return holds


def has_type(types: Collection[int]) -> Condition:
    """The resource type is one of these."""
    return lambda resource, kin: resource.ty in types


def has_child_of_type(types: Collection[int]) -> Condition:
    """There is a child of one of these types."""
    return lambda resource, kin: any(True for ty in types for _ in kin.children(resource, ty))


def has_label(labels: Collection[str]) -> Condition:
    """One of the labels is one of these."""
    return lambda resource, kin: not set(labels).isdisjoint(_labels(resource))


def has_labels_like(query: LabelQuery) -> Condition:
    """The labels fit a labelsQuery."""
    return lambda resource, kin: query(_labels(resource))


def has_attribute(wanted: Mapping[str, Collection[str]]) -> Condition:
    """One of these attributes has one of the values given for it, in which `*` stands for any characters."""

    def holds(resource: Resource, kin: Kin) -> bool:
        return any(
            matches(text, pattern)
            for name, patterns in wanted.items()
            for text in _texts(kin.value(resource, name))
            for pattern in patterns
        )

    return holds


def has_content_type(patterns: Collection[str]) -> Condition:
    """contentInfo, or its first component (typeOfContent), is one of these, in which `*` stands for any characters."""

    def holds(resource: Resource, kin: Kin) -> bool:
        info = resource.attributes.get("cnf")
        if not isinstance(info, str):
            return False
        return any(matches(text, pattern) for text in (info, info.split(":")[0]) for pattern in patterns)

    return holds


def has_content(query: ContentQuery) -> Condition:
    """The content is JSON that fits a contentFilterQuery."""
    return lambda resource, kin: query(resource.attributes)


def on_parent(condition: Condition) -> Condition:
    """The condition holds for the parent."""

    def holds(resource: Resource, kin: Kin) -> bool:
        parent = kin.parent(resource)
        return parent is not None and condition(parent, kin)

    return holds


def on_child(condition: Condition) -> Condition:
    """The condition holds for one of the children."""
    return lambda resource, kin: any(condition(child, kin) for child in kin.children(resource))


def _labels(resource: Resource) -> list[str]:
    labels: list[str] = resource.attributes.get("lbl", [])
    return labels


def _texts(value: Any) -> list[str]:
    """The values of an attribute as a client writes them in a query."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if value is None or isinstance(value, dict):
        return []
    return [str(value).lower() if isinstance(value, bool) else str(value)]
