"""Values that tables declare, and values that they don't: from the files, not from the code that reads them."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FOLDER = Path(__file__).parents[3] / "resources" / "specializations"
Values = st.SearchStrategy[Any]
Definition = Mapping[str, Any]

TEXTS = st.text(max_size=20)
ADDRESSES = st.text("abc/:.-_", min_size=1, max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SIXTY_FOUR_BITS = (-(2**63), 2**63 - 1)
SCHEDULES = st.sampled_from(["* * * * * * *", "0 */15 8-17 * * 1-5 *"])

GOOD: dict[str, Values] = {
    "xs:string": TEXTS,
    "xs:anyURI": ADDRESSES,
    "xs:boolean": st.booleans(),
    "xs:float": NUMBERS | st.integers(-1000, 1000),
    "xs:date": st.dates().map(str),
    "xs:time": st.times().map(str),
    "xs:anyType": TEXTS | st.booleans() | st.dictionaries(TEXTS, st.integers()),
    "m2m:timestamp": st.just("20260102T101500"),
    "m2m:ID": ADDRESSES,
    "m2m:ipv4": st.ip_addresses(v=4).map(str),
    "m2m:ipv6": st.ip_addresses(v=6).map(str),
    "m2m:scheduleEntry": SCHEDULES,
}
INTEGERS = {
    "xs:integer": SIXTY_FOUR_BITS,
    "xs:long": SIXTY_FOUR_BITS,
    "xs:unsignedInt": (0, 2**32 - 1),
    "xs:unsignedLong": (0, SIXTY_FOUR_BITS[1]),
    "xs:nonNegativeInteger": (0, SIXTY_FOUR_BITS[1]),
    "xs:positiveInteger": (1, SIXTY_FOUR_BITS[1]),
}
NUMERIC = {*INTEGERS, "xs:float"}
NOT_TEXT = st.integers() | st.booleans() | st.lists(TEXTS, max_size=2) | st.just({})
NOT_AN_OBJECT = TEXTS | st.integers() | st.booleans() | st.lists(st.just({}), max_size=2)


def content_of_files() -> tuple[dict[str, Definition], dict[str, Definition]]:
    """All data types by name, and all tables by root."""
    types: dict[str, Definition] = {}
    tables: dict[str, Definition] = {}
    for path in FOLDER.glob("*.toml"):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        types |= content.pop("types", {})
        tables |= content
    return types, tables


TYPES, TABLES = content_of_files()


def _bounds(definition: Definition) -> tuple[int, int]:
    lowest, highest = INTEGERS.get(definition["type"], SIXTY_FOUR_BITS)
    return max(lowest, definition.get("minimum", lowest)), min(highest, definition.get("maximum", highest))


def good(definition: Definition | str) -> Values:
    """Values of a type, which is a definition or the name of one."""
    if isinstance(definition, str):
        return good(TYPES[definition]) if definition in TYPES else good({"type": definition})
    if "values" in definition:
        return st.sampled_from(definition["values"])
    if "alternatives" in definition:
        return st.one_of(*map(good, definition["alternatives"]))
    if "members" in definition:
        return _object(definition["members"], good)
    name = str(definition["type"])
    if name.startswith("list of "):
        return st.lists(good(name.removeprefix("list of ")), min_size=1, max_size=3)
    if "pattern" in definition:
        return st.from_regex(definition["pattern"], fullmatch=True)
    if name in INTEGERS:
        return st.integers(*_bounds(definition))
    return GOOD[name] if name in GOOD else good(TYPES[name])


def bad(definition: Definition | str) -> Values:
    """Values that are none of a type; there are none for xs:anyType."""
    if isinstance(definition, str):
        return bad(TYPES[definition]) if definition in TYPES else bad({"type": definition})
    if "values" in definition:
        return st.integers().filter(lambda value: value not in definition["values"]) | TEXTS
    if "alternatives" in definition:
        return TEXTS | st.just({}) | st.just(-1)
    if "members" in definition:
        return NOT_AN_OBJECT | st.just({"unknown": 1})
    name = str(definition["type"])
    if name.startswith("list of "):
        item = name.removeprefix("list of ")
        return st.lists(bad(item), min_size=1, max_size=2) | st.just({}) | st.integers()
    if name == "xs:boolean":
        return st.integers() | TEXTS
    if name in NUMERIC:
        return TEXTS | st.booleans() | _outside(definition)
    return bad(TYPES[name]) if name in TYPES else NOT_TEXT


def _outside(definition: Definition) -> Values:
    lowest, highest = _bounds(definition)
    return st.sampled_from([lowest - 1, highest + 1]) if definition["type"] in INTEGERS else st.just(float("nan"))


def _object(members: Mapping[str, str], values: Callable[[str], Values]) -> Values:
    needed = {name: values(kind) for name, kind in members.items() if not kind.endswith("?")}
    other = {name: values(kind[:-1]) for name, kind in members.items() if kind.endswith("?")}
    return st.fixed_dictionaries(needed, optional=other)
