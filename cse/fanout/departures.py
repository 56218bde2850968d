"""Members elsewhere that a DELETE through their group has removed, which leave the group then."""

from collections.abc import Iterable

from cse.fanout.states import State
from cse.primitive import DELETED, Operation, Request
from cse.store import Row
from cse.work import Work


def follow(work: Work, request: Request, rows: Iterable[Row]) -> None:
    """In the unit of work in which the answers of these members become durable.

    What is here leaves its groups by itself. What stood behind a member, or was its virtual child, was not the member.
    """
    if request.operation is Operation.DELETE:
        gone = [row.member for row in rows if _has_gone(work, row)]
        for group in work.transaction.lists.drop_items(gone) if gone else ():
            work.list_changed(group)


def _has_gone(work: Work, row: Row) -> bool:
    is_deleted = bool(row.host) and row.state == State.ANSWERED and row.status_code == DELETED
    model = work.model
    is_itself = model.naming.originator(row.member) == row.host
    return is_deleted and is_itself and row.member.rpartition("/")[2] not in model.virtual_names
