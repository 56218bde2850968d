"""What a member host answers: one response, or aggregates of what its members say, in messages that are small enough.

An aggregate that does not fit one message is sent as several, each with some of the items (our extension). What fits no
message is NOT_ACCEPTABLE (5207): the group host takes that for silence, and asks by unicast.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cse.coap import content as wire
from cse.coap.message import MAX_TOKEN, Message, encode
from cse.fanout import split
from cse.primitive import OK, Response, error_response
from plugins.udp_multicast.messages import answer

NOT_ACCEPTABLE = 5207
TOO_LARGE = error_response(NOT_ACCEPTABLE, "too large for a multicast: ask by unicast")
HEAD_OF_LIST = 4  # bytes that the number of items takes more than that of no items


class Said(NamedTuple):
    """What one member says; `member` is its identifier as it stands in memberList."""

    member: str
    response: Response


def answers(request_identifier: str, cse_id: str, said: Sequence[Said], most: int) -> list[Message]:
    """The messages, none with more than so many bytes. Type, message ID and token are still to be set."""

    def message(response: Response) -> Message:
        return answer(response, request_identifier, cse_id)

    if len(said) == 1:
        only = message(said[0].response)
        return [only if size(only) <= most else message(TOO_LARGE)]
    room = most - size(message(aggregate([]))) - HEAD_OF_LIST
    return [message(aggregate(items)) for items in _portions(_items(request_identifier, said, room), room)]


def together(request_identifier: str, said: Sequence[Said]) -> Response:
    """All in one response, however large: that of a single member, or an aggregate."""
    if len(said) == 1:
        return said[0].response
    return aggregate([_item(request_identifier, member, response) for member, response in said])


def aggregate(items: Sequence[dict[str, Any]]) -> Response:
    """The response with these items."""
    return Response(OK, {"m2m:agr": {"m2m:rsp": list(items)}})


def size(message: Message) -> int:
    """Bytes of the datagram."""
    return len(encode(replace(message, token=bytes(MAX_TOKEN))))


def understood(response: Response) -> Response | None:
    """The part of an answer that counts: without what was too large to be sent; None if nothing is left."""
    if response.status_code == NOT_ACCEPTABLE:
        return None
    items = split.items(response)
    if items is None or all(_counts(item) for item in items):
        return response
    kept = [item for item in items if _counts(item)]
    return replace(response, content={"m2m:agr": {"m2m:rsp": kept}}) if kept else None


def _items(request_identifier: str, said: Sequence[Said], room: int) -> Iterator[dict[str, Any]]:
    for member, response in said:
        whole = _item(request_identifier, member, response)
        fits = len(wire.write(whole)) <= room
        yield whole if fits else _item(request_identifier, member, TOO_LARGE)


def _item(request_identifier: str, member: str, response: Response) -> dict[str, Any]:
    item = {"rsc": response.status_code, "rqi": request_identifier, "fr": member}
    return item if response.content is None else item | {"pc": response.content}


def _portions(items: Iterator[dict[str, Any]], room: int) -> Iterator[list[dict[str, Any]]]:
    portion: list[dict[str, Any]] = []
    used = 0
    for item in items:
        length = len(wire.write(item))
        if portion and used + length > room:
            yield portion
            portion, used = [], 0
        portion.append(item)
        used += length
    yield portion


def _counts(item: Any) -> bool:
    return not isinstance(item, dict) or item.get("rsc") != NOT_ACCEPTABLE
