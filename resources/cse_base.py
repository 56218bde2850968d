"""CSEBase (TS-0001 clause 9.6.3): the root of the tree. The server makes it; no request can."""

import dataclasses
from typing import Any

from cse.attributes import (
    DYNAMIC_POLICIES,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    NP,
    OBJECT,
    POLICY_IDS,
    TEXT,
    TIMESTAMP,
    UNIVERSAL,
    Attribute,
    list_of,
    one_of,
    table,
)
from cse.errors import OperationNotAllowed
from cse.resource import Access, ResourceType
from cse.store import Resource
from cse.timing import timestamp
from cse.work import Work


class CSEBase(ResourceType):
    number = 5
    name = "CSEBase"
    short_name = "cb"
    access = Access.BASE
    creatable = False
    updatable = False
    attributes = table(
        (
            dataclasses.replace(shared, create=NP, update=NP)
            for shared in (*UNIVERSAL, LABELS, POLICY_IDS, DYNAMIC_POLICIES)
        ),
        Attribute("cst", "cseType", one_of(1, 2, 3), NP, NP),
        Attribute("csi", "CSE-ID", IDENTIFIER, NP, NP, required=True),
        Attribute("srt", "supportedResourceType", list_of(NON_NEGATIVE), NP, NP, required=True),
        Attribute("poa", "pointOfAccess", list_of(TEXT), NP, NP, required=True),
        Attribute("nl", "nodeLink", IDENTIFIER, NP, NP),
        Attribute("ctm", "currentTime", TIMESTAMP, NP, NP),
        Attribute("csz", "contentSerialization", list_of(TEXT), NP, NP),
        Attribute("esi", "e2eSecInfo", OBJECT, NP, NP),
        Attribute("srv", "supportedReleaseVersions", list_of(TEXT), NP, NP),
        Attribute("hld", "holder", IDENTIFIER, NP, NP),
        Attribute("loc", "location", OBJECT, NP, NP),
        Attribute("ncp", "notificationCongestionPolicy", NON_NEGATIVE, NP, NP),
        Attribute("spi", "SP-ID", TEXT, NP, NP, since="4"),
        Attribute("ici", "IN-CSE-ID", IDENTIFIER, NP, NP, since="4"),
    )

    def compose(self, work: Work, resource: Resource) -> dict[str, Any]:
        return super().compose(work, resource) | {"ctm": timestamp(work.now)}

    def deleting(self, work: Work, resource: Resource) -> None:
        raise OperationNotAllowed("the CSEBase can't be deleted: stop the server and remove its store instead")
