"""filterCriteria as a whole (TS-0004 clause 7.3.3.17.0): read from a request, and applied to a resource."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cse.discovery import values as read
from cse.discovery.conditions import (
    Condition,
    Kin,
    between,
    has_attribute,
    has_child_of_type,
    has_content,
    has_content_type,
    has_label,
    has_labels_like,
    has_type,
    on_child,
    on_parent,
)
from cse.discovery.content import parse_content_query
from cse.discovery.labels import parse_label_query
from cse.errors import BadRequest, NotImplementedByThisCSE
from cse.store import Resource

Arguments = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Parsed filterCriteria.

    `usage` is fu, None if it was not given. All `conditions` must hold, or any of them if `any_suffices`. `types` and
    `labels` say again, for those who can look them up, what every match has; `others` are the conditions beside these.
    The rest says how deep to search (`levels`), what to take instead of each match (`relative_path`, in segments), and
    which part of the result is wanted (`limit`, and `offset` counted from 1).
    """

    usage: int | None = None
    any_suffices: bool = False
    conditions: tuple[Condition, ...] = ()
    others: tuple[Condition, ...] = ()
    types: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    levels: int | None = None
    limit: int | None = None
    offset: int = 1
    relative_path: tuple[str, ...] = ()

    @property
    def discovers(self) -> bool:
        """Whether addresses are wanted, and nothing else."""
        return self.usage == read.DISCOVERY

    @property
    def demands(self) -> bool:
        """Whether the target of a RETRIEVE itself has to fit."""
        return self.usage == read.CONDITIONAL

    def fits(self, resource: Resource, kin: Kin | None = None) -> bool:
        """Whether a resource meets the conditions, those on types and labels included."""
        return self._hold(self.conditions, resource, kin)

    def fits_besides(self, resource: Resource, kin: Kin) -> bool:
        """The same for one that is known to be of the types and to have the labels."""
        return self._hold(self.others, resource, kin)

    def without_conditions(self) -> "Filter":
        """The same part of whatever there is."""
        return replace(self, any_suffices=False, conditions=(), others=(), types=(), labels=())

    def _hold(self, conditions: tuple[Condition, ...], resource: Resource, kin: Kin | None) -> bool:
        held = (condition(resource, kin or Kin()) for condition in conditions)
        return any(held) if self.any_suffices else all(held)


_EVERYTHING = Filter()


def parse_filter(arguments: Arguments, attribute_names: frozenset[str]) -> Filter:
    """Read the filter part of a request; CSEError names the criterion that is malformed, unknown or not available."""
    if not arguments:
        return _EVERYTHING
    looked_up: list[Condition] = []
    others: list[Condition] = []
    handling: dict[str, Any] = {}
    attributes: dict[str, Arguments] = {}
    for key, values in arguments.items():
        if key in _CONDITIONS:
            (looked_up if key in _LOOKED_UP else others).append(_CONDITIONS[key](key, values))
        elif key in _HANDLING:
            name, reader = _HANDLING[key]
            handling[name] = reader(key, values)
        elif key not in _IN_PAIRS:
            prefix, name = _attribute(key, attribute_names)
            attributes.setdefault(prefix, {})[name] = values
    others += _ranges(arguments) + _content(arguments)
    others += [_SCOPES[prefix](has_attribute(wanted)) for prefix, wanted in attributes.items()]
    conditions = (*looked_up, *others)
    if handling.pop("operation", read.AND) == read.OR and len(conditions) > 1:
        return Filter(any_suffices=True, conditions=conditions, others=conditions, **handling)
    handling |= {"types": read.numbers("ty", arguments.get("ty", [])), "labels": tuple(arguments.get("lbl", ()))}
    return Filter(conditions=conditions, others=tuple(others), **handling)


def _attribute(key: str, attribute_names: frozenset[str]) -> tuple[str, str]:
    """The attribute that is tested, behind whose it is: `mni`, `c.mni` (of a child), `p.mni` (of the parent)."""
    prefix = key[:2] if key[:2] in _SCOPES else ""
    name = key.removeprefix(prefix)
    if name in _HAVE_CRITERIA:
        raise BadRequest(f"{key} can't be tested as an attribute: use the filter criterion that there is for it")
    if name not in attribute_names:
        raise BadRequest(f"query argument {key[:40]!r} is neither a parameter, a criterion nor an attribute: remove it")
    return prefix, name


def _ranges(arguments: Arguments) -> list[Condition]:
    """Two criteria on one attribute are one condition: a range.

    One that nothing can lie in is a mistake of the client, not an empty result (TS-0018 DIS/008).
    """
    found = []
    for name, (below, read_limit), (above, read_lowest) in _RANGES:
        limit = read_limit(below, arguments[below]) if below in arguments else None
        lowest = read_lowest(above, arguments[above]) if above in arguments else None
        if limit is not None and lowest is not None and limit <= lowest:
            raise BadRequest(f"{below} and {above} exclude each other: nothing is below {limit} and from {lowest} on")
        if limit is not None or lowest is not None:
            found.append(between(name, lowest, limit))
    return found


def _content(arguments: Arguments) -> list[Condition]:
    if "cfs" not in arguments and "cfq" not in arguments:
        return []
    if "cfs" not in arguments or "cfq" not in arguments:
        raise BadRequest("cfs (1, for jsonpath) and cfq (the query) go together: give both")
    read.syntax("cfs", arguments["cfs"])
    return [has_content(parse_content_query(" ".join(arguments["cfq"])))]


def _semantics(key: str, values: list[str]) -> Condition:
    raise NotImplementedByThisCSE("smf (semantic discovery) is not available in this CSE: leave it out")


Reader = Callable[[str, list[str]], Any]
_RANGES: tuple[tuple[str, tuple[str, Reader], tuple[str, Reader]], ...] = (
    ("ct", ("crb", read.moment), ("cra", read.moment)),
    ("lt", ("us", read.moment), ("ms", read.moment)),
    ("et", ("exb", read.moment), ("exa", read.moment)),
    ("st", ("sts", read.positive), ("stb", read.number)),
    ("cs", ("szb", read.positive), ("sza", read.number)),
)
_CONDITIONS: dict[str, Callable[[str, list[str]], Condition]] = {
    "ty": lambda key, values: has_type(read.numbers(key, values)),
    "pty": lambda key, values: on_parent(has_type(read.numbers(key, values))),
    "chty": lambda key, values: has_child_of_type(read.numbers(key, values)),
    "lbl": lambda key, values: has_label(values),
    "palb": lambda key, values: on_parent(has_label(values)),
    "clbl": lambda key, values: on_child(has_label(values)),
    "lbq": lambda key, values: has_labels_like(parse_label_query(" ".join(values))),
    "cty": lambda key, values: has_content_type(values),
    "smf": _semantics,
}
_LOOKED_UP = frozenset({"ty", "lbl"})  # in an index of the store
_HANDLING: dict[str, tuple[str, Reader]] = {
    "fu": ("usage", read.usage),
    "fo": ("operation", read.operation),
    "lvl": ("levels", read.positive),
    "lim": ("limit", read.number),
    "ofst": ("offset", read.positive),
    "arp": ("relative_path", read.relative_path),
}
_SCOPES: dict[str, Callable[[Condition], Condition]] = {"": lambda own: own, "c.": on_child, "p.": on_parent}
_HAVE_CRITERIA = frozenset({"ct", "lt", "st", "et", "lbl", "ty", "cs", "cnf"})
_IN_PAIRS = frozenset({"cfs", "cfq"}.union(*({below, above} for _, (below, _), (above, _) in _RANGES)))
