"""labelsQuery: expressions over labels of the form `key` or `key:value` (TS-0004 clause 7.3.3.17.16)."""

import re
from collections.abc import Callable, Iterable

from cse.errors import BadRequest

LabelQuery = Callable[[Iterable[str]], bool]

_TOKEN = re.compile(r"[(),]|[^\s(),]+")
_OPERATORS = ("EQ", "NE", "IN", "NI")
_RESERVED = frozenset({*_OPERATORS, "NT", "(", ")", ","})
_MOST_TOKENS = 200


def parse_label_query(text: str) -> LabelQuery:
    """A list of expressions, one of which must hold; BadRequest says what is none.

    They are `key`, `NT key`, `key:value` or `key EQ value`, `key NE value`, `key IN (value, ...)` and
    `key NI (value, ...)`.
    """
    tokens = _TOKEN.findall(text)
    if len(tokens) > _MOST_TOKENS:
        raise BadRequest(f"lbq has more than {_MOST_TOKENS} words: shorten it")
    reader = _Reader(tokens)
    expressions = [_expression(reader)]
    while reader.ahead:
        expressions.append(_expression(reader))
    return lambda labels: any(expression(_by_key(labels)) for expression in expressions)


class _Reader:
    """Takes tokens one by one."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens[::-1]

    @property
    def ahead(self) -> str:
        """The next token, empty at the end."""
        return self._tokens[-1] if self._tokens else ""

    def take(self, *allowed: str) -> str:
        """The next token, one of those allowed."""
        if self.ahead not in allowed:
            raise self._misplaced(" or ".join(allowed))
        return self._tokens.pop()

    def word(self) -> str:
        """The next token, a key or a value."""
        if not self.ahead or self.ahead in _RESERVED:
            raise self._misplaced("a key or a value")
        return self._tokens.pop()

    def _misplaced(self, wanted: str) -> BadRequest:
        found = repr(self.ahead[:40]) if self.ahead else "its end"
        return BadRequest(f"lbq has {found} where {wanted} belongs: write for example color IN (red, green)")


_Expression = Callable[[dict[str, set[str | None]]], bool]


def _by_key(labels: Iterable[str]) -> dict[str, set[str | None]]:
    """The values of each key, None for a label that is only a key."""
    found: dict[str, set[str | None]] = {}
    for label in labels:
        key, colon, value = label.partition(":")
        found.setdefault(key, set()).add(value if colon else None)
    return found


def _expression(reader: _Reader) -> _Expression:
    if reader.ahead == "NT":
        reader.take("NT")
        unwanted = reader.word()
        return lambda labels: unwanted not in labels
    key, colon, value = reader.word().partition(":")
    if colon:
        return _among(key, {value})
    if reader.ahead not in _OPERATORS:
        return lambda labels: key in labels
    operator = reader.take(*_OPERATORS)
    values = {reader.word()} if operator in ("EQ", "NE") else _values(reader)
    return _among(key, values) if operator in ("EQ", "IN") else _apart(key, values)


def _values(reader: _Reader) -> set[str]:
    reader.take("(")
    values = {reader.word()}
    while reader.take(",", ")") == ",":
        values.add(reader.word())
    return values


def _among(key: str, values: set[str]) -> _Expression:
    return lambda labels: not values.isdisjoint(labels.get(key, ()))


def _apart(key: str, values: set[str]) -> _Expression:
    """There is a label with this key and a value, and none with one of these values."""
    return lambda labels: bool(labels.get(key, set()) - {None}) and values.isdisjoint(labels[key])
