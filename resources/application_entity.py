"""AE (TS-0001 clause 9.6.5): a registered application, or the application in a device; what requests are sent to."""

import re
from typing import Any

from cse.attributes import (
    BOOLEAN,
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
    table,
)
from cse.errors import BadRequest, OriginatorHasAlreadyRegistered, SecurityAssociationRequired
from cse.forwarding import carrier
from cse.primitive import Request
from cse.store import Resource
from cse.work import Work
from resources.common.registration import SERIALIZATION, Registration
from resources.node import host_on

STEM = re.compile(r"[CS][A-Za-z0-9._-]{1,127}")
GUEST = re.compile(r"/[A-Za-z0-9._-]{1,63}/C[A-Za-z0-9._-]{1,63}")  # an AE of another CSE, registered by way of that


class ApplicationEntity(Registration):
    number = 2
    name = "AE"
    short_name = "ae"
    parents = frozenset({5})
    attributes = table(
        REGULAR,
        Attribute("apn", "appName", TEXT, O, O),
        Attribute("api", "App-ID", TEXT, M, NP, required=True),
        Attribute("aei", "AE-ID", IDENTIFIER, NP, NP, required=True),
        Attribute("poa", "pointOfAccess", list_of(IDENTIFIER), O, O),
        Attribute("or", "ontologyRef", IDENTIFIER, O, O),
        Attribute("nl", "nodeLink", IDENTIFIER, O, O),
        Attribute("rr", "requestReachability", BOOLEAN, M, O, required=True),
        Attribute("csz", "contentSerialization", list_of(SERIALIZATION), O, O),
        Attribute("esi", "e2eSecInfo", OBJECT, O, O, needs="end-to-end security"),
        Attribute("mei", "M2M-Ext-ID", IDENTIFIER, O, O),
        Attribute("srv", "supportedReleaseVersions", list_of(IDENTIFIER), M, O, since="2a"),
        Attribute("regs", "registrationStatus", OBJECT, O, O, needs="tracking of registrations"),
        Attribute("trps", "trackRegistrationPoints", BOOLEAN, O, O, needs="tracking of registrations"),
        Attribute("scp", "sessionCapabilities", list_of(OBJECT), O, O, needs="multimedia sessions"),
        Attribute("tren", "triggerEnable", BOOLEAN, O, O, needs="device triggering"),
        Attribute("ape", "activityPatternElements", list_of(OBJECT), O, O, needs="activity patterns"),
        Attribute("tri", "Trigger-Recipient-ID", TEXT, O, O, needs="device triggering"),
        Attribute("trn", "triggerReferenceNumber", NON_NEGATIVE, O, O, needs="device triggering"),
    )

    def identify(self, work: Work, request: Request, content: dict[str, Any]) -> str:
        """The AE-ID stem: as stated in From, or invented for an empty one, `C` or `S` (TS-0001 clause 10.2.2.2)."""
        stem = work.model.naming.originator(request.originator)
        if stem in ("", "C", "S"):
            return work.new_identifier(stem or "C")
        if GUEST.fullmatch(stem) and carrier(work, stem) is not None:
            return "C" + stem[1:].replace("/", ".")
        if stem in (work.model.naming.cse_id, work.model.naming.base_identifier):
            raise SecurityAssociationRequired("X-M2M-Origin is this CSE: register with an identifier of the AE")
        if not STEM.fullmatch(stem):
            raise BadRequest(
                "X-M2M-Origin of a registration must be empty, C, S, or C or S followed by letters, digits, -, _ and ."
            )
        return stem

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        if not request.lenient:
            _check_application_identifier(resource.attributes["api"], request.release_version)
        if work.transaction.resources.get(resource.ri) is not None:
            raise OriginatorHasAlreadyRegistered(f"{resource.ri} is registered already: update or delete that AE")
        if not GUEST.fullmatch(resource.creator):
            resource.creator = resource.ri
        resource.attributes["aei"] = resource.creator
        host_on(work, resource, resource.attributes.get("nl"))

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if "nl" in changes:
            host_on(work, resource, changes["nl"])

    def deleted(self, work: Work, resource: Resource) -> None:
        host_on(work, resource, None)


def _check_application_identifier(api: str, release: str | None) -> None:
    """The prefix says whether the identifier is registered; Release 3 and before also had a small r for that."""
    prefixes = "RN" if release in ("4", "5") else "RrN"
    if api[:1] not in set(prefixes) or len(api) < 2:
        raise BadRequest(
            "api (App-ID) must start with N (not registered) or R (registered), N.example.meter for instance"
        )
