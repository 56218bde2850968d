"""The HTTP binding (TS-0009): requests in, responses out. What is between is not its business."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from cse.config import ServerSettings
from cse.door import Carrier
from cse.errors import (
    HTTP_STATUS_BY_RESPONSE_STATUS_CODE,
    BadRequest,
    CSEError,
    NotAcceptable,
    NotImplementedByThisCSE,
    OperationNotAllowed,
    UnsupportedMediaType,
)
from cse.primitive import (
    Operation,
    Request,
    Response,
    ResponseType,
    ResultContent,
    error_response,
    nests_deeper,
)
from cse.timing import Clock, timestamp

JSON_TYPES = {"application/json", "application/vnd.onem2m-res+json", "application/vnd.onem2m-ntfy+json"}
ACCEPTABLE = JSON_TYPES | {"*/*", "application/*", "application/vnd.onem2m-prsp+json"}
OPERATIONS = {"GET": Operation.RETRIEVE, "PUT": Operation.UPDATE, "DELETE": Operation.DELETE}
ARGUMENTS_FOR_LATER = {"da", "rids", "tids", "ltids", "tqi", "asi", "auri", "sqi"}
HEADERS_FOR_LATER = ("x-m2m-oet", "x-m2m-aus")
MOST_QUERY_VALUES = 1000

Headers = Mapping[str, str]
Query = dict[str, list[str]]


class HttpBinding:
    """An ASGI application in front of whoever carries out requests."""

    def __init__(self, carrier: Carrier, settings: ServerSettings, clock: Clock) -> None:
        self._carrier = carrier
        self._settings = settings
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope)
        identifier = headers.get("x-m2m-ri", "")
        try:
            content = await self._body(HttpRequest(scope, receive), headers)
            request = parse_request(scope["method"], _raw_path(scope), scope["query_string"], headers, content)
            identifier = request.request_identifier
            response = await self._carrier.handle(request)
        except CSEError as error:
            response = error_response(error.status_code, str(error))
        except ClientDisconnect:
            return
        await self._render(headers, identifier, response)(scope, receive, send)

    async def _body(self, http: HttpRequest, headers: Headers) -> Any:
        """The decoded body, None for an empty one."""
        data = await read_body(http, self._settings.max_body_bytes)
        if not data:
            return None
        media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type not in JSON_TYPES:
            raise UnsupportedMediaType(f"Content-Type {media_type[:60]!r} is not supported: send application/json")
        return parse_json(data, self._settings.max_nesting)

    def _render(self, headers: Headers, identifier: str, response: Response) -> HttpResponse:
        status = HTTP_STATUS_BY_RESPONSE_STATUS_CODE.get(response.status_code, 500)
        out = {
            "X-M2M-RSC": str(response.status_code),
            "X-M2M-RI": _printable(identifier),
            "X-M2M-OT": timestamp(self._clock.now()),
        }
        for name in ("X-M2M-RVI", "X-M2M-VSI"):
            if name.lower() in headers:
                out[name] = _printable(headers[name.lower()])
        if response.location is not None:
            out["Content-Location"] = "/" + response.location
        if response.content_status is not None:
            out["X-M2M-CTS"] = str(response.content_status)
            out["X-M2M-CTO"] = str(response.content_offset)
        if response.content is None:
            return HttpResponse(b"", status, out)
        return HttpResponse(orjson.dumps(response.content), status, out, "application/json")


def read_headers(scope: Scope) -> Headers:
    """Headers by lower-case name; of one that is sent twice the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


async def read_body(http: HttpRequest, most: int) -> bytes:
    """The body, which must not be longer than so many bytes; BadRequest as soon as it is."""
    data = bytearray()
    async for chunk in http.stream():
        data += chunk
        if len(data) > most:
            raise BadRequest(f"the body is longer than {most} bytes (max_body_bytes): send less at once")
    return bytes(data)


def parse_json(data: bytes, max_nesting: int) -> Any:
    """A JSON document as data; BadRequest for text that is none or is nested too deeply."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if data.count(b"[") + data.count(b"{") > max_nesting and nests_deeper(document, max_nesting):
        raise BadRequest(f"the body nests deeper than {max_nesting} levels (max_nesting): flatten it")
    return document


def parse_request(method: str, path: str, query_string: bytes, headers: Headers, content: Any) -> Request:
    """One HTTP request as a primitive; CSEError names the header, argument or method that is wrong."""
    _check_accept(headers.get("accept", ""))
    operation, resource_type = _operation(method, headers)
    query = parse_query(query_string)
    _refuse_later(query, headers)
    response_type = _response_type(query.pop("rt", None), headers)
    return Request(
        operation=operation,
        to=address_of(path),
        originator=headers.get("x-m2m-origin", "").strip(),
        request_identifier=_request_identifier(headers),
        resource_type=resource_type,
        content=content,
        response_type=response_type,
        notification_uris=_notification_uris(headers),
        result_content=_result_content(query.pop("rcn", None)),
        attribute_list=tuple(query.pop("atrl", ())),
        unstructured_identifiers=_one(query.pop("drt", ["1"]), "drt", {"1", "2"}) == "2",
        release_version=headers.get("x-m2m-rvi"),
        originating_timestamp=headers.get("x-m2m-ot"),
        request_expiration=headers.get("x-m2m-ret"),
        result_expiration=headers.get("x-m2m-rst"),
        result_persistence=query.pop("rp", [None])[-1],
        event_category=headers.get("x-m2m-ec"),
        group_request_identifier=headers.get("x-m2m-gid"),
        group_target_members=tuple(query.pop("grtm", ())) or _uris(headers.get("x-m2m-gtm", "")),
        vendor_information=headers.get("x-m2m-vsi"),
        filters=query,
    )


def address_of(path: str) -> str:
    """The `to` parameter of a raw request path: `/~/` is SP-relative, `/_/` absolute (TS-0009 clause 6.2.2.2)."""
    if len(path) > 1 and path.endswith("/"):
        raise BadRequest("the path ends in a slash: remove it")
    segments = [_decoded(segment) for segment in path.split("/")[1:]]
    if any("/" in segment for segment in segments):
        raise BadRequest("a path segment must not contain an encoded slash")
    if segments[0] == "~":
        return "/" + "/".join(segments[1:])
    if segments[0] == "_":
        return "//" + "/".join(segments[1:])
    return "/".join(segments) or "-"


def parse_query(query_string: bytes) -> Query:
    """Query arguments by name; values joined with `+` and repeated names are lists."""
    found: Query = {}
    count = 0
    for part in query_string.decode("latin-1").split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        values = [_decoded(item) for item in value.split("+")]
        count += len(values)
        if not all(values) or count > MOST_QUERY_VALUES:
            raise BadRequest(f"query argument {name[:40]!r} has an empty value, or there are too many: correct it")
        found.setdefault(_decoded(name), []).extend(values)
    return found


def _decoded(text: str) -> str:
    """A part of a URL, whose bytes came as the characters of Latin-1, without its percent encoding."""
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{text[:40]!r} in the URL is not UTF-8 with percent encoding: correct it") from None


def _refuse_later(query: Query, headers: Headers) -> None:
    arguments = sorted(ARGUMENTS_FOR_LATER & set(query))
    for name in (*arguments, *(header for header in HEADERS_FOR_LATER if header in headers)):
        raise NotImplementedByThisCSE(f"{name} is not available in this CSE yet: leave it out")


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.split(b"?")[0].decode("latin-1")


def _check_accept(accept: str) -> None:
    wanted = {part.split(";")[0].strip().lower() for part in accept.split(",")} - {""}
    if wanted and not wanted & ACCEPTABLE:
        raise NotAcceptable(f"Accept: {accept[:80]!r} can't be produced: use application/json")


def _operation(method: str, headers: Headers) -> tuple[Operation, int | None]:
    parameters = [part.strip() for part in headers.get("content-type", "").split(";")[1:]]
    types = [part[3:].strip() for part in parameters if part.lower().startswith("ty=")]
    if method == "POST":
        if not types:
            return Operation.NOTIFY, None
        if not (types[0].isascii() and types[0].isdigit() and len(types[0]) < 10):
            raise BadRequest("ty in the Content-Type must be a resource type number")
        return Operation.CREATE, int(types[0])
    if method not in OPERATIONS:
        raise OperationNotAllowed(f"method {method[:20]} is not used by oneM2M: use GET, POST, PUT or DELETE")
    if types and "x-m2m-rvi" in headers:
        raise BadRequest("ty in the Content-Type is for CREATE (POST) only: remove it")
    return OPERATIONS[method], None


def _request_identifier(headers: Headers) -> str:
    """Mandatory from Release 3 on; older clients, which state no release, often leave it out."""
    identifier = headers.get("x-m2m-ri", "")
    if identifier:
        return identifier
    if "x-m2m-rvi" in headers:
        raise BadRequest("X-M2M-RI is missing: add a request identifier")
    return secrets.token_hex(8)


def _response_type(values: list[str] | None, headers: Headers) -> ResponseType:
    if values is None:
        return ResponseType.BLOCKING
    return ResponseType(int(_one(values, "rt", {"1", "2", "3", "4"})))


def _result_content(values: list[str] | None) -> ResultContent | None:
    if values is None:
        return None
    return ResultContent(int(_one(values, "rcn", {str(int(form)) for form in ResultContent})))


def _one(values: list[str], name: str, allowed: set[str]) -> str:
    if len(values) != 1 or values[0] not in allowed:
        raise BadRequest(f"{name} must be one of {', '.join(sorted(allowed))}")
    return values[0]


def _notification_uris(headers: Headers) -> tuple[str, ...] | None:
    return _uris(headers["x-m2m-rtu"]) if "x-m2m-rtu" in headers else None


def _uris(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("&") if part.strip())


def _printable(text: str) -> str:
    """What a client sent, echoed in a header: without control characters."""
    return "".join(character for character in text if character.isprintable())[:1024]
