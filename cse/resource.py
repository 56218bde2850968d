"""What a resource type is. Its behaviour runs in a unit of work (`cse.work`).

A type is one class in one file of `resources/`: it states its number, names, parents and attributes, and overrides only
what is special to it. The engine does everything else from these statements.
"""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cse.attributes import Table
from cse.errors import NotFound
from cse.network import Host, Membership
from cse.notification import Event, EventType, Outgoing
from cse.primitive import Operation, Request, Response
from cse.store import Campaign, Resource
from cse.timing import whole_seconds

if TYPE_CHECKING:
    from cse.work import Work


class Access(Enum):
    """Which privileges decide about a resource (TS-0001 clause 9.6.1.3)."""

    POLICIES = "its acpi; without one, its creator"
    BASE = "its acpi; registered AEs may retrieve it, those of known CSEs search below it"
    PARENT = "its parent's"
    SELF_PRIVILEGES = "its own pvs"
    ORIGINATOR = "its originator may retrieve and delete it"
    OWNER = "its creator alone"


class VirtualChild:
    """A child without representation. `name` is its resource name; the operations it does not list are refused."""

    name: str
    operations: frozenset[Operation] = frozenset()
    fans_out = False
    polls = False

    def resolve(self, work: "Work", parent: Resource) -> Resource:
        """The resource that it stands for right now; NotFound if there is none."""
        raise NotFound(f"{self.name} of {parent.path} stands for no resource")


class ResourceType:
    """One resource type. Class attributes state it; methods are called inside the unit of work of an operation."""

    number: int
    name: str
    short_name: str
    parents: frozenset[int] = frozenset()
    attributes: Table
    access = Access.POLICIES
    creatable = True
    registers = False  # creation is a registration: governed by policy, not by privileges (TS-0001 clause 10.2.2.2)
    updatable = True
    takes_notifications = False  # whether a resource of it can be notified as such, and not an entity behind it
    manages = False  # whether an UPDATE through a group is carried out by its device before it is done here
    touchable = False  # whether an UPDATE may name no attribute at all
    watches = False
    subscribable = True  # whether resources that watch may be its children
    reports: frozenset[EventType] = frozenset()  # what happens to it beyond updates, deletion and changes of children
    virtual_children: Mapping[str, VirtualChild] = {}

    @cached_property
    def root(self) -> str:
        """The member name of its representation, `m2m:cnt` for example."""
        return f"m2m:{self.short_name}"

    @property
    def variants(self) -> Sequence["ResourceType"]:
        """What there is under this number: the type itself, or the specialisations that a family of types consists of.

        Each has a table of attributes and a root of its own. Only the family itself is registered.
        """
        return (self,)

    def variant_for(self, content: Any) -> "ResourceType":
        """The one that the content of a CREATE asks for; BadRequest if there is none."""
        return self

    def variant_of(self, attributes: Mapping[str, Any]) -> "ResourceType":
        """The one that a resource with these attributes is of."""
        return self

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The values that attributes have when a CREATE does not name them."""
        return {row.short_name: row.default for row in self.attributes.values() if row.default is not None}

    def provide(self, work: "Work", base: Resource) -> None:
        """The CSEBase has just been made, at the first start: add what there is of this type from the beginning."""

    def registering(self, work: "Work", request: Request) -> None:
        """Somebody wants to register by creating a resource of this type: refuse those who may not."""

    def fixed_name(self, parent: Resource) -> str | None:
        """The only resource name that it can have below this parent, if there is only one."""
        return None

    def identify(self, work: "Work", request: Request, content: dict[str, Any]) -> str:
        """The resource identifier of a new resource."""
        return work.new_identifier(self.short_name)

    def creating(self, work: "Work", request: Request, resource: Resource, parent: Resource) -> None:
        """The attributes have been checked one by one: check them together and add what the CSE sets."""

    def created(self, work: "Work", resource: Resource, parent: Resource) -> None:
        """It is in the tree."""

    def updating(self, work: "Work", resource: Resource, changes: dict[str, Any]) -> None:
        """`resource` still has its old attributes; the changes have been checked one by one (None deletes)."""

    def updated(self, work: "Work", resource: Resource, changes: dict[str, Any]) -> None:
        """It is in the tree with its new attributes."""

    def deleting(self, work: "Work", resource: Resource) -> None:
        """It is still in the tree; raise to refuse."""

    def deleted(self, work: "Work", resource: Resource) -> None:
        """It is gone, and so are its children."""

    def alarm(self, work: "Work", resource: Resource, name: str) -> None:
        """An alarm that it has set with `Work.alarm` is due."""

    def list_changed(self, work: "Work", resource: Resource) -> None:
        """Something that is in its long list has gone from the tree, and so from the list, or has changed."""

    def child_creating(self, work: "Work", resource: Resource, child: Resource) -> None:
        """A child is about to be added to `resource`, which is of this type: refuse, or adjust what depends on it."""

    def child_deleted(self, work: "Work", resource: Resource, child: Resource) -> None:
        """A child of `resource`, which is of this type, is gone."""

    def reading(self, work: "Work", resource: Resource, child: Resource | None = None) -> None:
        """It (or a child of it) is about to be retrieved or deleted by an originator; raise to refuse."""

    def retrieved(self, work: "Work", resource: Resource) -> None:
        """An originator has retrieved it, alone or with its children; call `Work.require_writing` before a change."""

    def withholds(self, resource: Resource, child: Resource) -> bool:
        """Whether searches leave out this child of `resource`, which is of this type."""
        return False

    def compose(self, work: "Work", resource: Resource) -> dict[str, Any]:
        """The attributes as an originator sees them; override to add those that live as rows.

        Creation and modification are stored to the microsecond, for filterCriteria, and shown to the second.
        """
        shown = {name: value for name, value in resource.attributes.items() if name[0] != "_"}
        for name in ("ct", "lt"):
            if name in shown:
                shown[name] = whole_seconds(shown[name])
        return shown

    @cached_property
    def identifies_at_random(self) -> bool:
        """Whether nobody can know the identifier of a new resource before, and have used it as a name."""
        return type(self).identify is ResourceType.identify

    @cached_property
    def shows_itself_only(self) -> bool:
        """Whether what an originator sees follows from the resource alone."""
        return type(self).compose is ResourceType.compose

    def summary(self, work: "Work", resource: Resource) -> dict[str, Any]:
        """The attributes as notifications carry them; override where composing all of them is costly."""
        return self.compose(work, resource)

    def host(self, resource: Resource) -> Host | None:
        """What stands behind a resource of this type and can be sent requests; None for nothing."""
        return None

    def device(self, work: "Work", resource: Resource) -> Host | None:
        """What can be sent requests on the device that a resource of this type describes; None for nothing."""
        return None

    def membership(self, resource: Resource) -> Membership | None:
        """Where the CSE listens because of a resource of this type, as long as it exists; None for nowhere."""
        return None

    def admits(self, work: "Work") -> bool:
        """Whether the originator of the request may create such resources by policy, whatever privileges he has."""
        return self.registers

    def may_be_below(self, parent: "ResourceType") -> bool:
        """Whether resources of that type may have children of this one."""
        return parent.number in self.parents

    def heeds(self, work: "Work", resource: Resource, event: Event) -> bool:
        """Whether the event concerns a resource of this type that watches: a child of `event.watched`."""
        return False

    def react(self, work: "Work", resource: Resource, event: Event) -> None:
        """Do what follows from an event that it heeds: `cse.events.send_later` a notification, for instance."""

    def fanned_out(self, work: "Work", resource: Resource, request: Request, hosts: Collection[str]) -> Request:
        """A request is about to go to the members of a resource of this type, on these CSEs: what they get instead.

        Call `Work.require_writing` before a change.
        """
        return request

    def notified(self, work: "Work", resource: Resource, request: Request) -> None:
        """A NOTIFY has come in for a resource of this type, which takes notifications; raise to refuse."""

    def inquire(self, work: "Work", resource: Resource) -> None:
        """Follows from `cse.events.inquire_later`; unlike other behaviour outside a request, it may ask others."""

    def leaving(self, work: "Work", resource: Resource) -> None:
        """It is about to go, alone or with what is above it."""

    def delivered(self, work: "Work", resource: Resource, outgoing: Outgoing, *, arrived: bool) -> bool:
        """What became of a notification with this resource as `source`; whether one that failed is kept."""
        return False

    def audit(self, work: "Work", resource: Resource) -> Iterator[str]:
        """What is wrong with it, one sentence each with the remedy: counters that differ from what there is, above all.

        `cse store check` calls it for every resource, in a unit that only reads.
        """
        return iter(())


class Neighbour(ResourceType):
    """The resource type that stands for another CSE, by way of which others can be reached (TS-0001 clause 9.6.4).

    The creator of such a resource is the CSE-ID. Its `host` says how the CSE is reached.
    """

    def leads_to(self, resource: Resource, cse_id: str) -> bool:
        """Whether requests for another CSE than this one are its business."""
        raise NotImplementedError

    def is_registrar(self, resource: Resource) -> bool:
        """Whether this CSE is registered there, so that it takes what nobody else does."""
        raise NotImplementedError

    def introduction(self, work: "Work", multicast: int, external_group: str) -> dict[str, Any]:
        """The attributes of the resource of this type that stands for this CSE elsewhere, the expirationTime apart.

        `multicast` is its multicastCapability, 0 for none, `external_group` its externalGroupID, "" for none.
        """
        raise NotImplementedError

    def meet(self, work: "Work", base: Mapping[str, Any]) -> None:
        """This CSE is registered with the CSE whose CSEBase has these attributes: keep a resource of this type for it.

        BadRequest if they are not those of a CSEBase.
        """
        raise NotImplementedError

    def part(self, work: "Work", resource: Resource) -> None:
        """This CSE is no longer registered with the one that this resource stands for."""
        raise NotImplementedError


class Collective(ResourceType):
    """The resource type whose resources hand requests on to members."""

    def of_members(self, members: Sequence[str], policy: str = "") -> dict[str, Any]:
        """The attributes that make a resource hand on to these; with a policy, what that admits."""
        raise NotImplementedError


class Admission(ResourceType):
    """The resource type that decides about access to others."""

    def of_everybody(self, owner: str) -> dict[str, Any]:
        """The attributes of one that lets everybody do everything, and only its owner change that."""
        raise NotImplementedError


class RequestKeeper(ResourceType):
    """The resource type that keeps a non-blocking request and its growing result (TS-0001 clause 9.6.12)."""

    def open(self, work: "Work", request: Request, expires: float, process: str) -> Resource:
        """Make the resource for a request that has just been accepted by this process."""
        raise NotImplementedError

    def attach(self, work: "Work", resource: Resource, campaign_id: str, report: Resource | None) -> None:
        """Its result comes from the members of this campaign from now on, on which there may be a report."""
        raise NotImplementedError

    def progress(self, work: "Work", resource: Resource) -> None:
        """More members have answered."""
        raise NotImplementedError

    def close(self, work: "Work", resource: Resource, response: Response) -> None:
        """The result is complete; the response is what a blocking request would have got."""
        raise NotImplementedError

    def waiting(self, resource: Resource) -> Request | None:
        """The request, if it has neither a result nor a campaign yet."""
        raise NotImplementedError

    def take_over(self, work: "Work", process: str, alive: Container[str]) -> list[tuple[Resource, Request]]:
        """All requests that wait and whose processes are not alive; they are this process's from now on."""
        raise NotImplementedError


class CampaignKeeper(ResourceType):
    """The resource type by which clients see how a fan-out goes, and stop it."""

    def open(self, work: "Work", campaign: Campaign, request: Resource) -> Resource:
        """Make the report on a campaign that begins, for this <request>."""
        raise NotImplementedError

    def report(self, work: "Work", resource: Resource, values: Mapping[str, Any]) -> None:
        """What it says from now on, by attribute (`cse.fanout.tally`); whoever watches hears of what is different."""
        raise NotImplementedError
