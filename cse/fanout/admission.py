"""How many fan-outs may be under way: of all originators together, and of one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from cse.errors import OperationNotAllowed
from cse.work import Model


class Admission:
    """Counts those that are; the administrator has no limit of his own."""

    def __init__(self, model: Model) -> None:
        self._naming = model.naming
        self._settings = model.settings
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def counted(self, originator: str, *, was_admitted: bool = False) -> Iterator[None]:
        """A fan-out is under way inside; OperationNotAllowed if there are too many, unless it was admitted before."""
        name = self._naming.originator(originator)
        if not was_admitted:
            self._check(name)
        self._under_way[name] += 1
        try:
            yield
        finally:
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]

    def _check(self, name: str) -> None:
        settings = self._settings
        if self._under_way.total() >= settings.max_campaigns:
            raise OperationNotAllowed("too many fan-outs are under way (max_campaigns): try again later")
        if name != settings.admin_originator and self._under_way[name] >= settings.max_campaigns_of_one:
            raise OperationNotAllowed(
                f"{settings.max_campaigns_of_one} fan-outs of {name} are under way (max_campaigns_of_one): wait for the"
                " end of one, or cancel it"
            )
