"""oneM2M primitives as CoAP messages (TS-0008 clause 6.2): what we send to devices and what they answer."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from cse.coap import content as wire
from cse.coap.message import DELETE, EMPTY, POST, CoapError, Message, Option, Type, code, number_value, text_option
from cse.coap.target import Target, exclusion_query, path_to, read_exclusions
from cse.errors import HTTP_STATUS_BY_RESPONSE_STATUS_CODE, BadRequest
from cse.multicast.inviter import ListenerType
from cse.primitive import Content, Request, Response
from cse.protection import Secret
from cse.timing import parse_duration, precise_timestamp, timestamp

LOCAL_MULTICAST_GROUP = ListenerType(45, "m2m:lmg")
_EXCEPT = "except="

CODES_BY_STATUS = {2000: code(2, 4), 2001: code(2, 1), 2002: code(2, 2), 2004: code(2, 4)}
STATUS_BY_CODE = {
    code(2, 1): 2001, code(2, 2): 2002, code(2, 4): 2004, code(2, 5): 2000,
    code(4, 1): 4103, code(4, 3): 4103, code(4, 4): 4004, code(4, 5): 4005, code(4, 15): 4015,
    code(5, 1): 5001, code(5, 4): 4008,
}  # fmt: skip


def _path_options(path: tuple[str, ...]) -> list[tuple[int, bytes]]:
    return [text_option(Option.URI_PATH, segment) for segment in path]


def _content_options(content: Content) -> list[tuple[int, bytes]]:
    return [] if content is None else [(Option.CONTENT_FORMAT, number_value(wire.CBOR))]


def _payload(content: Content) -> bytes:
    return b"" if content is None else wire.write(content)


def device_request(request: Request, target: Target, deadline: float) -> Message:
    """A device request: NOTIFY as POST without resource type. Type, message ID and token are still to be set.

    The request is void after `deadline`, in seconds since 1970 (infinity for never).
    """
    options = _path_options(target.path) + _content_options(request.content)
    if target.exclusions:
        options.append(text_option(Option.URI_QUERY, exclusion_query(target.exclusions)))
    if math.isfinite(deadline):
        options.append(text_option(Option.REQUEST_EXPIRATION, timestamp(deadline)))
    parameters = {
        Option.FROM: request.originator,
        Option.REQUEST_IDENTIFIER: request.request_identifier,
        Option.RELEASE_VERSION: request.release_version,
        Option.ORIGINATING_TIMESTAMP: request.originating_timestamp,
        Option.GROUP_REQUEST_IDENTIFIER: request.group_request_identifier,
    }
    options += [text_option(number, text) for number, text in parameters.items() if text is not None]
    return Message(Type.NON, POST, 0, b"", tuple(options), _payload(request.content))


class Answer(NamedTuple):
    """What a device has answered; the two identifiers are None where it did not state them."""

    request_identifier: str | None
    originator: str | None
    response: Response


def read_answer(message: Message) -> Answer:
    """The response primitive in a CoAP response; CoapError when there is none."""
    status = message.number(Option.RESPONSE_STATUS_CODE)
    if status is None:
        status = STATUS_BY_CODE.get(message.code, message.code_class * 1000)
    if not 1000 <= status <= 9999:
        raise CoapError(f"{status} is no response status code")
    identifier, originator = message.text(Option.REQUEST_IDENTIFIER), message.text(Option.FROM)
    return Answer(identifier or None, originator or None, Response(status, _answer_content(message)))


def _answer_content(message: Message) -> Content:
    content_format = message.number(Option.CONTENT_FORMAT)
    if content_format is None and message.code_class != 2:
        return {"m2m:dbg": message.payload.decode(errors="replace")} if message.payload else None
    return wire.read(message.payload, content_format)


def answer(response: Response, request_identifier: str, originator: str) -> Message:
    """What a device answers. Type, message ID and token are still to be set."""
    options = [
        text_option(Option.FROM, originator),
        text_option(Option.REQUEST_IDENTIFIER, request_identifier),
        (int(Option.RESPONSE_STATUS_CODE), number_value(response.status_code)),
        *_content_options(response.content),
    ]
    return Message(Type.NON, _code(response.status_code), 0, b"", tuple(options), _payload(response.content))


def _code(status: int) -> int:
    """The CoAP code of a response status code."""
    if status in CODES_BY_STATUS:
        return CODES_BY_STATUS[status]
    return code(*divmod(HTTP_STATUS_BY_RESPONSE_STATUS_CODE.get(status, 400 if status < 5000 else 500), 100))


@dataclass(frozen=True, slots=True)
class Membership:
    """One device's part of a multicast group, like the standard's `<localMulticastGroup>`.

    It listens on `address` (`<ip>:<port>`) for requests to the fan-out target `/<cse-id>/<segment>` and answers at a
    random moment within `window` seconds. Where requests are encrypted, `secret` is the group's.
    """

    cse_id: str
    device: str
    address: str
    segment: str
    window: float
    secret: Secret | None = None

    @property
    def target(self) -> str:
        """The fan-out target (multicastGroupFanoutTarget)."""
        return f"{self.cse_id}/{self.segment}"

    def join(self, request_identifier: str, now: float) -> Message:
        """CREATE below the device: listen. `now`, in seconds since 1970, is the time before which requests are void."""
        options = [
            *_path_options(path_to(self.cse_id, self.device)),
            *self._parameters(request_identifier, now),
            (int(Option.RESOURCE_TYPE), number_value(LOCAL_MULTICAST_GROUP.number)),
            *_content_options(self.content),
        ]
        return Message(Type.CON, POST, 0, b"", tuple(options), _payload(self.content))

    def leave(self, request_identifier: str, now: float) -> Message:
        """DELETE below the device: listen no longer."""
        path = path_to(self.cse_id, self.device, self.segment)
        options = [*_path_options(path), *self._parameters(request_identifier, now)]
        return Message(Type.CON, DELETE, 0, b"", tuple(options))

    @property
    def content(self) -> Content:
        group = {
            "mad": self.address,
            "mgft": self.target,
            "mli": [self.device],
            "rstw": f"PT{self.window:g}S",
        }
        return {LOCAL_MULTICAST_GROUP.root: {**group, "key": self.secret.text} if self.secret else group}

    @classmethod
    def read(cls, request: "DeviceRequest") -> "Membership":
        """The membership that a device is to take up; CoapError when the request does not say where to listen."""
        try:
            group = request.content[LOCAL_MULTICAST_GROUP.root]
            cse_id, segment = str(group["mgft"]).rsplit("/", 1)
            window, secret = parse_duration(group["rstw"], "rstw"), group.get("key")
            known = None if secret is None else Secret.from_text(secret)
            return cls(cse_id, str(group["mli"][0]), str(group["mad"]), segment, window, known)
        except (BadRequest, KeyError, IndexError, TypeError, ValueError) as error:
            raise CoapError(f"content must be m2m:lmg with mad, mgft, mli and rstw: {error}") from None

    def _parameters(self, request_identifier: str, now: float) -> list[tuple[int, bytes]]:
        return [
            text_option(Option.FROM, self.cse_id),
            text_option(Option.REQUEST_IDENTIFIER, request_identifier),
            text_option(Option.ORIGINATING_TIMESTAMP, precise_timestamp(now)),
        ]


class DeviceRequest(NamedTuple):
    """A request as a device reads it, "" for a parameter that is not there."""

    code: int
    path: tuple[str, ...]
    originator: str
    request_identifier: str
    originating_timestamp: str
    resource_type: int | None
    exclusions: tuple[str, ...]
    content: Content


def read_request(message: Message) -> DeviceRequest:
    """The request primitive in a CoAP request; CoapError when there is none."""
    if message.code_class or message.code == EMPTY:
        raise CoapError("not a request")
    identifier = message.text(Option.REQUEST_IDENTIFIER)
    if not identifier:
        raise CoapError("a request must have a request identifier")
    queries = message.texts(Option.URI_QUERY)
    excluded = next((query.removeprefix(_EXCEPT) for query in queries if query.startswith(_EXCEPT)), "")
    return DeviceRequest(
        message.code,
        tuple(message.texts(Option.URI_PATH)),
        message.text(Option.FROM) or "",
        identifier,
        message.text(Option.ORIGINATING_TIMESTAMP) or "",
        message.number(Option.RESOURCE_TYPE),
        read_exclusions(excluded),
        wire.read(message.payload, message.number(Option.CONTENT_FORMAT)),
    )
