"""contentFilterQuery in the syntax "jsonpath" of oneM2M, which is a language of its own (TS-0001 annex J.2).

$.meter.readings[0].value GT 5 AND $."serial number" MATCH "A7"
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from cse.errors import BadRequest

ContentQuery = Callable[[Mapping[str, Any]], bool]

_MOST_COMPARISONS = 20
_STRING = r'"(?:[^"\\]|\\.)*"'
_STEP = rf"\.(?:{_STRING}|[^\s\".\[\]]+)|\[\d{{1,9}}\]"
_STEPS = re.compile(_STEP)
_COMPARISON = re.compile(
    rf"\s*(?P<path>\$(?:{_STEP})*)\s+(?P<operator>EQ|NE|GT|LT|GE|LE|MATCH)\s+(?P<value>{_STRING}|[^\s\"]+)"
    r"(?:\s+(?P<next>AND|OR)\s|\s*$)"
)
_ABSENT = object()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: _is_number(found) and _is_number(wanted) and compare(found, wanted)


def _contains(found: Any, wanted: Any) -> bool:
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _equal(found: Any, wanted: Any) -> bool:
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": _equal,
    "NE": lambda found, wanted: not _equal(found, wanted),
    "GT": _numbers(operator.gt),
    "LT": _numbers(operator.lt),
    "GE": _numbers(operator.ge),
    "LE": _numbers(operator.le),
    "MATCH": _contains,
}


def parse_content_query(text: str) -> ContentQuery:
    """A condition on the attributes of an instance; AND binds tighter than OR. BadRequest names what is malformed."""
    alternatives: list[list[Callable[[Any], bool]]] = [[]]
    for match in _comparisons(text):
        alternatives[-1].append(_comparison(match))
        if match["next"] == "OR":
            alternatives.append([])

    def holds(attributes: Mapping[str, Any]) -> bool:
        content = _json(attributes)
        return any(all(comparison(content) for comparison in alternative) for alternative in alternatives)

    return holds


def _comparisons(text: str) -> Iterator[re.Match[str]]:
    position = 0
    for _ in range(_MOST_COMPARISONS):
        match = _COMPARISON.match(text, position)
        if match is None:
            raise BadRequest(f'cfq has {text[position:][:40]!r} where a comparison such as $.a.b[0] EQ "x" belongs')
        yield match
        if match["next"] is None:
            return
        position = match.end()
    raise BadRequest(f"cfq has more than {_MOST_COMPARISONS} comparisons: shorten it")


def _comparison(match: re.Match[str]) -> Callable[[Any], bool]:
    steps = [_step(step) for step in _STEPS.findall(match["path"])]
    compare, wanted = _OPERATORS[match["operator"]], _literal(match["value"])

    def holds(content: Any) -> bool:
        found = content
        for step in steps:
            found = _member(found, step)
        return found is not _ABSENT and compare(found, wanted)

    return holds


def _step(text: str) -> str | int:
    if text.startswith("["):
        return int(text[1:-1])
    name = text[1:]
    return str(_literal(name)) if name.startswith('"') else name


def _literal(text: str) -> Any:
    """A JSON value; what is none is a string without quotes."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _member(found: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return found.get(step, _ABSENT) if isinstance(found, dict) else _ABSENT
    return found[step] if isinstance(found, list) and step < len(found) else _ABSENT


def _json(attributes: Mapping[str, Any]) -> Any:
    """The content, if it is JSON: by itself, or as a text whose contentInfo does not say that it is something else."""
    content = attributes.get("con", _ABSENT)
    if not isinstance(content, str):
        return content
    if "json" not in str(attributes.get("cnf", "json")):
        return _ABSENT
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _ABSENT
