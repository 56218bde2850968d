"""What a unit of work may need before it can be carried out: answers from outside, or that somebody else is ready.

The unit raises an Interruption, which undoes it. Whoever runs it does what is needed and runs it again, from its start,
so that everything is checked anew (`cse.performer`).
"""

from dataclasses import dataclass
from typing import Any

from cse.errors import CSEError


@dataclass(frozen=True, slots=True)
class Question:
    """A notification to `target` that must be answered with success. Within one request, `key` says what is asked for.

    If nobody answers, `unreachable` is raised, after an unsuccessful answer `refused`. It is asked `attempts` times.
    """

    key: str
    target: str
    content: Any
    unreachable: type[CSEError]
    refused: type[CSEError]
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Consent:
    """What has been done for one request so far: the keys of the questions that were answered with success.

    `identifier` is that of the resource to be created, if the questions named it, and `locks` the resource that nobody
    else may change meanwhile.
    """

    given: frozenset[str] = frozenset()
    identifier: str = ""
    locks: str = ""


NO_CONSENT = Consent()


class Interruption(Exception):
    """The unit of work can't go on by itself."""


class ConsentNeeded(Interruption):
    """These questions have to be answered first; identifier and lock are those of `Consent`."""

    def __init__(self, questions: list[Question], identifier: str, locks: str) -> None:
        super().__init__(f"{len(questions)} questions")
        self.questions = questions
        self.identifier = identifier
        self.locks = locks


class ResourceLocked(Interruption):
    """Somebody is being asked whether this resource may be changed."""

    def __init__(self, ri: str) -> None:
        super().__init__(ri)
        self.ri = ri


class WritingNeeded(Interruption):
    """The unit was to read only, and found something to write."""
