"""Random histories of every engine, compared with a model: units of many operations, some of which fail."""

import asyncio
import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cse.store import T, Unit
from tests.cse.store.engines import DURABLE, ENGINES, SLOW, store_at
from tests.cse.store.model import Model
from tests.cse.store.operations import Operation, everything, operations
from tests.cse.store.samples import resource

parts = st.lists(operations, min_size=1, max_size=6)


class Undone(Exception):
    """Ends a part of a unit, or all of it."""


def outcome(tables: Any, before: list[Operation], undone: list[Operation], after: list[Operation]) -> list[Any]:
    """What the operations return; those in the middle are undone."""
    results = [operation(tables) for operation in before]
    with contextlib.suppress(Undone), tables.savepoint():
        results += [operation(tables) for operation in undone]
        raise Undone
    with tables.savepoint():
        results += [operation(tables) for operation in after]
    return results


def failing(tables: Any, done: list[Operation]) -> None:
    for operation in done:
        operation(tables)
    raise Undone


class History(RuleBasedStateMachine):
    engine: ClassVar[str]

    @initialize()
    def open(self) -> None:
        self.held = contextlib.ExitStack()
        self.folder = Path(self.held.enter_context(TemporaryDirectory()))
        self.wait = self.held.enter_context(asyncio.Runner()).run
        self.url = ENGINES[self.engine](self.folder)
        self.model = Model()
        self._open()
        self.run(lambda transaction: transaction.resources.insert(resource("cse", 5)))
        self.model.resources.insert(resource("cse", 5))

    def _open(self) -> None:
        self.store = store_at(self.url, self.folder)
        self.wait(self.store.open())

    def run(self, unit: Unit[T]) -> T:
        return self.wait(self.store.run(unit))

    def read(self, unit: Unit[T]) -> T:
        return self.wait(self.store.read(unit))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.wait(self.store.close())
            self.held.close()

    @rule(done=parts)
    def unit(self, done: list[Operation]) -> None:
        for operation in done:
            assert self.run(operation) == operation(self.model)

    @rule(before=parts, undone=parts, after=parts)
    def unit_of_parts(self, before: list[Operation], undone: list[Operation], after: list[Operation]) -> None:
        found = self.run(lambda transaction: outcome(transaction, before, undone, after))
        assert found == outcome(self.model, before, undone, after)

    @rule(done=parts)
    def unit_that_fails(self, done: list[Operation]) -> None:
        with pytest.raises(Undone):
            self.run(lambda transaction: failing(transaction, done))

    @rule(first=parts, lost=parts, last=parts)
    def units_at_once(self, first: list[Operation], lost: list[Operation], last: list[Operation]) -> None:
        async def at_once() -> list[Any]:
            units: list[Unit[Any]] = [
                lambda transaction: [operation(transaction) for operation in first],
                lambda transaction: failing(transaction, lost),
                lambda transaction: [operation(transaction) for operation in last],
            ]
            return await asyncio.gather(*map(self.store.run, units), return_exceptions=True)

        kept, failed, kept_too = self.wait(at_once())
        assert isinstance(failed, Undone)
        assert kept == [operation(self.model) for operation in first]
        assert kept_too == [operation(self.model) for operation in last]

    @precondition(lambda self: self.engine in DURABLE)
    @rule()
    def reopen(self) -> None:
        self.wait(self.store.close())
        self._open()
        self.model.state.claimed.clear()

    @invariant()
    def is_the_same(self) -> None:
        if hasattr(self, "store"):
            assert self.read(everything) == everything(self.model)


@pytest.mark.parametrize("engine", ENGINES)
def test_histories(engine: str) -> None:
    machine = type("History", (History,), {"engine": engine})
    phases = [Phase.explicit, Phase.generate]  # histories are too long to be shrunk in time
    examples = 5 if engine == SLOW else 20
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=12, phases=phases))
