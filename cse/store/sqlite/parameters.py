"""Lists of texts as one parameter of a statement: as JSON, but SQLite ends a text in JSON where it has U+0000."""

from collections.abc import Iterable

import orjson

_NUL, _ESCAPE = "\x00", "\x1a"


def listed(parameter: str) -> str:
    """The texts in a parameter that `as_list` has made, for `IN (…)` in a statement."""
    value = "replace(replace(value, char(26) || '0', char(0)), char(26) || '1', char(26))"
    return f"SELECT {value} FROM json_each({parameter})"  # noqa: S608


def as_list(texts: Iterable[str]) -> str:
    """The parameter for these texts."""
    escaped = [text.replace(_ESCAPE, f"{_ESCAPE}1").replace(_NUL, f"{_ESCAPE}0") for text in texts]
    return orjson.dumps(escaped).decode()
