"""contentInstance (TS-0001 clause 9.6.7): one piece of data in a container."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import orjson

from cse.attributes import (
    ANNOUNCEMENT,
    ANYTHING,
    CREATOR,
    EXPIRATION,
    IDENTIFIER,
    LABELS,
    MOMENT,
    NON_NEGATIVE,
    NP,
    POSITIVE,
    TEXT,
    TIMESTAMP,
    UNIVERSAL,
    Attribute,
    DataType,
    M,
    O,
    table,
)
from cse.primitive import Request
from cse.resource import Access, ResourceType
from cse.store import Resource
from cse.timing import parse_moment, precise_timestamp
from cse.tree.delete import remove
from cse.work import Work

MEDIA_TYPE = r"[^:\s]+/[^:\s]+"


def _with_encoding(value: Any) -> Any:
    """What is not encoded in any way is what a media type alone stands for."""
    return f"{value}:0" if isinstance(value, str) and re.fullmatch(MEDIA_TYPE, value) else value


def _as_text(value: Any) -> Any:
    """Numbers and truth values as JSON writes them."""
    return orjson.dumps(value).decode() if isinstance(value, int | float) else value


CONTENT_INFO = DataType(
    "media type, ':' and encoding 0, 1 or 2, such as application/json:0",
    lambda value: isinstance(value, str) and bool(re.fullmatch(MEDIA_TYPE + r":[012](:[0-5])?", value)),
    loosely=_with_encoding,
)
CONTENT = dataclasses.replace(ANYTHING, loosely=_as_text)


class ContentInstance(ResourceType):
    number = 4
    name = "contentInstance"
    short_name = "cin"
    subscribable = False
    parents = frozenset({3})
    access = Access.PARENT
    updatable = False
    attributes = table(
        UNIVERSAL,
        *(dataclasses.replace(shared, update=NP) for shared in (EXPIRATION, LABELS, CREATOR, *ANNOUNCEMENT)),
        Attribute("st", "stateTag", NON_NEGATIVE, NP, NP, required=True, default=0),
        Attribute("cnf", "contentInfo", CONTENT_INFO, O, NP),
        Attribute("cs", "contentSize", NON_NEGATIVE, NP, NP, required=True),
        Attribute("conr", "contentRef", TEXT, O, NP, needs="content references"),
        Attribute("or", "ontologyRef", IDENTIFIER, O, NP),
        Attribute("con", "content", CONTENT, M, NP, required=True),
        Attribute("dcnt", "deletionCnt", POSITIVE, O, NP, since="4"),
        Attribute("dgt", "dataGenerationTime", MOMENT, O, NP, since="4"),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        attributes = resource.attributes
        attributes["cs"] = content_size(attributes["con"])
        if "dgt" in attributes:
            attributes["dgt"] = generation_time(attributes["dgt"], work.now)

    def audit(self, work: Work, resource: Resource) -> Iterator[str]:
        return audit_size(resource)

    def retrieved(self, work: Work, resource: Resource) -> None:
        """deletionCnt: it may be read so often, and is gone then."""
        left = resource.attributes.get("dcnt")
        if left is None:
            return
        work.require_writing()
        if left == 1:
            remove(work, resource)
        else:
            resource.attributes["dcnt"] = left - 1
            work.transaction.resources.update(resource)


def content_size(content: object) -> int:
    """Bytes of a text in UTF-8, or of any other value as JSON."""
    return len(content.encode() if isinstance(content, str) else orjson.dumps(content))


def audit_size(resource: Resource) -> Iterator[str]:
    """What `ResourceType.audit` has to say about the contentSize of one instance."""
    counted, size = resource.attributes["cs"], content_size(resource.attributes["con"])
    if counted != size:
        yield f"cs is {counted}, and its content has {size} bytes: DELETE it, or put a backup in place of the store"


def generation_time(moment: str, now: float) -> str:
    """A dataGenerationTime as a timestamp: as it was sent, or worked out where it is relative to now."""
    return moment if TIMESTAMP.accepts(moment) else precise_timestamp(parse_moment(moment, now, "dgt"))
