"""Which group requests have been here: each goes through a group once (TS-0004 clause 7.4.14.2.1)."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from cse.errors import GroupRequestIdentifierExists

MOST_REMEMBERED = 10_000  # pairs


@dataclass(slots=True)
class _Visits:
    until: float = 0.0
    targets: set[str] = field(default_factory=set)


class SeenRequests:
    """Group request identifiers and the targets where they were, until their deadline; the oldest go when full."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, _Visits] = OrderedDict()
        self._count = 0

    def targets(self, identifier: str | None, now: float) -> frozenset[str]:
        """Where a request with this identifier has been."""
        visits = self._visits.get(identifier or "")
        return frozenset(visits.targets) if visits and visits.until > now else frozenset()

    def enter(self, identifier: str | None, target: str, now: float, deadline: float) -> None:
        """GroupRequestIdentifierExists if it has been at this target before; one without identifier never has."""
        if identifier is None:
            return
        if target in self.targets(identifier, now):
            raise GroupRequestIdentifierExists(f"group request {identifier[:80]} has been at {target[:200]} already")
        self.note(identifier, [target], now, deadline)

    def note(self, identifier: str, targets: Iterable[str], now: float, deadline: float) -> None:
        """It is, or has been, at these targets."""
        known = self._visits.get(identifier)
        if known is not None and known.until <= now:
            self._forget(identifier)
        visits = self._visits.setdefault(identifier, _Visits())
        visits.until = max(visits.until, deadline)
        self._count -= len(visits.targets)
        visits.targets.update(targets)
        self._count += len(visits.targets)
        self._visits.move_to_end(identifier)
        while self._count > MOST_REMEMBERED and len(self._visits) > 1:
            self._forget(next(iter(self._visits)))

    def _forget(self, identifier: str) -> None:
        self._count -= len(self._visits.pop(identifier).targets)
