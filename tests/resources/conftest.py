"""The same unit of work as for the engine's tests."""

from tests.cse.conftest import work

__all__ = ["work"]
