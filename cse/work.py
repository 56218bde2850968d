"""The unit of work in which operations and the behaviour of resource types run, and the model that it knows."""

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from cse.address import Naming
from cse.config import ServerSettings
from cse.consent import NO_CONSENT, AnswersNeeded, Consent, ConsentNeeded, Need, ResourceLocked, WritingNeeded
from cse.destination import Branch, Destination, Destinations, Place
from cse.errors import BadRequest, NotFound
from cse.primitive import Operation, Request, Response
from cse.randomness import token
from cse.resource import (
    Access,
    Admission,
    CampaignKeeper,
    Collective,
    Neighbour,
    RequestKeeper,
    ResourceType,
    VirtualChild,
)
from cse.store import Resource, Transaction
from cse.timing import parse_timestamp


def effect_lane(kind: str, subject: str | None) -> str:
    """Where the effects of one kind for one target, or one group, are: they are carried out one after another."""
    return f"{kind} {subject}"


MOMENTS = 16  # of a second that identifiers tell apart


class Target(NamedTuple):
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
        return self.types[resource.attributes["ty"]].variant_of(resource.attributes)

    def variants(self) -> Iterator[ResourceType]:
        """All types, specialisations one by one."""
        return (variant for family in self.types.values() for variant in family.variants)

    @cached_property
    def destination(self) -> Callable[[str], Destination | None]:
        """What an address says; None for one that leads to another CSE, BadRequest for text that is no address."""
        return Destinations(self.naming, self.virtual_names, self.fan_out_names, self.polled_names).read

    def fans_out(self, request: Request) -> bool:
        """Whether a request goes to the members of a group of this CSE."""
        destination = self.destination(request.to)
        return destination is not None and destination.fans_out

    def registers(self, request: Request) -> bool:
        """Whether a request creates a resource whose creation is a registration: an AE."""
        kind = self.types.get(request.resource_type or 0)
        return request.operation is Operation.CREATE and kind is not None and kind.registers

    @cached_property
    def powerful(self) -> frozenset[str]:
        """The originators that may do everything: the CSE, and its administrator if there is one."""
        return frozenset({self.naming.cse_id, self.settings.admin_originator} - {""})

    @cached_property
    def roots(self) -> frozenset[str]:
        """The roots of the representations of all resources."""
        return frozenset(kind.root for kind in self.variants())

    @cached_property
    def watchers(self) -> list[int]:
        """The numbers of the types that watch their parents."""
        return [number for number, kind in self.types.items() if kind.watches]

    @cached_property
    def leavers(self) -> list[int]:
        """The numbers of the types that hear of it before they go with what is above them."""
        defined = {number for number, kind in self.types.items() if type(kind).leaving is not ResourceType.leaving}
        return sorted(defined.union(self.watchers))

    @cached_property
    def listeners(self) -> list[int]:
        """The numbers of the types whose resources say where the CSE listens."""
        default = ResourceType.membership
        return [number for number, kind in self.types.items() if type(kind).membership is not default]

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
    def neighbour(self) -> Neighbour | None:
        """The type whose resources stand for other CSEs, if there is one."""
        return next((kind for kind in self.types.values() if isinstance(kind, Neighbour)), None)

    @cached_property
    def collective(self) -> Collective | None:
        """The type whose resources hand requests on to members, if there is one."""
        return next((kind for kind in self.types.values() if isinstance(kind, Collective)), None)

    @cached_property
    def admission(self) -> Admission | None:
        """The type whose resources decide about access to others, if there is one."""
        return next((kind for kind in self.types.values() if isinstance(kind, Admission)), None)

    @cached_property
    def request_keeper(self) -> RequestKeeper:
        """The type whose resources keep non-blocking requests."""
        return next(kind for kind in self.types.values() if isinstance(kind, RequestKeeper))

    @cached_property
    def campaign_keeper(self) -> CampaignKeeper | None:
        """The type whose resources report on fan-outs, if there is one."""
        return next((kind for kind in self.variants() if isinstance(kind, CampaignKeeper)), None)

    @cached_property
    def virtual_names(self) -> frozenset[str]:
        """Names that stand for virtual children and that no resource can have."""
        return frozenset(name for kind in self.variants() for name in kind.virtual_children)


@dataclass(slots=True)
class Work:
    """One unit of work: the transaction, the moment, and the model. Identifiers are made here.

    `request` is what it carries out, None for what the CSE does by itself, and `consent` what has been done for that.
    `locked` are the resources that wait for somebody's consent, `deadline` is the earliest moment that the unit has
    named, `effects` are the kinds of what it has left behind, `awaited` are the effects that the answer to the request
    waits for.
    """

    transaction: Transaction
    model: Model
    now: float
    reads_only: bool = False
    locked: Container[str] = frozenset()
    request: Request | None = None
    consent: Consent = NO_CONSENT
    effects: set[str] = field(default_factory=set)
    awaited: list[int] = field(default_factory=list)
    deadline: float = math.inf

    @property
    def originator(self) -> str:
        """Who has the unit done, in the shortest form; empty for the CSE itself."""
        return "" if self.request is None else self.model.naming.originator(self.request.originator)

    def new_identifier(self, prefix: str) -> str:
        """A resource identifier that nobody has yet.

        It begins with the moment, so that what is new is side by side in the indexes of a large store.
        """
        return f"{prefix}{int(self.now * MOMENTS):09x}{token()}"

    def resolve(self, address: str) -> Target | None:
        """What an address of any form stands for; None if there is nothing here."""
        destination = self.model.destination(address)
        if destination is None:
            return None
        for branch in destination.branches:
            target = self._virtual(branch)
            if target is not None:
                return target
        resource = self._find(destination.place)
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

    def look(self, address: str) -> Resource | None:
        """The same for somebody who changes nothing in it (see `Resources.look`)."""
        try:
            destination = self.model.destination(address)
        except BadRequest:
            return None
        if destination is None or destination.branches:
            return self.resource(address)
        resources, (start, path) = self.transaction.resources, destination.place
        if not start:
            return resources.look_at(path)
        first = resources.look(start)
        return first if first is None or not path else resources.look_at(f"{first.path}/{path}")

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

    def hasten(self, name: str) -> None:
        """All alarms of this name, of whatever resource, are due now."""
        self.transaction.alarms.hasten(name, self.now)
        self.deadline = min(self.deadline, self.now)

    def ends(self, resource: Resource) -> None:
        """Its expirationTime is new: whoever waits for the next one to pass has to know."""
        if "et" in resource.attributes:
            self.deadline = min(self.deadline, parse_timestamp(resource.attributes["et"]))

    def later(self, kind: str, document: dict[str, Any], *, awaited: bool = False) -> None:
        """Remember an effect in this transaction; it is carried out after the commit (see `effect_lane`)."""
        lane = effect_lane(kind, document.get("target", document.get("group")))
        effect = self.transaction.effects.add(kind, document, lane=lane)
        self.effects.add(kind)
        if awaited:
            self.awaited.append(effect)

    def ask(self, needs: Sequence[Need], *, identifier: str = "", locks: str = "") -> None:
        """Go on only if these have been met (see `cse.consent`)."""
        missing = [need for need in needs if need.key not in self.consent.given]
        if missing:
            raise ConsentNeeded(missing, identifier, locks)

    def elsewhere(self, addresses: Iterable[str], originator: str) -> Mapping[str, Response]:
        """What the other CSEs that have these resources answer to a RETRIEVE in the name of `originator`.

        It is 5103 where no answer has come.
        """
        missing = [address for address in dict.fromkeys(addresses) if address not in self.consent.answers]
        if missing:
            raise AnswersNeeded(missing, originator)
        return self.consent.answers

    def require_unlocked(self, resource: Resource) -> None:
        """Wait until nobody else is being asked about the resource."""
        if resource.ri in self.locked and resource.ri != self.consent.locks:
            raise ResourceLocked(resource.ri)

    def require_writing(self) -> None:
        """Go on only in a unit that may write."""
        if self.reads_only:
            raise WritingNeeded

    def _virtual(self, branch: Branch) -> Target | None:
        parent = self._find(branch.above)
        child = self.type_of(parent).virtual_children.get(branch.name) if parent else None
        if parent is None or child is None or (branch.tail and not child.fans_out):
            return None
        return Target(parent, child, branch.tail)

    def _find(self, place: Place) -> Resource | None:
        resources, (start, path) = self.transaction.resources, place
        if not start:
            return resources.find(path)
        if not path:
            return resources.get(start)
        first = resources.look(start)
        return None if first is None else resources.find(f"{first.path}/{path}")
