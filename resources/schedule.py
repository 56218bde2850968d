"""schedule (TS-0001 clause 9.6.9): when its parent is available, or when notifications of its parent may go out."""

from collections.abc import Sequence
from typing import Any

from cse.attributes import (
    BOOLEAN,
    REGULAR,
    TEXT,
    Attribute,
    DataType,
    M,
    O,
    record,
    table,
)
from cse.errors import BadRequest, ContentsUnacceptable, NotImplementedByThisCSE
from cse.primitive import Request
from cse.resource import ResourceType
from cse.store import Resource
from cse.windows import parse_window
from cse.work import Work
from resources.node import keep_hours

BASE, NODE, SUBSCRIPTION, CROSS_RESOURCE_SUBSCRIPTION = 5, 14, 23, 48
MOST_ENTRIES = 100


def _is_list_of_entries(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= MOST_ENTRIES and all(map(_is_entry, value))


def _is_entry(value: Any) -> bool:
    try:
        return TEXT.accepts(value) and parse_window(value) is not None
    except BadRequest:
        return False


ENTRIES = DataType(
    f"a list of 1 to {MOST_ENTRIES} texts of seven fields: second, minute, hour, day of the month, month, day of the"
    " week, year, '* * 8-17 * * 1-5 *' for instance",
    _is_list_of_entries,
)


class Schedule(ResourceType):
    number = 18
    name = "schedule"
    short_name = "sch"
    parents = frozenset({BASE, NODE, SUBSCRIPTION, CROSS_RESOURCE_SUBSCRIPTION})
    attributes = table(
        REGULAR,
        Attribute("se", "scheduleElement", record(sce=ENTRIES), M, O, required=True),
        Attribute("nco", "networkCoordinated", BOOLEAN, O, O),
    )

    def fixed_name(self, parent: Resource) -> str | None:
        return "notificationSchedule" if parent.ty in (SUBSCRIPTION, CROSS_RESOURCE_SUBSCRIPTION) else None

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        _check_coordination(resource.attributes, parent)
        if next(work.transaction.resources.children(parent.ri, self.number), None) is not None:
            raise BadRequest(f"{parent.path} has a schedule already: update that one")

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        _check_coordination(changes, work.transaction.resources.get(resource.pi))

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        self._tell(work, resource, resource.attributes["se"]["sce"])

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if "se" in changes:
            self._tell(work, resource, resource.attributes["se"]["sce"])

    def deleted(self, work: Work, resource: Resource) -> None:
        self._tell(work, resource, ())

    def _tell(self, work: Work, resource: Resource, entries: Sequence[str]) -> None:
        """What is on a node keeps to its schedule."""
        parent = work.transaction.resources.get(resource.pi)
        if parent is not None and parent.ty == NODE:
            keep_hours(work, parent, entries)


def _check_coordination(attributes: dict[str, Any], parent: Resource | None) -> None:
    """nco is for devices in a mobile network, which are nodes."""
    if attributes.get("nco") is None:
        return
    if parent is None or parent.ty != NODE:
        raise ContentsUnacceptable("nco (networkCoordinated) is only for the schedule of a node: leave it out")
    if attributes["nco"]:
        raise NotImplementedByThisCSE("nco needs the coordination with a mobile network, which this CSE does not have")
