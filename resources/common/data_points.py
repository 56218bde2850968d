"""Which data points of a time series are missing (TS-0001 clause 10.2.4.28); all times are whole microseconds."""

from dataclasses import asdict, dataclass, field
from typing import Any

MOST_PENDING = 1000  # data points that may be expected at the same time


@dataclass(slots=True)
class Detection:
    """The data points that follow the first instance, one in each period.

    The data point `index` is generated at `origin + index * period`, give or take `tolerance`, and has to be here less
    than `patience` later. `next` is the earliest that is neither here nor missing; `early` are those behind it that are
    here, in a list that is not changed: it may be that of a resource.
    """

    origin: int
    period: int
    tolerance: int
    patience: int
    next: int = 1
    early: list[int] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON, to make it of again: `Detection(**document)`."""
        return asdict(self)

    @property
    def deadline(self) -> int:
        """When the next data point will be missing."""
        return self._generated(self.next) + self.patience

    def receive(self, generated: int, now: int) -> None:
        """An instance has come: it is the data point nearest to it, the earlier of two, if that is expected by now."""
        index = -((self.period - 2 * (generated - self.origin)) // (2 * self.period))
        moment = self._generated(index)
        within = abs(generated - moment) <= self.tolerance and now >= moment - self.tolerance
        if within and index >= self.next and index not in self.early:
            self.early = [*self.early, index]
            self._go_on()

    def missing(self, now: int, most: int) -> list[int]:
        """Give up the data points whose deadline has come, and return when they should have been generated.

        If the deadlines of more than `most` data points have come since the last time, these are the latest of them.
        """
        latest = (now - self.patience - self.origin) // self.period
        overdue = range(max(self.next, latest - most + 1), latest + 1)
        given_up = [self._generated(index) for index in overdue if index not in self.early]
        self.next = max(self.next, latest + 1)
        self._go_on()
        return given_up

    def _generated(self, index: int) -> int:
        return self.origin + index * self.period

    def _go_on(self) -> None:
        while self.next in self.early:
            self.next += 1
        self.early = [index for index in self.early if index >= self.next]
