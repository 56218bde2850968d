"""Random histories once more, with what the files go through: from the journal alone, and compacted all the time."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from cse.store.tinydb import compaction
from cse.store.tinydb.compaction import Compaction
from cse.store.tinydb.database import Database
from tests.cse.store.test_machine import History


class TinyDBHistory(History):
    """Files, indexes and documents say the same after each step."""

    engine = "tinydb"

    @invariant()
    def is_healthy(self) -> None:
        if hasattr(self, "store"):
            assert self.wait(self.store.check()) == []


def from_the_journal_alone(patch: pytest.MonkeyPatch) -> None:
    """Every store that is closed is left like that of a process that was killed."""
    patch.setattr(Compaction, "finish", Compaction.wait)


def compacted_all_the_time(patch: pytest.MonkeyPatch) -> None:
    """The least journal is too long, and no store is compacted at its end."""
    patch.setattr(compaction, "MINIMUM", 0)
    patch.setattr(Database, "size", 0)
    patch.setattr(Compaction, "finish", Compaction.wait)


@pytest.mark.parametrize("how", [from_the_journal_alone, compacted_all_the_time])
def test_histories(how: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    how(monkeypatch)
    phases = [Phase.explicit, Phase.generate]  # histories are too long to be shrunk in time
    steps = settings(max_examples=15, stateful_step_count=10, phases=phases)
    run_state_machine_as_test(TinyDBHistory, settings=steps)
