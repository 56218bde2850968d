"""Content as a client may write it: values that fit the declared types, values that don't, and texts made to harm."""

from typing import Any

from hypothesis import strategies as st

from cse.attributes import DataType, M, Presence
from cse.resource import ResourceType

Values = st.SearchStrategy[Any]
Content = dict[str, Any]

ADDRESSES = (
    "Capp", "cse-in", "-", "/id-in", "/id-in/Capp", "//cse.example/id-in/cse-in/app", "cse-in/app/box",
    "cse-in/app/box/la", "cse-in/app/meters", "cse-in/app/meters/fopt", "cse-in/app/rules", "cse-in/nobody",
    "/other/cse/x", "/", "//", "///", "a b", "..", "../app", "cse-in//app", "cse-in/app/", "é", "a/" * 70, "S", "C",
    "*", "C*", "all", "loopback://app", "http://127.0.0.1:9/x", "http://", "http://[", "http://127.0.0.1:99999", "coap://",
)  # fmt: skip
TEXTS = (
    "", " ", "a", "\u0000", "\ud800", "\u202ea", "\U0001f4a1", "e\u0301", "a\nb", "' OR 1=1 --", "%00", "\\", "null",
    "x" * 300, "x" * 20_000, "[" * 2000, "${x}", "{{x}}", "\ufeff", "_root", "NaN", "-0", "1e400", "\u0663",
)  # fmt: skip
FORMATS = (
    "20991231T235959", "20990101T000000,123456", "00010101T000000", "20200101T000000", "20260230T000000", "60000", "-1",
    "PT15M", "P1000Y", "P99999999999Y", "PT0S", "* * * * * * *", "0 0 0 30 2 * *", "* * * * *", "application/json",
    "application/json:0", "text/plain:1", "application/cbor", "N.app", "Rapp", "3", "2a", "1.0.0", "192.0.2.1",
    "2001:db8::1", "2026-01-31", "10:15:00", "2026-01-31T10:15:00", "[48.1,11.5]", "org.onem2m.x", "DE",
    "123456789012345", "123456789012345678", "239.192.1.2", "239.192.1.3:5700",
)  # fmt: skip
NUMBERS = (
    *range(34),
    63,
    64,
    99,
    100,
    777,
    1000,
    9999,
    -1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    10**30,
)
FRACTIONS = (0.5, -1.5, 0.0, -0.0, 1e308, 5e-324)
STRUCTURES = (
    {}, [], {"a": 1}, [1], [None], [[]], {"": {}}, [[[[[[[[]]]]]]]], [48.1, 11.5, 100.0], ["* * * * * * *"],
    {"typ": 1, "crd": "[48.1, 11.5]"}, {"enct": 1},
)  # fmt: skip
CANDIDATES = (True, False, *NUMBERS, *FRACTIONS, *FORMATS, *ADDRESSES, *TEXTS, *STRUCTURES)

FLEETING = {"dcnt"}  # ends a resource when it is looked at

texts = st.sampled_from((*ADDRESSES, *FORMATS, *TEXTS)) | st.text(max_size=30)
scalars = st.none() | st.sampled_from(CANDIDATES) | texts | st.integers() | st.floats(allow_nan=False)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


def candidates(kind: DataType) -> list[Any]:
    """The single values that a type accepts; an enumeration says its values in its description."""
    words = kind.description.removeprefix("one of ").split(", ")
    found = [value for value in (*CANDIDATES, *words) if kind.accepts(value)]
    assert found, f"add to CANDIDATES: {kind.description}"
    return found


def sample(kind: DataType) -> Any:
    """One value of a type, the same each time."""
    if kind.item is not None:
        return [sample(kind.item)]
    if kind.members:
        return {name: sample(member) for name, member in kind.members.items()}
    return candidates(kind)[0]


def fitting(kind: DataType) -> Values:
    """Values of a type."""
    if kind.item is not None:
        return st.lists(fitting(kind.item), min_size=1, max_size=3)
    if not kind.members:
        return st.sampled_from(candidates(kind))
    whole = sample(kind)
    members = {name: fitting(member) for name, member in kind.members.items()}
    optional = {name for name in members if kind.accepts({other: whole[other] for other in members if other != name})}
    needed = {name: values for name, values in members.items() if name not in optional}
    return st.fixed_dictionaries(needed, optional={name: members[name] for name in optional}).filter(kind.accepts)


@st.composite
def representations(draw: st.DrawFn, kind: ResourceType, base: Content, *, creating: bool) -> Content:
    """Attributes for a CREATE or UPDATE of a type, most of them as declared; `base` is what it needs to succeed."""
    rows = [row for row in kind.attributes.values() if not row.needs and row.short_name not in FLEETING]
    open_rows = [row for row in rows if (row.create if creating else row.update) is not Presence.NOT_PERMITTED]
    rows_of_one = st.lists(
        st.sampled_from(open_rows or rows), min_size=1, max_size=4, unique_by=lambda row: row.short_name
    )
    chosen = draw(rows_of_one if draw(st.booleans()) or not base else st.just([]))
    content = dict(base) | {row.short_name: draw(fitting(row.type)) for row in chosen}
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        name = draw(st.sampled_from(sorted(kind.attributes)) | texts)
        content[name] = draw(anything)
    if content and draw(st.integers(0, 9)) == 9:
        content.pop(draw(st.sampled_from(sorted(content))))
    return content


def least(kind: ResourceType) -> Content:
    """What a CREATE must have."""
    return {row.short_name: sample(row.type) for row in kind.attributes.values() if row.create is M}
