"""The aggregated answer (m2m:agr), composed from the rows of a campaign when somebody wants it (TS-0004 7.4.14.2.5)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import orjson

from cse.errors import GroupMembersNotResponded
from cse.fanout.states import Failure, State
from cse.pieces import Pieces
from cse.primitive import OK, Request, Response, error_response
from cse.slices import SLICE
from cse.store import Row
from cse.work import Work

UNREACHABLE = 5103
SETTLED = (State.ANSWERED, State.FAILED, State.UNREACHABLE)


def aggregated_response(work: Work, campaign_id: str) -> Response | None:
    """What is known so far: 2000 with one item per member that answered or can't be reached; None if nobody has."""
    campaign = work.transaction.campaigns.get(campaign_id)
    if campaign is None:
        return None
    rows = work.transaction.campaigns.rows(campaign_id, states=SETTLED)
    content = aggregate(Request.from_json(campaign.request), rows)
    return Response(OK, content) if content["m2m:agr"]["m2m:rsp"] else None


def aggregated_page(work: Work, campaign_id: str, offset: int, limit: int) -> tuple[Response, int | None]:
    """The items of at most so many members from the one with this number (from 1) on, and where to go on."""
    campaigns = work.transaction.campaigns
    campaign = campaigns.get(campaign_id)
    rows = campaigns.rows(campaign_id, states=SETTLED, after=offset - 2, limit=limit + 1)
    content = None if campaign is None else aggregate(Request.from_json(campaign.request), rows[:limit])
    return Response(OK, content), rows[limit].position + 1 if len(rows) > limit else None


async def final_response(request: Request, rows: list[Row]) -> Response:
    """The same at the end, when nobody having answered is an error: 5209. The rows are used up.

    The content of a large one is `Pieces`; others have their turn while they are composed.
    """
    if len(rows) <= SLICE:
        content = aggregate(request, rows)
        return Response(OK, content) if content["m2m:agr"]["m2m:rsp"] else nobody_answered()
    items = [text async for text in _texts(request, rows) if text]
    if not items:
        return nobody_answered()
    items[0] = items[0].removeprefix(b",")
    return Response(OK, Pieces([b'{"m2m:agr":{"m2m:rsp":[', *items, b"]}}"]))


async def _texts(request: Request, rows: list[Row]) -> AsyncIterator[bytes]:
    """The items of so many rows at a time as JSON, each behind a comma; rows go as soon as they are used."""
    rows.reverse()
    while rows:
        some = rows[: -SLICE - 1 : -1]
        del rows[-SLICE:]
        items = (_item(request, row, orjson.Fragment) for row in some if _is_item(row.state, row.reason))
        yield b"".join(b"," + orjson.dumps(item) for item in items)
        await asyncio.sleep(0)


def has_items(work: Work, campaign_id: str) -> bool:
    """Whether the aggregated response would have an item, without composing it."""
    return any(_is_item(state, reason) for _, state, reason in work.transaction.campaigns.counts(campaign_id))


def nobody_answered() -> Response:
    """The response to a fan-out that has no item to show."""
    return error_response(
        GroupMembersNotResponded.status_code,
        "no member answered before the deadline: give a later X-M2M-RET, or use rt=1 and poll",
    )


def aggregate(request: Request, rows: Iterable[Row]) -> dict[str, Any]:
    """m2m:agr over these rows. Members that stay silent, and those given up, have no item."""
    return {"m2m:agr": {"m2m:rsp": [_item(request, row) for row in rows if _is_item(row.state, row.reason)]}}


def _is_item(state: str, reason: str) -> bool:
    return state in (State.ANSWERED, State.UNREACHABLE) or reason in (Failure.REFUSED, Failure.ERROR)


def _item(request: Request, row: Row, read: Callable[[bytes], Any] = orjson.loads) -> dict[str, Any]:
    if row.state == State.ANSWERED:
        return _response(request, row, row.status_code, read(row.content) if row.content else None)
    return _response(request, row, UNREACHABLE, {"m2m:dbg": f"{row.member} can't be reached: {row.reason}"})


def _response(request: Request, row: Row, status_code: int, content: Any) -> dict[str, Any]:
    item = {
        "rsc": status_code,
        "rqi": request.request_identifier,
        "fr": row.member,
        "to": request.originator,
    }
    if request.release_version is not None:
        item["rvi"] = request.release_version
    if content is not None:
        item["pc"] = content
    return item
