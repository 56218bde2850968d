"""Which events a subscription is about."""

from typing import Any

import pytest

from cse.errors import BadRequest
from cse.notification import Event, EventType
from cse.primitive import Operation
from cse.work import Work
from resources.notifications.criteria import concerns, filter_of, matching_monitor
from tests.cse.works import add, creating, deleting, retrieving, updating

UPDATED, DELETED, CHILD_CREATED, CHILD_DELETED = map(EventType, (1, 2, 3, 4))
BOX = {"lbl": ["red"], "st": 5, "lt": "20270601T000000", "cs": 100}


def event(work: Work, kind: EventType | None, changed: tuple[str, ...] = (), operation: int | None = None) -> Event:
    """Something happens to cse-in/box or to cse-in/box/inner."""
    box = work.resource("cse-in/box") or add(work, "cse-in/box", **BOX)
    inner = work.resource("cse-in/box/inner") or add(work, "cse-in/box/inner", **BOX)
    subject = inner if kind in (CHILD_CREATED, CHILD_DELETED) else box
    return Event(kind, box, subject, changed, None if operation is None else Operation(operation))


@pytest.mark.parametrize("wanted", [[1], [2], [3], [4], [1, 4], [5], [7], [8]])
@pytest.mark.parametrize("happens", list(EventType))
def test_any_of_the_types_of_event(work: Work, wanted: list[int], happens: EventType) -> None:
    assert concerns(work, {"net": wanted}, event(work, happens)) == (happens in wanted)


@pytest.mark.parametrize(
    ("criteria", "happens", "changed", "expected"),
    [
        ({"atr": ["lbl"]}, UPDATED, ("lbl", "mni"), True),
        ({"atr": ["lbl"]}, UPDATED, ("mni",), False),
        ({"atr": ["lbl"]}, CHILD_CREATED, (), True),
        ({"chty": [3]}, CHILD_CREATED, (), True),
        ({"chty": [4, 28]}, CHILD_CREATED, (), False),
        ({"chty": [4]}, CHILD_DELETED, (), False),
        ({"chty": [4]}, UPDATED, (), True),
        ({"crb": "20270102T000000"}, CHILD_CREATED, (), True),
        ({"cra": "20270102T000000"}, CHILD_CREATED, (), False),
        ({"ms": "20270601T000000", "us": "20270601T000001"}, UPDATED, (), True),
        ({"ms": "20270601T000001"}, UPDATED, (), False),
        ({"exb": "20290101T000000", "exa": "20270101T000000"}, DELETED, (), True),
        ({"exb": "20270101T000000"}, DELETED, (), False),
        ({"sts": 5}, UPDATED, (), False),
        ({"stb": 5}, UPDATED, (), True),
        ({"sza": 100, "szb": 101}, CHILD_CREATED, (), True),
        ({"szb": 100}, CHILD_CREATED, (), False),
        ({"atr": ["lbl"], "sts": 5}, UPDATED, ("lbl",), False),
        ({"atr": ["lbl"], "sts": 5, "fo": 1}, UPDATED, ("lbl",), False),
        ({"atr": ["lbl"], "sts": 5, "fo": 2}, UPDATED, ("lbl",), True),
        ({"atr": ["mni"], "sts": 5, "fo": 2}, UPDATED, ("lbl",), False),
        ({"atr": ["mni"], "sts": 9, "fo": 2}, UPDATED, ("lbl",), True),
        ({"fo": 2}, UPDATED, (), True),
    ],
)
def test_all_conditions_or_any(
    work: Work, criteria: dict[str, Any], happens: EventType, changed: tuple[str, ...], expected: bool
) -> None:
    assert concerns(work, {"net": [1, 2, 3, 4]} | criteria, event(work, happens, changed)) == expected


REQUESTS = {1: creating("cse-in/box", 3, {}, "Capp"), 2: retrieving("cse-in/box", "Capp"),
            3: updating("cse-in/box", {}, "Capp"), 4: deleting("cse-in/box", "Capp")}  # fmt: skip


@pytest.mark.parametrize(
    ("monitor", "operations"),
    [
        ({"or": "Capp"}, {1, 2, 3, 4}),
        ({"or": "/id-in/Capp"}, {1, 2, 3, 4}),
        ({"or": "Cother"}, set()),
        ({"ops": 4}, {3}),
        ({"ops": 63}, {1, 2, 3, 4}),
        ({"ops": 10, "or": "Capp"}, {2, 4}),
        ({"ops": 10, "or": "Cother"}, set()),
        ({"ops": 32}, set()),
        ({"org": "Capp"}, {1, 2, 3, 4}),
        ({"ops": 4, "org": "Capp"}, {4}),
        ({"ops": 4, "org": "Cother"}, set()),
    ],
)
def test_operations_are_monitored(work: Work, monitor: dict[str, Any], operations: set[int]) -> None:
    found = set()
    for operation, request in REQUESTS.items():
        work.request = request
        if concerns(work, {"om": [{"ops": 64}, monitor]}, event(work, None, operation=operation)):
            found.add(operation)
    assert found == operations


def test_a_discovery_is_an_operation_of_its_own(work: Work) -> None:
    work.request = retrieving("cse-in/box").derive(filters={"fu": ["1"]})
    discovery = event(work, None, operation=2)
    assert matching_monitor(work, [{"ops": 2}, {"ops": 32}], discovery) == {"ops": 32}


def test_what_no_originator_did_is_not_monitored(work: Work) -> None:
    assert not concerns(work, {"om": [{"ops": 63}]}, event(work, UPDATED))


def test_conditions_of_a_monitor_count_as_well(work: Work) -> None:
    work.request = REQUESTS[3]
    updated = event(work, UPDATED, ("lbl",), operation=3)
    assert concerns(work, {"om": [{"ops": 4}], "atr": ["lbl"]}, updated)
    assert not concerns(work, {"om": [{"ops": 4}], "atr": ["mni"]}, updated)


def test_conditions_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(BadRequest, match="crb and cra"):
        filter_of({"net": [1], "crb": "20270101T000000", "cra": "20280101T000000"})
