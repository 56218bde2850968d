"""Data types by the names of TS-0004 and of the XML schema, and those that tables define from them."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from cse.attributes import (
    ANYTHING,
    BOOLEAN,
    DURATION,
    IDENTIFIER,
    INTEGER,
    NUMBER,
    TEXT,
    TIMESTAMP,
    DataType,
    either,
    list_of,
    matching,
    one_of,
    record,
    within,
)
from cse.config import ConfigurationError
from cse.errors import BadRequest
from cse.windows import parse_window
from resources.common.location import GEO_COORDINATES

LIST = "list of "
DEFINITIONS = ("type", "values", "members", "alternatives")


def _reads(reader: Callable[[str], object]) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        try:
            return isinstance(value, str) and reader(value) is not None
        except (ValueError, BadRequest):
            return False

    return accepts


KNOWN = {
    "xs:string": TEXT,
    "xs:anyURI": IDENTIFIER,
    "xs:boolean": BOOLEAN,
    "xs:integer": INTEGER,
    "xs:long": INTEGER,
    "xs:nonNegativeInteger": within(INTEGER, 0, math.inf),
    "xs:unsignedLong": within(INTEGER, 0, math.inf),
    "xs:unsignedInt": within(INTEGER, 0, 2**32 - 1),
    "xs:positiveInteger": within(INTEGER, 1, math.inf),
    "xs:float": NUMBER,
    "xs:double": NUMBER,
    "xs:date": DataType("a date such as 2026-01-31", _reads(date.fromisoformat)),
    "xs:time": DataType("a time such as 10:15:00", _reads(time.fromisoformat)),
    "xs:dateTime": DataType("a date and time such as 2026-01-31T10:15:00", _reads(datetime.fromisoformat)),
    "xs:duration": DURATION,
    "xs:anyType": ANYTHING,
    "m2m:timestamp": TIMESTAMP,
    "m2m:ID": IDENTIFIER,
    "m2m:geoCoordinates": GEO_COORDINATES,
    "m2m:ipv4": DataType("an address such as 192.0.2.1", _reads(IPv4Address)),
    "m2m:ipv6": DataType("an address such as 2001:db8::1", _reads(IPv6Address)),
    "m2m:scheduleEntry": DataType("a schedule entry such as * 0 8-17 * * * *", _reads(parse_window)),
}


class DataTypes:
    """The types that can be named in tables: KNOWN, and the definitions of the files, `{name: (file, definition)}`."""

    def __init__(self, definitions: Mapping[str, tuple[str, Any]]) -> None:
        self._definitions = definitions
        self._found: dict[str, DataType] = dict(KNOWN)
        self._open: list[str] = []

    def all(self) -> dict[str, DataType]:
        """Every type by its name; ConfigurationError for a definition that is none."""
        return {name: self.named(name, "") for name in (*KNOWN, *self._definitions)}

    def named(self, name: str, place: str) -> DataType:
        """The type of this name; `place` is where it is named."""
        if name.startswith(LIST):
            return list_of(self.named(name.removeprefix(LIST), place))
        if name not in self._found:
            self._found[name] = self._defined(name, place)
        return self._found[name]

    def read(self, definition: Any, place: str) -> DataType:
        """The type that a definition says: a name, or one of DEFINITIONS and restrictions of it; `place` is where."""
        if isinstance(definition, str):
            return self.named(definition, place)
        ways = [way for way in DEFINITIONS if isinstance(definition, Mapping) and way in definition]
        if len(ways) != 1:
            raise ConfigurationError(f"{place}: say by exactly one of {', '.join(DEFINITIONS)} what the values are")
        kind = self._by[ways[0]](self, definition[ways[0]], place)
        return _restricted(kind, definition, place)

    def _defined(self, name: str, place: str) -> DataType:
        if name not in self._definitions:
            known = ", ".join(sorted((*KNOWN, *self._definitions)))
            raise ConfigurationError(
                f"{place}: there is no data type {name!r}; define it in [types] or use one of {known}"
            )
        if name in self._open:
            raise ConfigurationError(f"{place}: the data type {name} contains itself: take it out")
        file, definition = self._definitions[name]
        self._open.append(name)
        kind = self.read(definition, f"{file}: data type {name}")
        self._open.pop()
        return kind

    def _of_values(self, values: Any, place: str) -> DataType:
        if not (isinstance(values, list) and values and all(isinstance(value, int | str) for value in values)):
            raise ConfigurationError(f"{place}: values must be a list of integers or texts, such as [1, 2]")
        return one_of(*values)

    def _of_members(self, members: Any, place: str) -> DataType:
        """A question mark behind a member's type: it may be absent."""
        if not isinstance(members, Mapping) or not all(isinstance(kind, str) for kind in members.values()):
            raise ConfigurationError(f'{place}: members must be names with types, such as {{acn = "xs:string?"}}')
        return record(
            **{
                name + "_" * kind.endswith("?"): self.named(kind.removesuffix("?"), f"{place}, member {name}")
                for name, kind in members.items()
            }
        )

    def _of_alternatives(self, alternatives: Any, place: str) -> DataType:
        if not isinstance(alternatives, list) or not alternatives:
            raise ConfigurationError(f"{place}: alternatives must be a list of types")
        return either(*(self.read(alternative, place) for alternative in alternatives))

    _by = {"type": read, "values": _of_values, "members": _of_members, "alternatives": _of_alternatives}  # noqa: RUF012


def _restricted(kind: DataType, definition: Mapping[str, Any], place: str) -> DataType:
    for name in RESTRICTIONS:
        if name in definition:
            kind = _RESTRICT[name](kind, definition[name], place)
    return kind


def _minimum(kind: DataType, bound: Any, place: str) -> DataType:
    return within(kind, _bound(kind, bound, place), math.inf)


def _maximum(kind: DataType, bound: Any, place: str) -> DataType:
    return within(kind, -math.inf, _bound(kind, bound, place))


def _bound(kind: DataType, bound: Any, place: str) -> float:
    if not NUMBER.accepts(bound) or not kind.accepts(bound):
        raise ConfigurationError(f"{place}: minimum and maximum go with numbers, and must be values of the type")
    return float(bound)


def _pattern(kind: DataType, pattern: Any, place: str) -> DataType:
    try:
        return matching(f"a text that fits {pattern}", pattern)
    except (TypeError, re.error) as error:
        raise ConfigurationError(f"{place}: pattern is no regular expression: {error}") from None


def _may_be_empty(kind: DataType, permitted: Any, place: str) -> DataType:
    if kind.item is None:
        raise ConfigurationError(f"{place}: may_be_empty goes with lists only: leave it out")
    return list_of(kind.item, may_be_empty=bool(permitted))


_RESTRICT: dict[str, Callable[[DataType, Any, str], DataType]] = {
    "minimum": _minimum,
    "maximum": _maximum,
    "pattern": _pattern,
    "may_be_empty": _may_be_empty,
}
RESTRICTIONS = tuple(_RESTRICT)
