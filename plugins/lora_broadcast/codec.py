"""What travels in LoRaWAN application payloads: CBOR, with short forms for the usual oneM2M envelopes.

| port | direction | payload |
|---|---|---|
| 10 | down | `[campaign, window exponent, content, [short address, ...]?]` |
| 10 | up | `[campaign, response status code, content, reading?]` |
| 2 | up | a reading: any CBOR value |

`campaign` stands for a request identifier and rises with every new one. A device that heard a request answers at a
random moment within 2^(window exponent) seconds or, if that is 31, with its next reading. The devices whose short
addresses (DevAddr) are listed ignore it.

A content takes one of these forms, told apart by the length of the array:

| on the air | content |
|---|---|
| `[con]` | `{"m2m:cin": {"con": con}}` |
| `[sur, con]` | `{"m2m:sgn": {"sur": sur, "nev": {"rep": {"m2m:cin": {"con": con}}}}}` |
| `[0, 0, anything]` | an array |
| anything else | itself |
"""

from dataclasses import dataclass, replace
from typing import Any

import cbor2
import orjson

from cse.primitive import Content, Response

REQUEST_PORT = 10
READING_PORT = 2
LONGEST_EXPONENT = 17
# In place of a window exponent: answer with the next reading.
WITH_READING = 31


class Malformed(Exception):
    """A payload that is no message of ours."""


@dataclass(frozen=True, slots=True)
class CampaignMessage:
    """A request on the air."""

    campaign: int
    window_exponent: int
    content: Content
    excluded: tuple[int, ...] = ()

    def encode(self) -> bytes:
        body: list[Any] = [self.campaign, self.window_exponent, shorten(self.content)]
        if self.excluded:
            body.append(list(self.excluded))
        return cbor2.dumps(body)

    @classmethod
    def decode(cls, payload: bytes) -> "CampaignMessage":
        body = _array(payload, 3, 4)
        excluded = body[3] if len(body) == 4 else []
        if not isinstance(excluded, list):
            raise Malformed("the excluded short addresses are no array")
        numbers = [_number(number) for number in (*body[:2], *excluded)]
        if numbers[1] > LONGEST_EXPONENT and numbers[1] != WITH_READING:
            raise Malformed(f"the window exponent {numbers[1]} is above {LONGEST_EXPONENT}")
        return cls(numbers[0], numbers[1], restore(body[2]), tuple(numbers[2:]))


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """A device's answer on the air; `reading` is what it reports in the same frame, None if nothing."""

    campaign: int
    response: Response
    reading: Content = None

    def encode(self) -> bytes:
        body = [self.campaign, self.response.status_code, shorten(self.response.content)]
        return cbor2.dumps(body if self.reading is None else [*body, self.reading])

    @classmethod
    def decode(cls, payload: bytes) -> "AnswerMessage":
        campaign, status_code, content, *reading = _array(payload, 3, 4)
        return cls(_number(campaign), Response(_number(status_code), restore(content)), *reading)

    def without_content(self) -> "AnswerMessage":
        """The same for a frame that has no room for the content."""
        return replace(self, response=Response(self.response.status_code))

    def with_reading(self, reading: Content) -> "AnswerMessage":
        """The same in one frame with a reading."""
        return replace(self, reading=reading)


def decode_reading(payload: bytes) -> Content:
    """The value that a device reports."""
    return _load(payload)


def shorten(content: Content) -> Any:
    """The shortest form that `restore` turns back into exactly this content."""
    match content:
        case {"m2m:cin": {"con": str(con)}} if content == _instance(con):
            return [con]
        case {"m2m:sgn": {"sur": str(sur), "nev": {"rep": {"m2m:cin": {"con": str(con)}}}}} if content == _notification(
            sur, con
        ):
            return [sur, con]
        case list():
            return [0, 0, content]
        case _:
            return content


def restore(form: Any) -> Content:
    """The content that a form stands for."""
    match form:
        case [str(con)]:
            return _instance(con)
        case [str(sur), str(con)]:
            return _notification(sur, con)
        case [0, 0, content]:
            return content
        case list():
            raise Malformed("no content has the form of this array")
        case _:
            return form


def _instance(con: str) -> dict[str, Any]:
    return {"m2m:cin": {"con": con}}


def _notification(sur: str, con: str) -> dict[str, Any]:
    return {"m2m:sgn": {"sur": sur, "nev": {"rep": _instance(con)}}}


def _load(payload: bytes) -> Any:
    """The CBOR value as JSON values: what CBOR has beyond them ends here."""
    try:
        return orjson.loads(orjson.dumps(cbor2.loads(payload)))
    except (cbor2.CBORDecodeError, TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"not the CBOR form of a JSON value: {error}") from None


def _array(payload: bytes, shortest: int, longest: int) -> list[Any]:
    body = _load(payload)
    if not isinstance(body, list) or not shortest <= len(body) <= longest:
        raise Malformed(f"not an array of {shortest} to {longest} items")
    return body


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise Malformed("not an unsigned number of 32 bits")
    return value
