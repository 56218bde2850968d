"""filterCriteria (TS-0004 clause 7.3.3.17.0): what a client may ask for, and which resources fit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from cse.errors import BadRequest, NotImplementedByThisCSE
from cse.resource import Work
from cse.store import Resource, Search
from cse.timing import parse_timestamp, timestamp
from cse.wildcard import matches

Test = Callable[[Resource], bool]

# Keys that compare one attribute with one value: (attribute, whether the resource's value must be below it).
_COMPARISONS = {
    "crb": ("ct", True),
    "cra": ("ct", False),
    "us": ("lt", True),
    "ms": ("lt", False),
    "exb": ("et", True),
    "exa": ("et", False),
    "sts": ("st", True),
    "stb": ("st", False),
    "szb": ("cs", True),
    "sza": ("cs", False),
}
_TIMES = {"ct", "lt", "et"}
_RANGES = [("crb", "cra"), ("us", "ms"), ("exb", "exa"), ("sts", "stb"), ("szb", "sza")]
_INDEXED = {"ty", "lbl", "lvl", "lim", "ofst", "fu", "fo"}
_LATER = {"lbq", "clbl", "palb", "chty", "pty", "cfs", "cfq", "smf", "arp"}
KEYS = _INDEXED | _LATER | set(_COMPARISONS) | {"cty"}


@dataclass(slots=True)
class Filter:
    """Parsed filterCriteria. `usage` is fu: 1 discovery, 2 conditional. `tests` must all hold."""

    usage: int = 2
    types: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    levels: int | None = None
    limit: int | None = None
    offset: int = 1
    tests: list[Test] = field(default_factory=list)

    @property
    def discovers(self) -> bool:
        return self.usage == 1

    def fits(self, resource: Resource) -> bool:
        """Whether a resource meets every condition, types and labels included."""
        if self.types and resource.ty not in self.types:
            return False
        if self.labels and not set(self.labels) & set(resource.attributes.get("lbl", ())):
            return False
        return all(test(resource) for test in self.tests)


def parse_filter(filters: dict[str, list[str]], attribute_names: frozenset[str]) -> Filter:
    """Read the filter part of a request; BadRequest names the criterion that is malformed or unknown."""
    result = Filter()
    for key, values in filters.items():
        if key in _LATER:
            raise NotImplementedByThisCSE(f"filter criterion {key} is not available in this CSE yet: leave it out")
        if key in _INDEXED:
            _set_indexed(result, key, values)
        elif key in _COMPARISONS:
            result.tests.append(_comparison(key, values))
        elif key == "cty":
            result.tests.append(_equality("cnf", values))
        elif key in attribute_names:
            result.tests.append(_equality(key, values))
        else:
            raise BadRequest(
                f"query argument {key[:40]!r} is neither a parameter, a criterion nor an attribute: remove it"
            )
    _check_consistency(filters)
    return result


def _check_consistency(filters: dict[str, list[str]]) -> None:
    """A range that nothing can lie in is a mistake of the client, not an empty result (TS-0018 DIS/008)."""
    for below, above in _RANGES:
        if below in filters and above in filters:
            highest, lowest = _value(below, filters[below]), _value(above, filters[above])
            if highest <= lowest:
                raise BadRequest(
                    f"{below} and {above} exclude each other: nothing is below {highest} and from {lowest} on"
                )


def find(work: Work, root: Resource, criteria: Filter, permitted: Test) -> Iterator[Resource]:
    """The descendants of a resource that fit and that the originator may discover, from the offset to the limit."""
    search = Search(root.path, criteria.types, criteria.labels, criteria.levels)
    now = timestamp(work.now)
    hits = (
        resource
        for resource in work.transaction.resources.search(search)
        if criteria.fits(resource) and resource.attributes.get("et", "~") > now and permitted(resource)
    )
    start = criteria.offset - 1
    return islice(hits, start, None if criteria.limit is None else start + criteria.limit)


def _set_indexed(result: Filter, key: str, values: list[str]) -> None:
    if key == "lbl":
        result.labels = values
    elif key == "ty":
        result.types = [_number(key, value) for value in values]
    elif key == "fo":
        if values != ["1"]:
            raise NotImplementedByThisCSE("filter criterion fo: only 1 (AND) is available in this CSE yet")
    else:
        number = _number(key, values[-1], minimum=1)
        if key == "fu" and number not in (1, 2):
            raise BadRequest("fu must be 1 (discovery) or 2 (conditional)")
        setattr(result, {"fu": "usage", "lvl": "levels", "lim": "limit", "ofst": "offset"}[key], number)


def _number(key: str, text: str, minimum: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text) >= minimum):
        raise BadRequest(f"{key} must be an integer of {minimum} or more, not {text[:40]!r}")
    return int(text)


def _comparison(key: str, values: list[str]) -> Test:
    name, below = _COMPARISONS[key]
    limit = _value(key, values)

    def test(resource: Resource) -> bool:
        value = resource.attributes.get(name)
        return value is not None and bool(value < limit if below else value >= limit)

    return test


def _value(key: str, values: list[str]) -> Any:
    if _COMPARISONS[key][0] in _TIMES:
        return timestamp(parse_timestamp(values[-1], key))
    return _number(key, values[-1])


def _equality(name: str, values: list[str]) -> Test:
    def as_text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    def test(resource: Resource) -> bool:
        value = resource.attributes.get(name)
        found = value if isinstance(value, list) else [] if value is None else [value]
        return any(matches(as_text(item), wanted) for item in found for wanted in values)

    return test
