"""One HTTP request as a primitive: headers and query arguments as parameters (TS-0009 clauses 6.2 and 6.4)."""

import re
import secrets
from typing import Any

from starlette.types import Scope

from cse.address import Naming
from cse.errors import BadRequest, NotImplementedByThisCSE, OperationNotAllowed
from cse.http.address import Query, address_of, parse_query
from cse.http.headers import ContentType, Headers
from cse.leniency import plain_address
from cse.primitive import Operation, Request, ResponseType, ResultContent
from cse.timing import parse_moment, parse_timestamp

OPERATIONS = {"GET": Operation.RETRIEVE, "PUT": Operation.UPDATE, "DELETE": Operation.DELETE}
# Parameters of features that are not there: the first ones may say that they do not ask for it.
SWITCHES_FOR_LATER = ("da", "tqi", "asi", "auri", "sqi")
ARGUMENTS_FOR_LATER = ("tids", "ltids")
HEADERS_FOR_LATER = ("x-m2m-as", "x-m2m-aus")
EVENT_CATEGORY = re.compile(r"[2-4]|[1-9]\d\d", re.ASCII)
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def parse_request(
    scope: Scope, headers: Headers, content_type: ContentType, content: Any, naming: Naming, *, lenient: bool
) -> Request:
    """The primitive; CSEError names the header, argument or method that is wrong."""
    operation, resource_type = _operation(scope["method"], content_type, lenient=lenient)
    query = parse_query(scope["query_string"])
    _refuse_later(query, headers)
    address, attributes = _target(_raw_path(scope), operation, naming, lenient=lenient)
    return Request(
        operation=operation,
        to=address,
        originator=headers.get("x-m2m-origin", ""),
        request_identifier=_request_identifier(headers, lenient=lenient),
        resource_type=resource_type,
        content=content,
        response_type=_response_type(query.pop("rt", ["3"])),
        notification_uris=_uris(headers["x-m2m-rtu"]) if "x-m2m-rtu" in headers else None,
        result_content=_result_content(query.pop("rcn", None)),
        attribute_list=attributes + tuple(query.pop("atrl", ())),
        unstructured_identifiers=_one(query.pop("drt", ["1"]), "drt", {"1", "2"}) == "2",
        release_version=headers.get("x-m2m-rvi"),
        originating_timestamp=_originating_timestamp(headers, lenient=lenient),
        request_expiration=_moment("X-M2M-RET", headers.get("x-m2m-ret")),
        result_expiration=_moment("X-M2M-RST", headers.get("x-m2m-rst")),
        execution_time=_moment("X-M2M-OET", headers.get("x-m2m-oet")),
        result_persistence=_moment("rp", query.pop("rp", [None])[-1]),
        event_category=_event_category(headers.get("x-m2m-ec")),
        group_request_identifier=headers.get("x-m2m-gid"),
        group_target_members=tuple(query.pop("grtm", ())) or _uris(headers.get("x-m2m-gtm", "")),
        vendor_information=headers.get("x-m2m-vsi"),
        role_identifiers=tuple(query.pop("rids", ())),
        filters=query,
        lenient=lenient,
    )


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.split(b"?")[0].decode("latin-1")


def _target(path: str, operation: Operation, naming: Naming, *, lenient: bool) -> tuple[str, tuple[str, ...]]:
    """The address, and the one attribute that is wanted of it: `cnt9#lbl` (TS-0001 clause 7.2)."""
    address, fragment, attribute = address_of(path, lenient=lenient).partition("#")
    if fragment and (operation is not Operation.RETRIEVE or not attribute):
        raise BadRequest("# and the name of an attribute behind the address go with RETRIEVE only: leave them out")
    return (plain_address(address, naming) if lenient else address), ((attribute,) if attribute else ())


def _refuse_later(query: Query, headers: Headers) -> None:
    """What is not available is refused, unless the client says that it can do without."""
    wanted = [name for name in SWITCHES_FOR_LATER if name in query and _is_true(name, query.pop(name))]
    wanted += [name for name in ARGUMENTS_FOR_LATER if name in query]
    wanted += [name for name in HEADERS_FOR_LATER if name in headers]
    if wanted:
        raise NotImplementedByThisCSE(f"{wanted[0]} is not available in this CSE yet: leave it out")


def _is_true(name: str, values: list[str]) -> bool:
    return BOOLEANS[_one(values, name, set(BOOLEANS))]


def _operation(method: str, content_type: ContentType, *, lenient: bool) -> tuple[Operation, int | None]:
    if method == "POST":
        number = content_type.resource_type()
        return (Operation.NOTIFY if number is None else Operation.CREATE), number
    if method not in OPERATIONS:
        raise OperationNotAllowed(f"method {method[:20]} is not used by oneM2M: use GET, POST, PUT or DELETE")
    if content_type.types and not lenient:
        raise BadRequest("ty in the Content-Type is for CREATE (POST) only: remove it")
    return OPERATIONS[method], None


def _request_identifier(headers: Headers, *, lenient: bool) -> str:
    """Mandatory from Release 3 on; older clients, which state no release, often leave it out."""
    identifier = headers.get("x-m2m-ri", "")
    if not identifier and not lenient:
        raise BadRequest("X-M2M-RI is missing: add a request identifier")
    return identifier or secrets.token_hex(8)


def _response_type(values: list[str]) -> ResponseType:
    return ResponseType(int(_one(values, "rt", {str(int(form)) for form in ResponseType})))


def _result_content(values: list[str] | None) -> ResultContent | None:
    if values is None:
        return None
    return ResultContent(int(_one(values, "rcn", {str(int(form)) for form in ResultContent})))


def _one(values: list[str], name: str, allowed: set[str]) -> str:
    if len(values) != 1 or values[0] not in allowed:
        raise BadRequest(f"{name} must be one of {', '.join(sorted(allowed))}")
    return values[0]


def _originating_timestamp(headers: Headers, *, lenient: bool) -> str | None:
    """As the client wrote it; of an old client one that is malformed counts as not there."""
    text = headers.get("x-m2m-ot")
    if text is None:
        return None
    try:
        parse_timestamp(text, "X-M2M-OT")
    except BadRequest:
        if lenient:
            return None
        raise
    return text


def _event_category(text: str | None) -> str | None:
    """m2m:eventCat: 2, 3 and 4 have a meaning, 100 to 999 are free."""
    if text is not None and not EVENT_CATEGORY.fullmatch(text):
        raise BadRequest("X-M2M-EC must be 2 (immediate), 3 (best effort), 4 (latest) or one of 100 to 999")
    return text


def _moment(name: str, text: str | None) -> str | None:
    """As the client wrote it: a timestamp, milliseconds or a duration."""
    if text is not None:
        parse_moment(text, 0.0, name)
    return text


def _uris(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("&") if part.strip())
