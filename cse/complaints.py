"""Warnings in the log that would come again and again: about each subject one a minute at most."""

import logging
import math
from typing import NamedTuple

from cse.timing import Clock

INTERVAL = 60.0  # seconds
MOST_REMEMBERED = 1000


class _Said(NamedTuple):
    """When something was last said about a subject, and how many times it has not been since."""

    moment: float = -math.inf
    withheld: int = 0


class Complaints:
    """Counts what it does not say."""

    def __init__(self, clock: Clock, log: logging.Logger) -> None:
        self._clock = clock
        self._log = log
        self._said: dict[str, _Said] = {}

    def about(self, subject: str, sentence: str) -> None:
        """Log a sentence, unless something about the same subject has been logged shortly before."""
        now = self._clock.now()
        said = self._said.get(subject, _Said())
        if abs(now - said.moment) < INTERVAL:
            self._said[subject] = said._replace(withheld=said.withheld + 1)
            return
        self._log.warning("%s%s", sentence, f" (and {said.withheld} times before)" if said.withheld else "")
        self._said.pop(subject, None)
        self._said[subject] = _Said(now)
        if len(self._said) > MOST_REMEMBERED:
            del self._said[next(iter(self._said))]
