"""What a unit of work in the writing thread has changed, so that what is known of it elsewhere can be forgotten."""


class Changes:
    """`inserted` has the parents and types of new resources, `updated` identifiers, `leaves` the parents, types and
    paths of resources that have been removed alone, `subtrees` the paths of others.

    Of effects: whether some have been `added`, whether `all_claimed` has become true, and which are `not_unclaimed`
    any more. What has been undone may be here as well.
    """

    def __init__(self) -> None:
        self.inserted: list[tuple[str, int]] = []
        self.updated: list[str] = []
        self.leaves: list[tuple[str, int, str]] = []
        self.subtrees: list[str] = []
        self.not_unclaimed: list[int] = []
        self.added = False
        self.all_claimed = False

    def take(self) -> "Changes":
        """What there has been since this was last called."""
        taken = Changes()
        taken.__dict__, self.__dict__ = self.__dict__, taken.__dict__
        return taken

    def undone(self) -> None:
        """A part of the unit has been: perhaps one that had claimed effects."""
        self.added = True
        self.all_claimed = False
