"""What a unit of work may need before it can be carried out: something from outside, or that somebody else is ready.

The unit raises an Interruption, which undoes it. Whoever runs it does what is needed and runs it again, from its start,
so that everything is checked anew (`cse.performer`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cse.errors import CSEError
from cse.network import Membership
from cse.primitive import Response


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
class Listening:
    """The CSE listens for a membership from now on, or no longer. `key` is as for questions.

    It is raised why it can't (5216, 5217). Should the request fail afterwards, this is undone.
    """

    key: str
    membership: Membership
    joins: bool


# What must be done outside before a unit of work can be carried out.
Need = Question | Listening


@dataclass(frozen=True, slots=True)
class Consent:
    """What has been done for one request so far: the keys of the needs that were met.

    `identifier` is that of the resource to be created, if the needs named it, and `locks` the resource that nobody
    else may change meanwhile. `answers` are those of other CSEs, by the address that was retrieved.
    """

    given: frozenset[str] = frozenset()
    identifier: str = ""
    locks: str = ""
    answers: Mapping[str, Response] = field(default_factory=dict)


NO_CONSENT = Consent()


class Interruption(Exception):
    """The unit of work can't go on by itself."""


class ConsentNeeded(Interruption):
    """These needs have to be met first; identifier and lock are those of `Consent`."""

    def __init__(self, needs: Sequence[Need], identifier: str, locks: str) -> None:
        super().__init__(f"{len(needs)} needs")
        self.needs = needs
        self.identifier = identifier
        self.locks = locks


class AnswersNeeded(Interruption):
    """These resources of other CSEs have to be retrieved first, in the name of `originator`."""

    def __init__(self, addresses: Sequence[str], originator: str) -> None:
        super().__init__(f"{len(addresses)} addresses")
        self.addresses = addresses
        self.originator = originator


class ResourceLocked(Interruption):
    """Somebody is being asked whether this resource may be changed."""

    def __init__(self, ri: str) -> None:
        super().__init__(ri)
        self.ri = ri


class WritingNeeded(Interruption):
    """The unit was to read only, and found something to write."""
