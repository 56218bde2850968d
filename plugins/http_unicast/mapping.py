"""Primitives as HTTP messages and back: the client's side of TS-0009."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from cse.errors import BadRequest
from cse.http.client import Answer
from cse.network import DeliveryFailed, Host
from cse.primitive import OK, Content, Operation, Request, Response, ResponseType
from cse.serialization.formats import JSON, Serialization, Serializations, available
from cse.serialization.limits import Limits

METHODS = {
    Operation.CREATE: "POST",
    Operation.RETRIEVE: "GET",
    Operation.UPDATE: "PUT",
    Operation.DELETE: "DELETE",
    Operation.NOTIFY: "POST",
}
HEADERS = {
    "X-M2M-Origin": "originator",
    "X-M2M-RI": "request_identifier",
    "X-M2M-RVI": "release_version",
    "X-M2M-OT": "originating_timestamp",
    "X-M2M-RET": "request_expiration",
    "X-M2M-RST": "result_expiration",
    "X-M2M-OET": "execution_time",
    "X-M2M-EC": "event_category",
    "X-M2M-GID": "group_request_identifier",
    "X-M2M-VSI": "vendor_information",
}
STATUS_CODE = "x-m2m-rsc"
ACKNOWLEDGED = range(1000, 2000)
PARTIAL_CONTENT = 1
MOST_FORMS = 16
LIMITS = Limits(nesting=32, values=250_000)
SERIALIZATIONS = Serializations(available({}))


class MalformedAnswer(Exception):
    """An answer that cannot be decoded."""


class Message(NamedTuple):
    """An HTTP request. The body's length is known, so it is never sent in chunks."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Form(NamedTuple):
    """What the messages of one request have in common."""

    request: Request
    headers: dict[str, str]
    body: bytes | None


class Forms:
    """What is the same for all hosts of a request is written once. The last few are kept.

    None can be stale: a request does not change, and is not another one as long as it is kept here.
    """

    def __init__(self) -> None:
        self._forms: dict[tuple[int, str], Form] = {}

    def message(self, request: Request, host: Host, point_of_access: str) -> Message:
        """The HTTP request that carries a primitive to an URL of a `poa` (TS-0009 clause 6).

        Its content is written as `?ct=` at the end of the URL says, or as the host says that it can read, or as JSON.
        """
        serialization = _serialization(host, point_of_access)
        key = id(request), serialization.media_type
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = _form(request, serialization)
            if len(self._forms) > MOST_FORMS:
                del self._forms[next(iter(self._forms))]
        return Message(METHODS[request.operation], _url(request, host, point_of_access), form.headers, form.body)


def _form(request: Request, serialization: Serialization) -> Form:
    headers = {header: str(value) for header, name in HEADERS.items() if (value := getattr(request, name)) is not None}
    headers["Accept"] = serialization.media_type
    if request.notification_uris is not None:
        headers["X-M2M-RTU"] = "&".join(request.notification_uris)
    if request.group_target_members:
        headers["X-M2M-GTM"] = "&".join(request.group_target_members)
    body = None
    if request.content is not None:
        headers["Content-Type"] = serialization.media_type + _type_parameter(request)
        body = serialization.write(request.content)
    return Form(request, headers, body)


def from_answer(answer: Answer) -> Response | None:
    """The response primitive, or None when the device will send it later, as a notification.

    A plain web server sends no response status code: any 2xx means OK and its body is not looked at, anything else
    is DeliveryFailed. MalformedAnswer for what is no response at all.
    """
    if STATUS_CODE not in answer.headers:
        if 200 <= answer.status < 300:
            return Response(OK)
        raise DeliveryFailed(f"the device's web server answered with HTTP status {answer.status}", refused=True)
    try:
        status_code = int(answer.headers[STATUS_CODE])
        response = Response(
            status_code,
            _content(answer),
            location=_location(answer.headers.get("content-location")),
            content_status=_content_status(answer),
            content_offset=_number(answer.headers.get("x-m2m-cto")),
            originating_timestamp=answer.headers.get("x-m2m-ot"),
            result_expiration=answer.headers.get("x-m2m-rst"),
        )
    except (ValueError, BadRequest):
        raise MalformedAnswer from None
    return None if status_code in ACKNOWLEDGED else response


def _content_status(answer: Answer) -> int | None:
    return PARTIAL_CONTENT if answer.body is None else _number(answer.headers.get("x-m2m-cts"))


def _number(text: str | None) -> int | None:
    """ValueError for text that is none."""
    return None if text in (None, "", "None") else int(text or 0)


def _location(path: str | None) -> str | None:
    """The address of a resource from the path that leads to it."""
    if path is None or not path.startswith(("/~/", "/_/")):
        return path and path.removeprefix("/")
    return path[2:] if path[1] == "~" else f"/{path[2:]}"


def _content(answer: Answer) -> Content:
    """What a device has written; a page that some web server adds to its answer is none."""
    media_type = answer.headers.get("content-type", JSON.media_type).split(";")[0].strip().lower()
    serialization = SERIALIZATIONS.named(media_type)
    if not answer.body or serialization is None:
        return None
    return serialization.read(answer.body, LIMITS)


def _serialization(host: Host, point_of_access: str) -> Serialization:
    if "?" not in point_of_access and not host.serializations:  # as with most of 100,000 meters
        return SERIALIZATIONS.default
    chosen = [value for name, value in _arguments_of(point_of_access) if name == "ct"]
    wanted = [f"application/{value}" for value in chosen] + list(host.serializations)
    known = (SERIALIZATIONS.named(media_type.lower()) for media_type in wanted)
    return next((one for one in known if one is not None), SERIALIZATIONS.default)


def _arguments_of(url: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in urlsplit(url).query.split("&"))
    return [(name, value) for name, _, value in pairs]


def _type_parameter(request: Request) -> str:
    # Whether `ty` is there tells CREATE from NOTIFY.
    return f";ty={request.resource_type}" if request.operation is Operation.CREATE else ""


def _url(request: Request, host: Host, point_of_access: str) -> str:
    """An AE takes notifications at its point of access itself, a CSE at its own address below it."""
    is_below = request.operation is not Operation.NOTIFY or host.id.startswith("/")
    if not is_below and "?" not in point_of_access:
        return point_of_access
    parts = urlsplit(point_of_access)
    # `?ct=json` in a notification target chooses a serialization; it is no part of the address.
    arguments = [one for one in parts.query.split("&") if one and not one.startswith("ct=")]
    path = parts.path
    if is_below:
        path = path.rstrip("/") + _path(host.address(request))
        arguments += _arguments(request)
    return urlunsplit((parts.scheme, parts.netloc, path, "&".join(arguments), ""))


def _path(to: str) -> str:
    """The request-target of an address in CSE-relative, SP-relative or absolute form."""
    if to.startswith("//"):
        return "/_" + quote(to[1:])
    return ("/~" if to.startswith("/") else "/") + quote(to)


def _arguments(request: Request) -> Iterator[str]:
    if request.response_type is not ResponseType.BLOCKING:
        yield f"rt={request.response_type}"
    if request.result_content is not None:
        yield f"rcn={request.result_content}"
    if request.unstructured_identifiers:
        yield "drt=2"
    if request.result_persistence is not None:
        yield f"rp={request.result_persistence}"
    for name, values in {
        **request.filters,
        "atrl": request.attribute_list,
        "rids": request.role_identifiers,
    }.items():
        if values:
            yield quote(name) + "=" + "+".join(quote(value, safe="") for value in values)
