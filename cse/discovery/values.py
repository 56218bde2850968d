"""The values of query arguments in filterCriteria, read from text; BadRequest names the argument."""

from cse.address import valid_name
from cse.errors import BadRequest, NotImplementedByThisCSE
from cse.timing import exact_timestamp, parse_timestamp

DISCOVERY, CONDITIONAL, ON_DEMAND = 1, 2, 3  # m2m:filterUsage
AND, OR = 1, 2  # m2m:filterOperation
_JSON_PATH = 1  # m2m:contentFilterSyntax
_LONGEST_INTEGER = 15  # digits


def single(key: str, values: list[str]) -> str:
    """The value of an argument that has only one."""
    if len(values) != 1:
        raise BadRequest(f"{key} must have one value, not {len(values)}")
    return values[0]


def number(key: str, values: list[str]) -> int:
    """An integer of 0 or more."""
    return _integer(key, single(key, values), 0)


def positive(key: str, values: list[str]) -> int:
    """An integer of 1 or more."""
    return _integer(key, single(key, values), 1)


def numbers(key: str, values: list[str]) -> tuple[int, ...]:
    """Integers of 0 or more."""
    return tuple(_integer(key, value, 0) for value in values)


def moment(key: str, values: list[str]) -> str:
    """A timestamp in the form that resources are stored with."""
    return exact_timestamp(parse_timestamp(single(key, values), key))


def usage(key: str, values: list[str]) -> int:
    """filterUsage."""
    found = number(key, values)
    if found == ON_DEMAND:
        raise NotImplementedByThisCSE("fu=3 (IPE on-demand discovery) is not available in this CSE: use 1 or 2")
    if found not in (DISCOVERY, CONDITIONAL):
        raise BadRequest("fu must be 1 (discovery) or 2 (conditional)")
    return found


def operation(key: str, values: list[str]) -> int:
    """filterOperation."""
    found = number(key, values)
    if found not in (AND, OR):
        raise BadRequest("fo must be 1 (AND) or 2 (OR)")
    return found


def syntax(key: str, values: list[str]) -> int:
    """contentFilterSyntax."""
    found = number(key, values)
    if found != _JSON_PATH:
        raise BadRequest("cfs must be 1 (jsonpath)")
    return found


def relative_path(key: str, values: list[str]) -> tuple[str, ...]:
    """The segments of a path such as `/la` or `../other`."""
    segments = tuple(single(key, values).removeprefix("/").split("/"))
    if not all(map(valid_name, segments)):
        raise BadRequest(f"{key} must be a relative path such as la or ../other, not {values[0][:40]!r}")
    return segments


def _integer(key: str, text: str, minimum: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_INTEGER and int(text) >= minimum):
        raise BadRequest(f"{key} must be an integer of {minimum} or more, not {text[:40]!r}")
    return int(text)
