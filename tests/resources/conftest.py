"""The same unit of work as for the engine's tests, and one with subscriptions."""

from collections.abc import Iterator

import pytest

from tests.cse.conftest import work
from tests.resources.subscribing import Subscribing, subscribing

__all__ = ["work"]


@pytest.fixture
def scene() -> Iterator[Subscribing]:
    """Cme, a container, and a target that takes notifications."""
    with subscribing() as one:
        yield one
