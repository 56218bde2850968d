"""One HTTP request as a primitive: headers and query arguments as parameters (TS-0009 clauses 6.2 and 6.4)."""

import re
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.types import Scope

from cse.address import Naming
from cse.errors import BadRequest, NotImplementedByThisCSE, OperationNotAllowed
from cse.http.address import Query, address_of, parse_query
from cse.http.headers import ContentType, Headers
from cse.leniency import plain_address
from cse.primitive import Operation, Request, ResponseType, ResultContent
from cse.security.identity import sender
from cse.timing import parse_moment, parse_timestamp

Attributes = tuple[str, ...]  # by their short names

OPERATIONS = {"GET": Operation.RETRIEVE, "PUT": Operation.UPDATE, "DELETE": Operation.DELETE}
# Parameters of features that are not there: the first ones may say that they do not ask for it.
SWITCHES_FOR_LATER = ("da", "tqi", "asi", "auri", "sqi")
ARGUMENTS_FOR_LATER = ("tids", "ltids")
EVENT_CATEGORY = re.compile(r"[2-4]|[1-9]\d\d", re.ASCII)
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def parse_request(
    scope: Scope, headers: Headers, content_type: ContentType, content: Any, naming: Naming, *, lenient: bool
) -> Request:
    """The primitive; CSEError names the header, argument or method that is wrong."""
    operation, resource_type = _operation(scope["method"], content_type, lenient=lenient)
    query = parse_query(scope["query_string"]) if scope["query_string"] else {}
    if query:
        _refuse_later(query)
    address, attribute = _target(_raw_path(scope), operation, naming, lenient=lenient)
    parameters = _from_headers(headers, lenient=lenient)
    if query or attribute:
        parameters |= _from_query(query, attribute)
    return Request(
        operation,
        address,
        headers.get("x-m2m-origin", ""),
        _request_identifier(headers, lenient=lenient),
        resource_type,
        content,
        filters=query,
        sender=sender(scope),
        lenient=lenient,
        **parameters,
    )


def _from_headers(headers: Headers, *, lenient: bool) -> dict[str, Any]:
    """Those parameters that most requests do not have, by their names in a request."""
    known = OF_OLD_CLIENTS if lenient else OF_CLIENTS
    found = {}
    for header, text in headers.items():
        if header in known:
            name, read = known[header]
            found[name] = read(text)
    return found


def _from_query(query: Query, attribute: Attributes) -> dict[str, Any]:
    """The same of the arguments of a query, which are taken out of it: what is left is a filter."""
    found: dict[str, Any] = {
        "response_type": _response_type(query.pop("rt", ["3"])),
        "result_content": _result_content(query.pop("rcn", None)),
        "attribute_list": attribute + tuple(query.pop("atrl", ())),
        "unstructured_identifiers": _one(query.pop("drt", ["1"]), "drt", {"1", "2"}) == "2",
        "result_persistence": _moment("rp", query.pop("rp")[-1]) if "rp" in query else None,
        "role_identifiers": tuple(query.pop("rids", ())),
    }
    if "grtm" in query:
        found["group_target_members"] = tuple(query.pop("grtm"))
    return found


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _target(path: str, operation: Operation, naming: Naming, *, lenient: bool) -> tuple[str, Attributes]:
    """The address, and the one attribute that is wanted of it: `cnt9#lbl` (TS-0001 clause 7.2)."""
    address, fragment, attribute = address_of(path, lenient=lenient).partition("#")
    if fragment and (operation is not Operation.RETRIEVE or not attribute):
        raise BadRequest("# and the name of an attribute behind the address go with RETRIEVE only: leave them out")
    return (plain_address(address, naming) if lenient else address), ((attribute,) if attribute else ())


def _refuse_later(query: Query) -> None:
    """What is not available is refused, unless the client says that it can do without."""
    wanted = [name for name in SWITCHES_FOR_LATER if name in query and _is_true(name, query.pop(name))]
    for name in (*wanted, *(name for name in ARGUMENTS_FOR_LATER if name in query)):
        _refuse(name, "")


def _refuse(name: str, text: str) -> None:
    raise NotImplementedByThisCSE(f"{name} is not available in this CSE yet: leave it out")


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


def _timestamp(text: str) -> str:
    """As the client wrote it."""
    parse_timestamp(text, "X-M2M-OT")
    return text


def _timestamp_if_any(text: str) -> str | None:
    """Of an old client one that is malformed counts as not there."""
    try:
        return _timestamp(text)
    except BadRequest:
        return None


def _event_category(text: str) -> str:
    """m2m:eventCat: 2, 3 and 4 have a meaning, 100 to 999 are free."""
    if not EVENT_CATEGORY.fullmatch(text):
        raise BadRequest("X-M2M-EC must be 2 (immediate), 3 (best effort), 4 (latest) or one of 100 to 999")
    return text


def _moment(name: str, text: str) -> str:
    """As the client wrote it: a timestamp, milliseconds or a duration."""
    parse_moment(text, 0.0, name)
    return text


def _uris(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("&") if part.strip())


# The headers with parameters that most requests do not have: what each is called in a request, and what reads it.
OF_CLIENTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "x-m2m-rvi": ("release_version", str),
    "x-m2m-vsi": ("vendor_information", str),
    "x-m2m-gid": ("group_request_identifier", str),
    "x-m2m-gtm": ("group_target_members", _uris),
    "x-m2m-rtu": ("notification_uris", _uris),
    "x-m2m-ec": ("event_category", _event_category),
    "x-m2m-ot": ("originating_timestamp", _timestamp),
    "x-m2m-ret": ("request_expiration", partial(_moment, "X-M2M-RET")),
    "x-m2m-rst": ("result_expiration", partial(_moment, "X-M2M-RST")),
    "x-m2m-oet": ("execution_time", partial(_moment, "X-M2M-OET")),
    "x-m2m-as": ("", partial(_refuse, "X-M2M-AS")),
    "x-m2m-aus": ("", partial(_refuse, "X-M2M-AUS")),
}
OF_OLD_CLIENTS = OF_CLIENTS | {"x-m2m-ot": ("originating_timestamp", _timestamp_if_any)}
