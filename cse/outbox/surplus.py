"""What is too much in the outbox: per lane, and in all lanes together. The oldest go."""

from collections.abc import Collection, Iterable

from cse.outbox.outlet import Outlet

PORTION = 10  # a lane that has to make room for others loses this part of it, one tenth


def drop_surplus(outlets: Iterable[Outlet], most: int) -> list[int]:
    """Take out of each lane what is too much there."""
    return [number for outlet in outlets for number in outlet.drop(max(0, len(outlet.waiting) - most))]


def make_room(outlets: Collection[Outlet], most: int) -> list[int]:
    """Take the oldest out of the longest lanes until there are no more than so many in all lanes together."""
    dropped: list[int] = []
    surplus = sum(len(outlet.waiting) for outlet in outlets) - most
    while surplus > len(dropped):
        longest = max(outlets, key=lambda outlet: len(outlet.waiting))
        part = longest.drop(max(1, len(longest.waiting) // PORTION))
        if not part:
            break
        dropped += part
    return dropped
