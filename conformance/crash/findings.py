"""What was found wrong, each with the story of the resource: what was sent about it, and what was answered when."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from conformance.crash.tree import Step, parent_of

MOST_REMEMBERED = 20_000
LONGEST_STORY = 25
MOST_SHOWN = 20


class Entry(NamedTuple):
    """Something that happened, in seconds since the beginning."""

    moment: float
    about: str
    text: str


@dataclass
class History:
    """What one connection has sent and heard, in order; other threads write in what happened to all."""

    started: float = field(default_factory=time.monotonic)
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_REMEMBERED))

    def note(self, about: str, text: str) -> None:
        """`about` is an address; empty for what concerns every resource."""
        self.entries.append(Entry(time.monotonic() - self.started, about, text))

    def step(self, step: Step, outcome: str) -> None:
        self.note(step.path, f"{step.method} {step.path} {step.content or ''}: {outcome}")

    def story(self, path: str) -> list[str]:
        """Everything about a resource, its parent, and what its parent drops; starts and kills in between."""
        near = {"", path, f"{parent_of(path)}/la"}
        entries = [one for one in list(self.entries) if one.about in near or _is_above(one.about, path)]
        return [f"{one.moment:9.3f} s  {one.text[:300]}" for one in entries[-LONGEST_STORY:]]


def _is_above(about: str, path: str) -> bool:
    return path.startswith(f"{about}/")


@dataclass
class Findings:
    """`checked` is how many acknowledgements have been looked after, `in_doubt` how many requests had no answer."""

    requests: int = 0
    checked: int = 0
    in_doubt: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, sentence: str, story: Iterable[str] = ()) -> None:
        self.violations.append("\n".join([sentence, *(f"    {line}" for line in story)]))

    def shown(self) -> str:
        """The violations, as far as anybody will read them."""
        left_out = len(self.violations) - MOST_SHOWN
        return "\n".join(self.violations[:MOST_SHOWN] + ([f"… and {left_out} more"] if left_out > 0 else []))
