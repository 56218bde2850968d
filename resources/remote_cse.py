"""remoteCSE (TS-0001 clause 9.6.4): another CSE that is registered here."""

import math
import re
from collections.abc import Mapping
from typing import Any

from cse.address import Naming
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
from cse.errors import (
    BadRequest,
    Conflict,
    OperationNotAllowed,
    OriginatorHasAlreadyRegistered,
    OriginatorHasNoPrivilege,
    SecurityAssociationRequired,
)
from cse.events import NEIGHBOURS_CHANGED
from cse.forwarding import neighbours
from cse.primitive import Request
from cse.resource import Neighbour
from cse.store import Resource
from cse.timing import timestamp
from cse.tree.create import add
from cse.tree.delete import remove
from cse.wildcard import means
from cse.work import Work
from resources.common.reachability import reachable_again
from resources.common.registration import SERIALIZATION, Registration

CSE_ID = re.compile(r"/[A-Za-z0-9._~-]{1,127}")
NO_NAMES = ("-", "~", "_", ".", "..")
FROM_THE_BASE = ("cst", "poa", "csz", "srv")


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
        Attribute("dcse", "descendantCSEs", list_of(IDENTIFIER, may_be_empty=True), O, O),
        Attribute("srv", "supportedReleaseVersions", list_of(IDENTIFIER), M, O, since="2a"),
        Attribute("mtcc", "multicastCapability", one_of(1, 2), O, O),
        Attribute("egid", "externalGroupID", IDENTIFIER, O, O),
        Attribute("tren", "triggerEnable", BOOLEAN, O, O, needs="device triggering"),
        Attribute("ape", "activityPatternElements", list_of(OBJECT), O, O, needs="activity patterns"),
        Attribute("spi", "SP-ID", TEXT, O, O),
        Attribute("ici", "IN-CSE-ID", IDENTIFIER, O, O),
    )

    def registering(self, work: Work, request: Request) -> None:
        """A CSE registers itself, with its CSE-ID as From, and whom the operator lets; the administrator any CSE."""
        naming, settings = work.model.naming, work.model.settings
        cse_id = naming.originator(request.originator)
        if settings.kind == "ASN":
            raise OperationNotAllowed("this is an ASN-CSE, with which no CSE can register: use its registrar")
        if not cse_id:
            raise BadRequest("X-M2M-Origin is missing: a CSE registers with its CSE-ID, /id-mn for instance")
        if cse_id == settings.admin_originator:
            return
        if cse_id == naming.cse_id:
            raise SecurityAssociationRequired("X-M2M-Origin is this CSE: register with the CSE-ID of the other one")
        if not _is_cse_id(naming, cse_id):
            raise OperationNotAllowed(f"X-M2M-Origin must be a CSE-ID such as /id-mn, not {request.originator[:80]!r}")
        if naming.originator(_stated(request) or cse_id) != cse_id:
            raise OperationNotAllowed("csi differs from X-M2M-Origin, and a CSE registers itself only: leave csi out")
        if not any(means(pattern, cse_id) for pattern in settings.registrees):
            raise OriginatorHasNoPrivilege(f"{cse_id} may not register here: ask the operator (setting registrees)")

    def identify(self, work: Work, request: Request, content: dict[str, Any]) -> str:
        """The CSE-ID; what the administrator registers has it in csi or cb."""
        naming = work.model.naming
        cse_id = naming.originator(request.originator)
        if cse_id == work.model.settings.admin_originator:
            cse_id = naming.originator(content.get("csi") or "/".join(naming.originator(content["cb"]).split("/")[:2]))
        if not _is_cse_id(naming, cse_id):
            raise BadRequest("csi must be a CSE-ID such as /id-mn; without csi, cb must begin with it: /id-mn/cse-mn")
        other = work.transaction.resources.get(cse_id[1:])
        if other is not None and other.ty != self.number:
            raise Conflict(f"{cse_id[1:]} is the identifier of {other.path} already: choose another CSE-ID")
        return cse_id[1:]

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        if work.transaction.resources.get(resource.ri) is not None:
            raise OriginatorHasAlreadyRegistered(
                f"/{resource.ri} is registered already: update or delete its remoteCSE"
            )
        resource.attributes["csi"] = resource.creator = f"/{resource.ri}"

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        super().created(work, resource, parent)
        work.later(NEIGHBOURS_CHANGED, {})
        reachable_again(work)

    def deleted(self, work: Work, resource: Resource) -> None:
        work.later(NEIGHBOURS_CHANGED, {})

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        super().updated(work, resource, changes)
        if not changes.keys().isdisjoint(("poa", "rr", "dcse", "mtcc", "egid")):
            work.later(NEIGHBOURS_CHANGED, {})
            reachable_again(work)

    def leads_to(self, resource: Resource, cse_id: str) -> bool:
        """By descendantCSEs, or because it is the way to all CSEs of its service provider (mcc')."""
        provider = resource.attributes.get("spi")
        return cse_id in resource.attributes.get("dcse", ()) or bool(provider and cse_id.startswith(f"{provider}/"))

    def is_registrar(self, resource: Resource) -> bool:
        return bool(resource.attributes.get("_registrar"))

    def introduction(self, work: Work, multicast: int, external_group: str) -> dict[str, Any]:
        base = work.target(work.model.naming.cse_name).resource.attributes
        registrees = [other.attributes for other in neighbours(work) if not self.is_registrar(other)]
        descendants = {cse_id for other in registrees for cse_id in (other["csi"], *other.get("dcse", ()))}
        return {
            "rn": base["ri"],
            "csi": base["csi"],
            "cb": work.model.naming.sp_relative(base["rn"]),
            "rr": True,
            "dcse": sorted(descendants - {base["csi"]}),
            **{name: base[name] for name in ("cst", "poa", "csz", "srv")},
            **({"mtcc": multicast} if multicast else {}),
            **({"egid": external_group} if external_group else {}),
        }

    def meet(self, work: Work, base: Mapping[str, Any]) -> None:
        """The address that the operator has named comes first: it works."""
        cse_id, name = base.get("csi"), base.get("rn")
        if not isinstance(cse_id, str) or not isinstance(name, str) or not _is_cse_id(work.model.naming, cse_id):
            raise BadRequest(f"the registrar's CSEBase must have csi and rn, not {cse_id!r} and {name!r}")
        rows = {short: self.attributes[short] for short in FROM_THE_BASE if short in base}
        stated = {"srv": ["2a"]} | {short: base[short] for short, row in rows.items() if row.type.accepts(base[short])}
        poa = dict.fromkeys([work.model.settings.registrar, *stated.get("poa", ())])
        own = {"csi": cse_id, "cb": f"{cse_id}/{name}", "poa": list(poa), "rr": True}
        self._keep(work, cse_id, stated | own | {"_registrar": True, "et": timestamp(math.inf)})

    def part(self, work: Work, resource: Resource) -> None:
        remove(work, resource)

    def _keep(self, work: Work, cse_id: str, wanted: dict[str, Any]) -> None:
        base = work.target(work.model.naming.cse_name).resource
        known = work.transaction.resources.get(cse_id[1:])
        if known is None:
            if work.transaction.resources.find(f"{base.path}{cse_id}") is not None:
                raise Conflict(f"{base.path}{cse_id} is in the way of the registrar's remoteCSE: delete it")
            add(work, self, base, wanted, cse_id, cse_id[1:], cse_id[1:])
            reachable_again(work)
        elif changes := {row: value for row, value in wanted.items() if known.attributes.get(row) != value}:
            known.attributes |= changes
            work.transaction.resources.update(known)
            self.updated(work, known, changes)


def _is_cse_id(naming: Naming, text: str) -> bool:
    return bool(CSE_ID.fullmatch(text)) and text[1:] not in (naming.cse_name, naming.base_identifier, *NO_NAMES)


def _stated(request: Request) -> str:
    """The CSE-ID in the content of a CREATE, "" for none; the content has not been checked yet."""
    content = next(iter(request.content.values()), None) if isinstance(request.content, dict) else None
    stated = content.get("csi") if isinstance(content, dict) else None
    return stated if isinstance(stated, str) else ""
