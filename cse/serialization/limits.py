"""How much a body may hold: each value costs many times the memory and time that its bytes do."""

from typing import NamedTuple


class Limits(NamedTuple):
    """The most levels that lists and objects are nested over, and the most values altogether."""

    nesting: int
    values: int

    @property
    def too_deep(self) -> str:
        """What is wrong with a body that is nested over more levels."""
        return f"the body nests deeper than {self.nesting} levels (max_nesting): flatten it"

    @property
    def too_many(self) -> str:
        """What is wrong with a body of more values."""
        return f"the body has more than {self.values} values (max_values): send less at once"
