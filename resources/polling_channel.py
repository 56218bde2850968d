"""pollingChannel (TS-0001 clause 9.6.21) with pollingChannelURI (9.6.22): where its owner fetches requests to it."""

from cse.attributes import BOOLEAN, EXPIRATION, LABELS, UNIVERSAL, Attribute, O, table
from cse.errors import BadRequest, OriginatorHasNoPrivilege
from cse.events import host_changed
from cse.primitive import Operation, Request
from cse.resource import Access, ResourceType, VirtualChild
from cse.store import Resource
from cse.work import Work


class PollingChannelURI(VirtualChild):
    """RETRIEVE waits for the next request, NOTIFY answers one; both for the owner only."""

    name = "pcu"
    operations = frozenset({Operation.RETRIEVE, Operation.NOTIFY})
    polls = True

    def resolve(self, work: Work, parent: Resource) -> Resource:
        return parent


class PollingChannel(ResourceType):
    """Its parent is the owner, and is told in `_channel` by which channel it can be reached."""

    number = 15
    name = "pollingChannel"
    short_name = "pch"
    subscribable = False
    parents = frozenset({2, 16})
    access = Access.OWNER
    virtual_children = {PollingChannelURI.name: PollingChannelURI()}  # noqa: RUF012 - a constant
    attributes = table(
        UNIVERSAL,
        EXPIRATION,
        LABELS,
        Attribute("rqag", "requestAggregation", BOOLEAN, O, O, since="4"),
    )

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        owner = parent.attributes.get("csi", parent.ri)
        if resource.creator != owner:
            raise OriginatorHasNoPrivilege(f"only {owner} itself may create its polling channel")
        if "_channel" in parent.attributes:
            raise BadRequest(f"{parent.path} has a polling channel already: use that one")

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        _tell(work, parent, resource.ri)

    def deleted(self, work: Work, resource: Resource) -> None:
        parent = work.transaction.resources.get(resource.pi)
        if parent is not None:
            _tell(work, parent, None)


def _tell(work: Work, owner: Resource, channel: str | None) -> None:
    """The owner can be reached in another way now: whoever sends to its groups has to know."""
    if channel is None:
        owner.attributes.pop("_channel", None)
    else:
        owner.attributes["_channel"] = channel
    work.transaction.resources.update(owner)
    host_changed(work, owner)
    for group in work.transaction.lists.holders(owner.ri):
        work.list_changed(group)
