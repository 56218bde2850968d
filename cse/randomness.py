"""Random texts for identifiers, drawn many at a time: to ask the system for each costs more than all the rest."""

import os
import secrets

DIGITS = 12
DRAWN = 256  # at a time

_left: list[str] = []
os.register_at_fork(after_in_child=_left.clear)  # no two processes have the same


def token() -> str:
    """Twelve hexadecimal digits that nobody can guess, and that come once. Any thread may call it."""
    while True:
        try:
            return _left.pop()
        except IndexError:
            text = secrets.token_hex(DRAWN * DIGITS // 2)
            _left.extend(text[start : start + DIGITS] for start in range(0, len(text), DIGITS))
