"""Requests and responses as every binding and every network hands them over (TS-0004 clause 6.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, TypeVar, dataclass_transform

import orjson

T = TypeVar("T")

# What a primitive carries: JSON values, as orjson reads them. What a response has may be `cse.pieces.Pieces`.
Content = Any


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def settled(kind: type[T]) -> type[T]:
    """A dataclass with slots that nothing changes, which the type checker sees to.

    One that sees to it itself (frozen) takes five times as long to be made, and there is one for every request.
    """
    return dataclass(slots=True)(kind)


class Operation(IntEnum):
    """m2m:operation."""

    CREATE = 1
    RETRIEVE = 2
    UPDATE = 3
    DELETE = 4
    NOTIFY = 5


class ResponseType(IntEnum):
    """m2m:responseType."""

    NON_BLOCKING_SYNCH = 1
    NON_BLOCKING_ASYNCH = 2
    BLOCKING = 3
    FLEX_BLOCKING = 4
    NO_RESPONSE = 5


class ResultContent(IntEnum):
    """m2m:resultContent."""

    NOTHING = 0
    ATTRIBUTES = 1
    HIERARCHICAL_ADDRESS = 2
    HIERARCHICAL_ADDRESS_AND_ATTRIBUTES = 3
    ATTRIBUTES_AND_CHILD_RESOURCES = 4
    ATTRIBUTES_AND_CHILD_REFERENCES = 5
    CHILD_REFERENCES = 6
    ORIGINAL_RESOURCE = 7
    CHILD_RESOURCES = 8
    MODIFIED_ATTRIBUTES = 9
    SEMANTIC_CONTENT = 10
    DISCOVERY_RESULT_REFERENCES = 11
    PERMISSIONS = 12


# The members of m2m:filterCriteria by the form of their values.
TYPES_IN_CRITERIA = frozenset(["ty", "chty", "pty"])
NUMBERS_IN_CRITERIA = TYPES_IN_CRITERIA.union(["fu", "fo", "lim", "lvl", "ofst", "sts", "stb", "sza", "szb", "cfs"])
LISTS_IN_CRITERIA = TYPES_IN_CRITERIA.union(["lbl", "clbl", "palb", "cty", "smf"])
TEXTS_IN_CRITERIA = frozenset(["crb", "cra", "ms", "us", "exb", "exa", "lbq", "cfq", "arp"])

# m2m:resourceType: numbers below 100, and those of the announced variants.
ANNOUNCED = 10_000
MOST_RESOURCE_TYPES = 100

OK = 2000
CREATED = 2001
DELETED = 2002
UPDATED = 2004


@settled
class Request:
    """m2m:rqp. Names are the standard's; times are still as the originator wrote them.

    `to` is the address in any of its forms, `originator` the From parameter ("" only in an AE registration), `filters`
    the filterCriteria by short name, each with its list of values as text. `sender` is the IP address that the request
    came from ("" for one made here), `authenticated` whether a credential has proved the originator, `position` his
    latitude and longitude in degrees and `country` his country, if that is known for sure; `lenient` says that the
    client may be an old one, whose deviations in form are overlooked.
    """

    operation: Operation
    to: str
    originator: str
    request_identifier: str
    resource_type: int | None = None
    content: Content = None
    response_type: ResponseType = ResponseType.BLOCKING
    notification_uris: tuple[str, ...] | None = None
    result_content: ResultContent | None = None
    filters: dict[str, list[str]] = field(default_factory=dict)
    attribute_list: tuple[str, ...] = ()
    unstructured_identifiers: bool = False
    release_version: str | None = None
    originating_timestamp: str | None = None
    request_expiration: str | None = None
    result_expiration: str | None = None
    result_persistence: str | None = None
    execution_time: str | None = None
    event_category: str | None = None
    group_request_identifier: str | None = None
    group_target_members: tuple[str, ...] = ()
    vendor_information: str | None = None
    role_identifiers: tuple[str, ...] = ()
    sender: str = ""
    authenticated: bool = False
    position: tuple[float, float] | None = None
    country: str = ""
    lenient: bool = False

    def to_json(self) -> bytes:
        """The request as JSON, for `from_json`."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes) -> "Request":
        """A request that `to_json` has written."""
        values = orjson.loads(data)
        values["operation"] = Operation(values["operation"])
        values["response_type"] = ResponseType(values["response_type"])
        if values["result_content"] is not None:
            values["result_content"] = ResultContent(values["result_content"])
        for name in ("notification_uris", "attribute_list", "group_target_members", "role_identifiers", "position"):
            if values[name] is not None:
                values[name] = tuple(values[name])
        return cls(**values)

    def as_primitive(self) -> dict[str, Any]:
        """As m2m:rqp, by short names (TS-0004 clause 8.2.2); what is not there is left out."""
        values = {
            "op": int(self.operation),
            "to": self.to,
            "fr": self.originator,
            "rqi": self.request_identifier,
            "ty": self.resource_type,
            "pc": {"m2m:atrl": list(self.attribute_list)} if self.attribute_list else self.content,
            "rids": list(self.role_identifiers) or None,
            "ot": self.originating_timestamp,
            "rqet": self.request_expiration,
            "rset": self.result_expiration,
            "oet": self.execution_time,
            "rt": self._response_type(),
            "rp": self.result_persistence,
            "rcn": None if self.result_content is None else int(self.result_content),
            "ec": self.event_category,
            "gid": self.group_request_identifier,
            "grtm": list(self.group_target_members) or None,
            "fc": _filter_criteria(self.filters) or None,
            "drt": 2 if self.unstructured_identifiers else None,
            "rvi": self.release_version,
            "vsi": self.vendor_information,
        }
        return {name: value for name, value in values.items() if value is not None}

    def _response_type(self) -> dict[str, Any] | None:
        """m2m:responseTypeInfo; None for the default."""
        if self.response_type is ResponseType.BLOCKING:
            return None
        uris = {} if self.notification_uris is None else {"nu": list(self.notification_uris)}
        return {"rtv": int(self.response_type), **uris}

    def derive(self, **changes: Any) -> "Request":
        """A copy with some parameters changed."""
        copy: Request = object.__new__(Request)
        for name in PARAMETERS:
            setattr(copy, name, getattr(self, name))
        for name, value in changes.items():
            setattr(copy, name, value)
        return copy


PARAMETERS = tuple(parameter.name for parameter in fields(Request))


@settled
class Response:
    """m2m:rsp. `content` is the primitive content with its root, or None.

    `json` is the content as JSON, if somebody has it already. `location` is the address of a new resource. The
    timestamps are those of another CSE that has answered.
    """

    status_code: int
    content: Content = None
    location: str | None = None
    content_status: int | None = None
    content_offset: int | None = None
    originating_timestamp: str | None = None
    result_expiration: str | None = None
    json: bytes | None = None

    @property
    def succeeded(self) -> bool:
        return 2000 <= self.status_code < 3000


def _filter_criteria(filters: Mapping[str, list[str]]) -> dict[str, Any]:
    """m2m:filterCriteria; what is no criterion of its own is a condition on the attribute with that name."""
    known: dict[str, Any] = {}
    for name, values in filters.items():
        if name in LISTS_IN_CRITERIA:
            known[name] = [_plain(value) for value in values] if name in NUMBERS_IN_CRITERIA else values
        elif name in NUMBERS_IN_CRITERIA:
            known[name] = _plain(values[0])
        elif name in TEXTS_IN_CRITERIA:
            known[name] = values[0]
        else:
            known.setdefault("atr", []).extend({"nm": name, "val": value} for value in values)
    return known


def _plain(text: str) -> int | str:
    """A number as such; anything else is left to the receiver to complain of."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def is_resource_type(number: int) -> bool:
    """Whether oneM2M has, or may come to have, a resource type with this number."""
    own = number - ANNOUNCED if number > ANNOUNCED else number
    return 0 < own < MOST_RESOURCE_TYPES


def nests_deeper(document: Content, levels: int) -> bool:
    """Whether lists and objects are nested in each other over more than so many levels."""
    layer = [document]
    for _ in range(levels + 1):
        layer = [
            item
            for container in layer
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
    return bool(layer)


def kept(content: Content) -> bytes:
    """Content as JSON that is held for long, b"" for none. What orjson returns takes 4 kB, however short it is."""
    return b"" if content is None else bytes(memoryview(orjson.dumps(content)))


def is_content(value: Any, levels: int) -> bool:
    """Whether a binding other than JSON has decoded something that JSON can express, nested over so many levels."""
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        return False
    if orjson.loads(encoded) != value:  # NaN, dates and the like, which orjson writes as something else
        return False
    return encoded.count(b"[") + encoded.count(b"{") <= levels or not nests_deeper(value, levels)


def error_response(status_code: int, sentence: str) -> Response:
    """An unsuccessful response; the sentence goes out as `m2m:dbg`."""
    return Response(status_code, {"m2m:dbg": sentence})
