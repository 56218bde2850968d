"""A unit of work for the tests of what runs inside one."""

from collections.abc import Iterator

import pytest

from cse.work import Work
from tests.cse.works import working


@pytest.fixture
def work() -> Iterator[Work]:
    """On a tree with nothing but the CSEBase `cse-in`."""
    with working() as unit:
        yield unit
