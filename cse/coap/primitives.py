"""Requests between CSEs as CoAP messages: all operations (TS-0008 clause 6.2)."""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote

from cse.coap import content as wire
from cse.coap.message import DELETE, GET, POST, PUT, CoapError, Message, Option, Type, number_value, text_option
from cse.errors import BadRequest
from cse.http.address import parse_query
from cse.primitive import Operation, Request, ResultContent
from cse.timing import parse_timestamp

METHODS = {
    Operation.CREATE: POST,
    Operation.RETRIEVE: GET,
    Operation.UPDATE: PUT,
    Operation.DELETE: DELETE,
    Operation.NOTIFY: POST,
}
OPERATIONS = {GET: Operation.RETRIEVE, PUT: Operation.UPDATE, DELETE: Operation.DELETE}
TEXTS = {
    Option.FROM: "originator",
    Option.REQUEST_IDENTIFIER: "request_identifier",
    Option.RELEASE_VERSION: "release_version",
    Option.ORIGINATING_TIMESTAMP: "originating_timestamp",
    Option.REQUEST_EXPIRATION: "request_expiration",
    Option.GROUP_REQUEST_IDENTIFIER: "group_request_identifier",
    Option.VENDOR_INFORMATION: "vendor_information",
}
SP_RELATIVE = "~"


def write(request: Request, path: tuple[str, ...]) -> Message:
    """The message for a request to this Uri-Path. Type, message ID and token are still to be set.

    CoapError when it has what no message can carry. Response Type is left out: who gets it has no choice.
    """
    options = [text_option(Option.URI_PATH, segment) for segment in path]
    options += [text_option(Option.URI_QUERY, argument) for argument in _arguments(request)]
    for number, name in TEXTS.items():
        value = getattr(request, name)
        if value is not None:
            options.append(text_option(number, value))
    if request.resource_type is not None:
        options.append((Option.RESOURCE_TYPE, number_value(request.resource_type)))
    if request.event_category is not None:
        options.append((Option.EVENT_CATEGORY, number_value(int(request.event_category))))
    if request.content is not None:
        options.append((Option.CONTENT_FORMAT, number_value(wire.CBOR)))
    payload = b"" if request.content is None else wire.write(request.content)
    return Message(Type.NON, METHODS[request.operation], 0, b"", tuple(options), payload)


def read(message: Message) -> Request:
    """The request in a message, with its `to` SP-relative; CoapError when there is none."""
    stated = {name: message.text(number) or None for number, name in TEXTS.items()}
    if not stated["request_identifier"] or not stated["originator"]:
        raise CoapError("a request needs a request identifier and an originator")
    resource_type, category = message.number(Option.RESOURCE_TYPE), message.number(Option.EVENT_CATEGORY)
    values: dict[str, Any] = {name: value for name, value in stated.items() if value is not None}
    try:
        return Request(
            operation=_operation(message.code, resource_type),
            to=_address(message.texts(Option.URI_PATH)),
            resource_type=resource_type,
            content=wire.read(message.payload, message.number(Option.CONTENT_FORMAT)),
            event_category=None if category is None else str(category),
            **_selection(message.texts(Option.URI_QUERY)),
            **values,
        )
    except (BadRequest, ValueError) as error:
        raise CoapError(str(error)) from None


def expiration(request: Request) -> float | None:
    """When a request is void, in seconds since 1970; CoapError for what is no absolute timestamp."""
    if request.request_expiration is None:
        return None
    try:
        return parse_timestamp(request.request_expiration)
    except BadRequest as error:
        raise CoapError(str(error)) from None


def _operation(code: int, resource_type: int | None) -> Operation:
    if code == POST:
        return Operation.NOTIFY if resource_type is None else Operation.CREATE
    if code not in OPERATIONS or resource_type is not None:
        raise CoapError("not the message of an operation")
    return OPERATIONS[code]


def _address(path: list[str]) -> str:
    if len(path) < 3 or path[0] != SP_RELATIVE or any("/" in segment or not segment for segment in path):
        raise CoapError("the Uri-Path must be ~, a CSE-ID, and what is addressed there")
    return "/" + "/".join(path[1:])


def _arguments(request: Request) -> Iterator[str]:
    """Values of an argument are joined by `+`, and percent-encoded as in a URL."""
    if request.result_content is not None:
        yield f"rcn={request.result_content:d}"
    if request.unstructured_identifiers:
        yield "drt=2"
    for name, values in chain(request.filters.items(), [("atrl", request.attribute_list)]):
        if values:
            yield quote(name) + "=" + "+".join(quote(value, safe="") for value in values)


def _selection(arguments: list[str]) -> dict[str, Any]:
    """The parameters of a request that say what is wanted of its target."""
    query = parse_query("&".join(arguments).encode("utf-8"))
    result_content = query.pop("rcn", None)
    return {
        "result_content": None if result_content is None else ResultContent(int(result_content[0])),
        "unstructured_identifiers": query.pop("drt", ["1"]) == ["2"],
        "attribute_list": tuple(query.pop("atrl", ())),
        "filters": query,
    }
