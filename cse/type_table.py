"""Resource types as tables: for people (`cse types`) and for the page docs/resource-types.md."""

from collections.abc import Iterator, Mapping

from rich.markup import escape
from rich.table import Table

from cse.resource import ResourceType

Types = Mapping[int, ResourceType]
Row = tuple[str, ...]

ATTRIBUTE_HEADINGS = ("short name", "attribute", "value", "CREATE", "UPDATE", "needs")


def type_rows(types: Types) -> Iterator[tuple[ResourceType, Row]]:
    """Each type and each specialisation with (number, name, root, parents, virtual children, attributes in number)."""
    for number, family in sorted(types.items()):
        for kind in family.variants:
            virtual = ", ".join(sorted(kind.virtual_children))
            yield kind, (str(number), kind.name, kind.root, parents(kind, types), virtual, str(len(kind.attributes)))


def parents(kind: ResourceType, types: Types) -> str:
    """The names of the types below which an originator can create it."""
    if not kind.creatable:
        return "made by the CSE"
    return ", ".join(parent.name for _, parent in sorted(types.items()) if kind.may_be_below(parent))


def attribute_rows(kind: ResourceType) -> Iterator[Row]:
    """One row per attribute, under ATTRIBUTE_HEADINGS; the last says what this CSE lacks for it."""
    for row in kind.attributes.values():
        yield row.short_name, row.name, row.type.description, row.create.value, row.update.value, row.needs


def types_table(types: Types) -> Table:
    """All types."""
    table = Table("ty", "name", "root", "parents", "virtual children", "attributes")
    for _, row in type_rows(types):
        table.add_row(*map(escape, row))
    return table


def attributes_table(kind: ResourceType) -> Table:
    """The attributes of one type."""
    table = Table(*ATTRIBUTE_HEADINGS, title=escape(f"{kind.name} ({kind.root}, ty {kind.number})"))
    for row in attribute_rows(kind):
        table.add_row(*map(escape, row))
    return table


def find_types(types: Types, wanted: str) -> list[ResourceType]:
    """Those whose name, root, short name or number this is."""
    kinds = [kind for kind, _ in type_rows(types)]
    return [kind for kind in kinds if wanted in (kind.name, kind.root, kind.short_name, str(kind.number))]
