"""mgmtObj (TS-0001 clause 9.6.15): what can be managed of a device. Its specialisations are tables (annex D)."""

from cse.attributes import (
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    REGULAR,
    TEXT,
    Attribute,
    M,
    O,
    list_of,
    table,
)
from cse.errors import BadRequest
from cse.network import Host
from cse.primitive import Request
from cse.store import Resource
from cse.work import Work
from resources.specializations.family import Family

SELF_DEFINED = 0


class ManagementObject(Family):
    number = 13
    name = "mgmtObj"
    short_name = "mgo"
    parents = frozenset({14})
    definition = "mgd"
    manages = True
    attributes = table(
        REGULAR,
        Attribute("mgd", "mgmtDefinition", NON_NEGATIVE, M, NP, required=True),
        Attribute("obis", "objectIDs", list_of(IDENTIFIER), O, NP),
        Attribute("obps", "objectPaths", list_of(IDENTIFIER), O, NP),
        Attribute("dc", "description", TEXT, O, O),
        Attribute("mgs", "mgmtSchema", IDENTIFIER, O, NP),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        super().creating(work, request, resource, parent)
        if "mgs" in resource.attributes and resource.attributes["mgd"] != SELF_DEFINED:
            raise BadRequest("mgs (mgmtSchema) goes with mgd 0 only, a management object of one's own: leave it out")

    def device(self, work: Work, resource: Resource) -> Host | None:
        """That of its node."""
        node = work.transaction.resources.get(resource.pi)
        return None if node is None else work.type_of(node).device(work, node)
