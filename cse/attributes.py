"""What a resource type declares about its attributes, and the checks that follow from it (TS-0004 clause 7.3.3)."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any

from cse.errors import BadRequest, CSEError, NotImplementedByThisCSE
from cse.timing import parse_duration, parse_moment, parse_timestamp


class Presence(Enum):
    """Whether an attribute may appear in a request."""

    MANDATORY = "M"
    OPTIONAL = "O"
    NOT_PERMITTED = "NP"


M, O, NP = Presence.MANDATORY, Presence.OPTIONAL, Presence.NOT_PERMITTED  # noqa: E741 - the standard's letters


@dataclass(frozen=True, slots=True)
class DataType:
    """A data type of TS-0004 clause 6.3: what it is in words, and whether a JSON value is one.

    `item` is the type of the items of a list, `members` are those of an object. `loosely` makes of a value that is none
    what an old client means by it, and leaves every other as it is; a text in XML is read the same way.
    """

    description: str
    accepts: Callable[[Any], bool]
    item: "DataType | None" = None
    members: "Mapping[str, DataType]" = field(default_factory=dict)
    loosely: Callable[[Any], Any] = lambda value: value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _parses(parser: Callable[[str], object]) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        try:
            return isinstance(value, str) and parser(value) is not None
        except CSEError:
            return False

    return accepts


def _collapsed(text: str) -> str:
    """White space as xs:token has it."""
    return " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _integer(value: Any) -> Any:
    digits = value.removeprefix("-") if isinstance(value, str) else ""
    return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 20 else value


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) and len(value) < 32 else value
    except ValueError:
        return value


_BEYOND = 2**63  # the integers of xs:long end there
TEXT = DataType("a string", lambda value: isinstance(value, str))
TOKEN = DataType(
    "a text without tabs, line ends and blanks beside each other or at an end",
    lambda value: isinstance(value, str) and bool(value) and value == _collapsed(value),
    loosely=lambda value: _collapsed(value) if isinstance(value, str) else value,
)
IDENTIFIER = DataType("a non-empty string", lambda value: isinstance(value, str) and bool(value))
BOOLEAN = DataType("true or false", lambda value: isinstance(value, bool), loosely=_boolean)
INTEGER = DataType("an integer", lambda value: _is_integer(value) and -_BEYOND <= value < _BEYOND, loosely=_integer)
NUMBER = DataType("a number", lambda value: _is_number(value) or INTEGER.accepts(value), loosely=_number)
NON_NEGATIVE = DataType("an integer of 0 or more", lambda value: _is_integer(value) and value >= 0, loosely=_integer)
POSITIVE = DataType("an integer of 1 or more", lambda value: _is_integer(value) and value >= 1, loosely=_integer)
TIMESTAMP = DataType("a timestamp such as 20260102T101500", _parses(parse_timestamp))
MOMENT = DataType(
    "a timestamp, or a number of milliseconds from now", _parses(lambda text: parse_moment(text, 0.0, "it"))
)
DURATION = DataType("a duration such as PT15M", _parses(parse_duration))
OBJECT = DataType("an object", lambda value: isinstance(value, dict))
ANYTHING = DataType("a value", lambda value: value is not None)


def list_of(item: DataType, *, may_be_empty: bool = False) -> DataType:
    """A list whose items are all of one type."""

    def accepts(value: Any) -> bool:
        return isinstance(value, list) and (may_be_empty or bool(value)) and all(map(item.accepts, value))

    return DataType(f"a list in which each item is {item.description}", accepts, item=item)


def one_of(*values: int | str) -> DataType:
    """An enumeration of integers or texts."""
    described = f"one of {', '.join(map(str, values))}"
    return DataType(
        described,
        lambda value: not isinstance(value, bool | float) and value in values,
        loosely=lambda value: value if value in values else _integer(value),
    )


def within(kind: DataType, lowest: float, highest: float) -> DataType:
    """A number of this type between two bounds, which are possible values; infinity for none."""
    bounds = [f"{word} {bound:g}" for word, bound in (("from", lowest), ("to", highest)) if math.isfinite(bound)]
    described = " ".join((kind.description, *bounds))
    return replace(
        kind, description=described, accepts=lambda value: kind.accepts(value) and lowest <= value <= highest
    )


def either(*kinds: DataType) -> DataType:
    """A value of any of these types."""
    described = " or ".join(kind.description for kind in kinds)
    return DataType(described, lambda value: any(kind.accepts(value) for kind in kinds))


def matching(description: str, pattern: str) -> DataType:
    """A string that fits a regular expression as a whole; the description says what it is in words."""
    compiled = re.compile(pattern)
    return DataType(description, lambda value: isinstance(value, str) and bool(compiled.fullmatch(value)))


def record(**members: DataType) -> DataType:
    """An object with these members and no others; a name that ends in an underscore is optional."""
    known = {name.rstrip("_"): kind for name, kind in members.items()}
    needed = [name for name in members if not name.endswith("_")]

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and all(name in value for name in needed)
            and all(name in known and known[name].accepts(item) for name, item in value.items())
        )

    described = ", ".join(f"{name} ({kind.description})" for name, kind in known.items())
    return DataType(f"an object with {described}", accepts, members=known)


def meant(kind: DataType, value: Any) -> Any:
    """The value of a type that an old client means by this one, or XML by this text; itself if there is none."""
    if value is None:
        return None
    if kind.item is not None:
        return [meant(kind.item, item) for item in (value if isinstance(value, list) else [value])]
    if kind.members and isinstance(value, dict):
        return {name: meant(kind.members[name], item) if name in kind.members else item for name, item in value.items()}
    return kind.loosely(value)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row of a resource type's attribute table.

    `required` means that the attribute always exists once the resource does (cardinality 1): it can't be deleted,
    unless it is `chosen`, which means that the CSE then finds a value as it does for a CREATE that names none.
    `needs` names a feature that this CSE lacks: the attribute is known, and refused with 5001. `long_list` attributes
    live as rows (`cse.store.Lists`), not in the document. `since` is the release that brought the attribute: older
    clients need not state it, and do not get it.
    """

    short_name: str
    name: str
    type: DataType
    create: Presence
    update: Presence
    required: bool = False
    chosen: bool = False
    default: Any = None
    needs: str = ""
    long_list: bool = False
    since: str = ""


class Table(dict[str, Attribute]):
    """The attributes of a resource type by short name; it does not change once it is made."""

    @cached_property
    def mandatory(self) -> tuple[Attribute, ...]:
        """Those that a CREATE must name."""
        return tuple(attribute for attribute in self.values() if attribute.create is M)


def table(*rows: Attribute | Iterable[Attribute]) -> Table:
    """An attribute table by short name, from rows and from sets of rows that several types share."""
    flat: list[Attribute] = []
    for row in rows:
        flat.extend([row] if isinstance(row, Attribute) else row)
    return Table((attribute.short_name, attribute) for attribute in flat)


def check_create(attributes: Table, content: Mapping[str, Any], *, lenient: bool = False) -> None:
    """BadRequest unless the content of a CREATE fits the table; an old client may not know of newer attributes."""
    for name, value in content.items():
        attribute = _known(attributes, name)
        _check(attribute, value, attribute.create)
        if value is None and name != "cr":
            raise BadRequest(f"attribute {name} is null: leave it out of a CREATE")
    for attribute in attributes.mandatory:
        if attribute.short_name not in content and not (lenient and attribute.since):
            raise BadRequest(f"attribute {attribute.short_name} ({attribute.name}) is mandatory: add it")


def check_update(attributes: Table, content: Mapping[str, Any], *, may_be_empty: bool = False) -> None:
    """BadRequest unless the content of an UPDATE fits the table; null deletes an attribute that may be absent."""
    if not content and not may_be_empty:
        raise BadRequest("the content of an UPDATE must name at least one attribute")
    for name, value in content.items():
        attribute = _known(attributes, name)
        _check(attribute, value, attribute.update)
        if value is None and attribute.required and not attribute.chosen:
            raise BadRequest(f"attribute {name} ({attribute.name}) can't be deleted: give it a value")


def _known(attributes: Table, name: str) -> Attribute:
    attribute = attributes.get(name)
    if attribute is None:
        raise BadRequest(f"attribute {name[:40]!r} is unknown for this resource type: remove it")
    return attribute


def _check(attribute: Attribute, value: Any, presence: Presence) -> None:
    name = attribute.short_name
    if presence is NP:
        raise BadRequest(f"attribute {name} ({attribute.name}) is set by the CSE: remove it from the request")
    if attribute.needs:
        raise NotImplementedByThisCSE(f"attribute {name} needs {attribute.needs}, which this CSE does not have yet")
    if value is not None and not attribute.type.accepts(value):
        raise BadRequest(f"attribute {name} ({attribute.name}) must be {attribute.type.description}")


UNIVERSAL = (
    Attribute("rn", "resourceName", IDENTIFIER, O, NP, required=True),
    Attribute("ty", "resourceType", NON_NEGATIVE, NP, NP, required=True),
    Attribute("ri", "resourceID", IDENTIFIER, NP, NP, required=True),
    Attribute("pi", "parentID", TEXT, NP, NP, required=True),
    Attribute("ct", "creationTime", TIMESTAMP, NP, NP, required=True),
    Attribute("lt", "lastModifiedTime", TIMESTAMP, NP, NP, required=True),
)
LABELS = Attribute("lbl", "labels", list_of(TOKEN), O, O)
EXPIRATION = Attribute("et", "expirationTime", TIMESTAMP, O, O, required=True, chosen=True)
POLICY_IDS = Attribute("acpi", "accessControlPolicyIDs", list_of(IDENTIFIER), O, O)
POLICIES = (POLICY_IDS, Attribute("cstn", "custodian", IDENTIFIER, O, O))
DYNAMIC_POLICIES = Attribute(
    "daci", "dynamicAuthorizationConsultationIDs", list_of(IDENTIFIER), O, O, needs="dynamic authorization"
)
CREATOR = Attribute("cr", "creator", IDENTIFIER, O, NP)
ANNOUNCEMENT = (
    Attribute("at", "announceTo", list_of(IDENTIFIER), O, O, needs="announcement"),
    Attribute("aa", "announcedAttribute", list_of(IDENTIFIER), O, O, needs="announcement"),
)
# What resources have that policies govern, and those of them that can be announced to other CSEs.
GOVERNED = (*UNIVERSAL, *POLICIES, EXPIRATION, LABELS, DYNAMIC_POLICIES)
REGULAR = (*GOVERNED, *ANNOUNCEMENT)
