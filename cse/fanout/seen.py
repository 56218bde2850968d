"""Which group requests have been here: each goes through a group once (TS-0004 clause 7.4.14.2.1)."""

from collections import OrderedDict

from cse.errors import GroupRequestIdentifierExists

MOST_REMEMBERED = 10_000


class SeenRequests:
    """Pairs of group request identifier and target, until the deadline of the request; the oldest go when full."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    def enter(self, identifier: str | None, target: str, now: float, deadline: float) -> None:
        """GroupRequestIdentifierExists if it has been at this target before; one without identifier never has."""
        if identifier is None:
            return
        key = (identifier, target)
        if self._until.get(key, now) > now:
            raise GroupRequestIdentifierExists(f"group request {identifier[:80]} has been at {target[:200]} already")
        self._until[key] = deadline
        self._until.move_to_end(key)
        if len(self._until) > MOST_REMEMBERED:
            self._until.popitem(last=False)
