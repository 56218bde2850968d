"""What happens to resources, and the notifications that follow from it."""

from dataclasses import MISSING, fields
from enum import IntEnum
from typing import Any

from cse.primitive import Operation, settled
from cse.store import Resource


class EventType(IntEnum):
    """m2m:notificationEventType."""

    UPDATED = 1
    DELETED = 2
    CHILD_CREATED = 3
    CHILD_DELETED = 4
    RETRIEVED_WHILE_EMPTY = 5
    BLOCKING_UPDATE = 7
    REPORT_ON_MISSING_DATA_POINTS = 8


@settled
class Event:
    """Something happened to `watched`; `subject` is the resource itself or its child, as it is now (or was).

    `operation` is what an originator did to `watched`, if it was that; an event without `type` is nothing else.
    `content` is the representation for notifications (`{"m2m:tsn": {...}}`) where it is not that of the subject.
    """

    type: EventType | None
    watched: Resource
    subject: Resource
    changed: tuple[str, ...] = ()
    operation: Operation | None = None
    content: Any = None


@settled
class Outgoing:
    """A notification to send: `target` is a URL or the identifier of an AE, `content` the primitive content.

    `source` is the resource that it comes from: once its target can't be reached, it goes with that. If it is
    `reported`, the source hears what became of it (`ResourceType.delivered`); if it `returns`, that is after one
    attempt, and the source has it sent again, not before `pause` seconds have passed. With `queue`, identifier,
    content, weight and creation are those of the first document in this queue of the source when it is sent, and `item`
    is its number; without one nothing is sent. `weight` is how many notifications it stands for, `created` when it was
    decided on.

    `identifier` is the request identifier, the same whenever it is sent again; a new one if it is empty.
    """

    target: str
    content: Any
    event_category: int | str | None = None
    source: str = ""
    queue: str = ""
    item: int = 0
    weight: int = 1
    created: float = 0.0
    reported: bool = True
    returns: bool = False
    pause: float = 0.0
    identifier: str = ""

    def as_document(self) -> dict[str, Any]:
        """What makes it again: `Outgoing(**document)`. What is as in most of them is left out."""
        document = {"target": self.target, "content": self.content}
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value != default:
                document[name] = value
        return document


_DEFAULTS = [(field.name, field.default) for field in fields(Outgoing) if field.default is not MISSING]
