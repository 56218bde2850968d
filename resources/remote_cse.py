"""remoteCSE (TS-0001 clause 9.6.4): another CSE that is registered here."""

import re
from typing import Any

from cse.attributes import (
    BOOLEAN,
    CREATOR,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    OBJECT,
    REGULAR,
    TEXT,
    Attribute,
    M,
    O,
    list_of,
    one_of,
    table,
)
from cse.errors import BadRequest, OperationNotAllowed, OriginatorHasAlreadyRegistered, SecurityAssociationRequired
from cse.primitive import Request
from cse.resource import Neighbour
from cse.store import Resource
from cse.work import Work
from resources.common.reachability import reachable_again
from resources.common.registration import SERIALIZATION, Registration

CSE_ID = re.compile(r"/[A-Za-z0-9._~-]{1,127}")


class RemoteCSE(Registration, Neighbour):
    """Its resource identifier is the CSE-ID without its slash, so that the CSE is found by its identifier.

    `_registrar` is true if this CSE is registered there.
    """

    number = 16
    name = "remoteCSE"
    short_name = "csr"
    parents = frozenset({5})
    attributes = table(
        REGULAR,
        CREATOR,
        Attribute("cst", "cseType", one_of(1, 2, 3), O, NP),
        Attribute("poa", "pointOfAccess", list_of(IDENTIFIER), O, O),
        Attribute("cb", "CSEBase", IDENTIFIER, M, NP, required=True),
        Attribute("csi", "CSE-ID", IDENTIFIER, O, NP, required=True),
        Attribute("mei", "M2M-Ext-ID", IDENTIFIER, O, O),
        Attribute("tri", "Trigger-Recipient-ID", TEXT, O, O, needs="device triggering"),
        Attribute("rr", "requestReachability", BOOLEAN, M, O, required=True),
        Attribute("nl", "nodeLink", IDENTIFIER, O, O),
        Attribute("trn", "triggerReferenceNumber", NON_NEGATIVE, O, O, needs="device triggering"),
        Attribute("csz", "contentSerialization", list_of(SERIALIZATION), O, O),
        Attribute("esi", "e2eSecInfo", OBJECT, O, O, needs="end-to-end security"),
        Attribute("dcse", "descendantCSEs", list_of(IDENTIFIER), O, O),
        Attribute("srv", "supportedReleaseVersions", list_of(IDENTIFIER), M, O, since="2a"),
        Attribute("mtcc", "multicastCapability", one_of(1, 2), O, O),
        Attribute("egid", "externalGroupID", IDENTIFIER, O, O, needs="groups of the mobile network"),
        Attribute("tren", "triggerEnable", BOOLEAN, O, O, needs="device triggering"),
        Attribute("ape", "activityPatternElements", list_of(OBJECT), O, O, needs="activity patterns"),
        Attribute("spi", "SP-ID", TEXT, O, O),
        Attribute("ici", "IN-CSE-ID", IDENTIFIER, O, O),
    )

    def identify(self, work: Work, request: Request, content: dict[str, Any]) -> str:
        """The CSE-ID that the CSE states as its From, and may repeat in csi."""
        naming = work.model.naming
        cse_id = naming.originator(request.originator)
        if not cse_id:
            raise BadRequest("X-M2M-Origin is missing: a CSE registers with its CSE-ID, /id-mn for instance")
        if cse_id == naming.cse_id:
            raise SecurityAssociationRequired("X-M2M-Origin is this CSE: register with the CSE-ID of the other one")
        if not CSE_ID.fullmatch(cse_id) or cse_id[1:] in (naming.cse_name, "-", "~", "_", ".", ".."):
            raise OperationNotAllowed(f"X-M2M-Origin must be a CSE-ID such as /id-mn, not {request.originator[:80]!r}")
        if naming.originator(content.get("csi", cse_id)) != cse_id:
            raise BadRequest("csi (CSE-ID) differs from X-M2M-Origin: make them the same, or leave csi out")
        return cse_id[1:]

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        if work.transaction.resources.get(resource.ri) is not None:
            raise OriginatorHasAlreadyRegistered(
                f"/{resource.ri} is registered already: update or delete its remoteCSE"
            )
        resource.attributes["csi"] = resource.creator = f"/{resource.ri}"

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        reachable_again(work)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if not changes.keys().isdisjoint(("poa", "rr", "dcse")):
            reachable_again(work)

    def leads_to(self, resource: Resource, cse_id: str) -> bool:
        """By descendantCSEs, or because it is the way to all CSEs of its service provider (mcc')."""
        provider = resource.attributes.get("spi")
        return cse_id in resource.attributes.get("dcse", ()) or bool(provider and cse_id.startswith(f"{provider}/"))

    def is_registrar(self, resource: Resource) -> bool:
        return bool(resource.attributes.get("_registrar"))
