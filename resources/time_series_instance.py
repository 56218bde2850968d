"""timeSeriesInstance (TS-0001 clause 9.6.37): one piece of data in a timeSeries, and when it was generated."""

import dataclasses
from collections.abc import Iterator

from cse.attributes import (
    ANNOUNCEMENT,
    CREATOR,
    EXPIRATION,
    LABELS,
    MOMENT,
    NON_NEGATIVE,
    NP,
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
from cse.timing import parse_timestamp, precise_timestamp
from cse.work import Work
from resources.content_instance import audit_size, content_size, generation_time

SIMPLE = DataType("a text, a number, true or false", lambda value: isinstance(value, str | int | float))


class TimeSeriesInstance(ResourceType):
    number = 30
    name = "timeSeriesInstance"
    short_name = "tsi"
    subscribable = False
    parents = frozenset({29})
    access = Access.PARENT
    updatable = False
    attributes = table(
        UNIVERSAL,
        *(dataclasses.replace(shared, update=NP) for shared in (EXPIRATION, LABELS, CREATOR, *ANNOUNCEMENT)),
        Attribute("dgt", "dataGenerationTime", MOMENT, M, NP, required=True),
        Attribute("con", "content", SIMPLE, M, NP, required=True),
        Attribute("snr", "sequenceNr", NON_NEGATIVE, O, NP),
        Attribute("cs", "contentSize", NON_NEGATIVE, NP, NP, required=True),
    )

    def audit(self, work: Work, resource: Resource) -> Iterator[str]:
        return audit_size(resource)

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        attributes = resource.attributes
        attributes["cs"] = content_size(attributes["con"])
        attributes["dgt"] = generation_time(attributes["dgt"], work.now)
        attributes["_key"] = precise_timestamp(parse_timestamp(attributes["dgt"]))
