"""What a store keeps: resources, fan-outs and their members, effects, alarms, and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson


@dataclass(slots=True)
class Resource:
    """A node of the tree. `attributes` are the standard's, by short name, universal ones included (ty, ri, pi, rn, et).

    `path` is the structured address (`cse-in/city/meter7`); it never changes. `creator` is the originator of the
    CREATE, kept even where the type has no `cr` attribute, because the default access rule needs it. Attributes whose
    names begin with an underscore are the CSE's own; `_key` is a text that no sibling has, fixed at the creation.

    A unit that writes may change the attributes of one that it has got, and must not change a value in place: lists
    and objects are replaced. `memo` has what has been worked out from one that is shared (see `Resources.look`): it
    holds as long as the object does, since a change makes another one. Nothing but what follows from the resource alone
    may be there.
    """

    path: str
    creator: str
    attributes: dict[str, Any]
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ri(self) -> str:
        return str(self.attributes["ri"])

    @property
    def pi(self) -> str:
        return str(self.attributes["pi"])

    @property
    def ty(self) -> int:
        return int(self.attributes["ty"])


@dataclass(slots=True)
class Search:
    """What to look for below a path, by what engines index. Everything else is filtered by the caller."""

    root: str
    types: Sequence[int] = ()
    labels: Sequence[str] = ()
    levels: int | None = None

    def fits(self, resource: Resource) -> bool:
        """Whether this is a resource to be found."""
        attributes, path = resource.attributes, resource.path
        return (
            (not self.labels or not set(self.labels).isdisjoint(attributes.get("lbl") or ()))
            and (not self.types or attributes["ty"] in self.types)
            and path.startswith(f"{self.root}/")
            and (self.levels is None or path.count("/") - self.root.count("/") <= self.levels)
        )


class Row(NamedTuple):
    """One member of a campaign. `state` and `reason` are `cse.campaign`'s; `content` is the answer's, as JSON bytes.

    `member` is the identifier as it stands in `mid`, `target` the key of what it stands for, `host` the AE-ID that
    answers for it ("" for local operations); times are seconds since 1970.
    """

    position: int
    member: str
    target: str
    host: str
    state: str
    reason: str = ""
    status_code: int = 0
    content: bytes = b""
    network: str = ""
    attempts: int = 0
    answered_at: float = 0.0


@dataclass(slots=True)
class Campaign:
    """One fan-out. `id` is the request identifier on the wire; `request` the original primitive as JSON bytes.

    `sequence` rises with every campaign of this CSE. `document` holds plan, transmissions and counters.
    """

    id: str
    sequence: int
    group: str
    request: bytes
    request_resource: str
    created: float
    deadline: float
    state: str
    finished_at: float | None = None
    document: dict[str, Any] = field(default_factory=dict)


def changeable(campaign: Campaign) -> tuple[Any, ...]:
    """The fields of a campaign that may change, as tables have them: the document is JSON."""
    return (
        campaign.group,
        campaign.request,
        campaign.request_resource,
        campaign.created,
        campaign.deadline,
        campaign.state,
        campaign.finished_at,
        orjson.dumps(campaign.document),
    )


class Effect(NamedTuple):
    """Something to do after the commit; kind and document are `cse.events`' business.

    Those in one `lane` are carried out one after another, in the order of their identifiers.
    """

    id: int
    kind: str
    document: dict[str, Any]
    lane: str = ""


class Alarm(NamedTuple):
    """The resource `ri` is to be woken at `due` (seconds since 1970); `name` tells it what for."""

    ri: str
    name: str
    due: float


class Queued(NamedTuple):
    """Something that waits."""

    id: int
    document: Any
