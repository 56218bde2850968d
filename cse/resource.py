"""What a resource type is, and the unit of work in which its behaviour runs.

A type is one class in one file of `resources/`: it states its number, names, parents and attributes, and overrides only
what is special to it. The engine does everything else from these statements.
"""

import math
import secrets
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from cse.address import Naming
from cse.attributes import Table
from cse.config import ServerSettings
from cse.consent import NO_CONSENT, Consent, ConsentNeeded, Question, ResourceLocked, WritingNeeded
from cse.errors import BadRequest, NotFound
from cse.network import Host
from cse.notification import Event, EventType, Outgoing
from cse.primitive import Operation, Request, Response
from cse.store import Resource, Transaction
from cse.timing import parse_timestamp, whole_seconds


class Access(Enum):
    """Which privileges decide about a resource (TS-0001 clause 9.6.1.3)."""

    POLICIES = "its acpi; without one, its creator"
    BASE = "its acpi; registered AEs may retrieve it"
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
    touchable = False  # whether an UPDATE may name no attribute at all
    watches = False
    subscribable = True  # whether resources that watch may be its children
    reports: frozenset[EventType] = frozenset()  # what happens to it beyond updates, deletion and changes of children
    virtual_children: Mapping[str, VirtualChild] = {}

    @property
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

    def withholds(self, resource: Resource, child: Resource) -> bool:
        """Whether searches leave out this child of `resource`, which is of this type."""
        return False

    def compose(self, work: "Work", resource: Resource) -> dict[str, Any]:
        """The attributes as an originator sees them; override to add those that live as rows.

        Creation and modification are stored to the microsecond, for filterCriteria, and shown to the second.
        """
        shown = {name: value for name, value in resource.attributes.items() if not name.startswith("_")}
        shown.update((name, whole_seconds(shown[name])) for name in ("ct", "lt") if name in shown)
        return shown

    def summary(self, work: "Work", resource: Resource) -> dict[str, Any]:
        """The attributes as notifications carry them; override where composing all of them is costly."""
        return self.compose(work, resource)

    def host(self, resource: Resource) -> Host | None:
        """What stands behind a resource of this type and can be sent requests; None for nothing."""
        return None

    def may_be_below(self, parent: "ResourceType") -> bool:
        """Whether resources of that type may have children of this one."""
        return parent.number in self.parents

    def heeds(self, work: "Work", resource: Resource, event: Event) -> bool:
        """Whether the event concerns a resource of this type that watches: a child of `event.watched`."""
        return False

    def react(self, work: "Work", resource: Resource, event: Event) -> None:
        """Do what follows from an event that it heeds: `cse.events.send_later` a notification, for instance."""

    def leaving(self, work: "Work", resource: Resource) -> None:
        """A resource of this type that watches is about to go, alone or with what is above it."""

    def delivered(self, work: "Work", resource: Resource, outgoing: Outgoing, *, arrived: bool) -> bool:
        """What became of a notification with this resource as `source`; whether one that failed is kept."""
        return False


class RequestKeeper(ResourceType):
    """The resource type that keeps a non-blocking request and its growing result (TS-0001 clause 9.6.12)."""

    def open(self, work: "Work", request: Request, expires: float) -> Resource:
        """Make the resource for a request that has just been accepted."""
        raise NotImplementedError

    def attach(self, work: "Work", resource: Resource, campaign_id: str) -> None:
        """Its result comes from the members of this campaign from now on."""
        raise NotImplementedError

    def progress(self, work: "Work", resource: Resource) -> None:
        """More members have answered."""
        raise NotImplementedError

    def close(self, work: "Work", resource: Resource, response: Response) -> None:
        """The result is complete; the response is what a blocking request would have got."""
        raise NotImplementedError

    def pending(self, work: "Work") -> list[tuple[Resource, Request]]:
        """Requests that were accepted and have neither a result nor a campaign."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: a resource, perhaps a virtual child of it, perhaps segments behind a fanOutPoint."""

    resource: Resource
    virtual: VirtualChild | None = None
    tail: str = ""


@dataclass(frozen=True)
class Model:
    """What does not change while the server runs: names, settings and resource types."""

    naming: Naming
    settings: ServerSettings
    types: Mapping[int, ResourceType]

    def type_of(self, resource: Resource) -> ResourceType:
        return self.types[resource.ty].variant_of(resource.attributes)

    def variants(self) -> Iterator[ResourceType]:
        """All types, specialisations one by one."""
        return (variant for family in self.types.values() for variant in family.variants)

    def registers(self, request: Request) -> bool:
        """Whether a request creates a resource whose creation is a registration: an AE."""
        kind = self.types.get(request.resource_type or 0)
        return request.operation is Operation.CREATE and kind is not None and kind.registers

    @cached_property
    def roots(self) -> frozenset[str]:
        """The roots of the representations of all resources."""
        return frozenset(kind.root for kind in self.variants())

    @cached_property
    def watchers(self) -> list[int]:
        """The numbers of the types that watch their parents."""
        return [number for number, kind in self.types.items() if kind.watches]

    @cached_property
    def policies(self) -> list[int]:
        """The numbers of the types that decide about access to others."""
        return [number for number, kind in self.types.items() if kind.access is Access.SELF_PRIVILEGES]

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """Every attribute that some type has."""
        return frozenset(name for kind in self.variants() for name in kind.attributes)

    @cached_property
    def fan_out_names(self) -> frozenset[str]:
        """Names of virtual children that fan out."""
        children = (child for kind in self.variants() for child in kind.virtual_children.values())
        return frozenset(child.name for child in children if child.fans_out)

    @cached_property
    def polled_names(self) -> frozenset[str]:
        """Names of virtual children at which an entity fetches the requests to it."""
        children = (child for kind in self.variants() for child in kind.virtual_children.values())
        return frozenset(child.name for child in children if child.polls)

    @cached_property
    def request_keeper(self) -> "RequestKeeper":
        """The type whose resources keep non-blocking requests."""
        return next(kind for kind in self.types.values() if isinstance(kind, RequestKeeper))

    @cached_property
    def virtual_names(self) -> frozenset[str]:
        """Names that stand for virtual children and that no resource can have."""
        return frozenset(name for kind in self.variants() for name in kind.virtual_children)


@dataclass(slots=True)
class Work:
    """One unit of work: the transaction, the moment, and the model. Identifiers are made here.

    `request` is what it carries out, None for what the CSE does by itself, and `consent` what has been done for that.
    `locked` are the resources that wait for somebody's consent, `deadline` is the earliest moment that the unit has
    named, `awaited` are the effects that the answer to the request waits for.
    """

    transaction: Transaction
    model: Model
    now: float
    reads_only: bool = False
    locked: Container[str] = frozenset()
    request: Request | None = None
    consent: Consent = NO_CONSENT
    has_effects: bool = False
    awaited: list[int] = field(default_factory=list)
    deadline: float = math.inf

    @property
    def originator(self) -> str:
        """Who has the unit done, in the shortest form; empty for the CSE itself."""
        return "" if self.request is None else self.model.naming.originator(self.request.originator)

    def new_identifier(self, prefix: str) -> str:
        """A resource identifier that nobody has yet."""
        return prefix + secrets.token_hex(8)

    def resolve(self, address: str) -> Target | None:
        """What an address of any form stands for; None if there is nothing here."""
        segments = self.model.naming.local(address)
        if segments is None:
            return None
        for index in range(1, len(segments)):
            target = self._virtual(segments, index)
            if target is not None:
                return target
        resource = self._find(segments)
        return None if resource is None else Target(resource)

    def target(self, address: str) -> Target:
        """What an address stands for; NotFound if there is nothing."""
        target = self.resolve(address)
        if target is None:
            raise NotFound(f"there is no resource {address[:200]!r} on this CSE")
        return target

    def resource(self, address: str) -> Resource | None:
        """The resource at an address, virtual children apart; None, too, for text that is no address."""
        try:
            target = self.resolve(address)
        except BadRequest:
            return None
        return None if target is None or target.virtual else target.resource

    def registrant(self, originator: str) -> Resource | None:
        """The AE or remoteCSE with which an originator is registered; None for a stranger."""
        originator = self.model.naming.originator(originator)
        resource = self.transaction.resources.get(originator.removeprefix("/"))
        if resource is None or resource.creator != originator or not self.type_of(resource).registers:
            return None
        return resource

    def type_of(self, resource: Resource) -> ResourceType:
        return self.model.type_of(resource)

    def list_changed(self, identifier: str) -> None:
        """Tell the resource with this identifier about it, if it is there."""
        holder = self.transaction.resources.get(identifier)
        if holder is not None:
            self.type_of(holder).list_changed(self, holder)

    def alarm(self, resource: Resource, name: str, due: float) -> None:
        """Have `ResourceType.alarm` called for this resource at this moment (seconds since 1970)."""
        self.transaction.alarms.set(resource.ri, name, due)
        self.deadline = min(self.deadline, due)

    def ends(self, resource: Resource) -> None:
        """Its expirationTime is new: whoever waits for the next one to pass has to know."""
        if "et" in resource.attributes:
            self.deadline = min(self.deadline, parse_timestamp(resource.attributes["et"]))

    def later(self, kind: str, document: dict[str, Any], *, awaited: bool = False) -> None:
        """Remember an effect in this transaction; it is carried out after the commit."""
        effect = self.transaction.effects.add(kind, document)
        self.has_effects = True
        if awaited:
            self.awaited.append(effect)

    def ask(self, questions: Sequence[Question], *, identifier: str = "", locks: str = "") -> None:
        """Go on only if these have been answered with success (see `cse.consent`)."""
        missing = [question for question in questions if question.key not in self.consent.given]
        if missing:
            raise ConsentNeeded(missing, identifier, locks)

    def require_unlocked(self, resource: Resource) -> None:
        """Wait until nobody else is being asked about the resource."""
        if resource.ri in self.locked and resource.ri != self.consent.locks:
            raise ResourceLocked(resource.ri)

    def require_writing(self) -> None:
        """Go on only in a unit that may write."""
        if self.reads_only:
            raise WritingNeeded

    def _virtual(self, segments: list[str], index: int) -> Target | None:
        name = segments[index]
        if name not in self.model.virtual_names:
            return None
        parent = self._find(segments[:index])
        child = self.type_of(parent).virtual_children.get(name) if parent else None
        if parent is None or child is None or (index + 1 < len(segments) and not child.fans_out):
            return None
        return Target(parent, child, "/".join(segments[index + 1 :]))

    def _find(self, segments: list[str]) -> Resource | None:
        resources = self.transaction.resources
        if segments[0] == self.model.naming.cse_name:
            return resources.find("/".join(segments))
        first = resources.get(segments[0])
        if first is None or len(segments) == 1:
            return first
        return resources.find("/".join([first.path, *segments[1:]]))
