"""What an underlying network implements. To write one, copy `plugins/loopback.py` and change three methods.

The engine turns the members of a group into hosts, asks every network what it offers for them, chooses, and calls
`deliver` on the chosen ones. Sending is not receiving: a member is done when its own answer has come in at
`Engine.answer`, whenever and by whichever network that happens.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from tinydb import TinyDB

from cse.config import ConfigurationError, setting
from cse.errors import JoinMulticastGroupFailed
from cse.primitive import Request, Response
from cse.protection import Protection
from cse.timing import Clock


class Reason(StrEnum):
    """Why a network cannot carry a request to a host."""

    NO_POA = "NO_POA"
    NOT_JOINED = "NOT_JOINED"
    CLASS_A = "CLASS_A"
    REGION = "REGION"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    DUTY_CYCLE = "DUTY_CYCLE"
    TOO_SLOW = "TOO_SLOW"
    OFFLINE = "OFFLINE"
    OPERATION = "OPERATION"
    SECURITY = "SECURITY"
    NOT_ALLOWED = "NOT_ALLOWED"


class Discard(StrEnum):
    """Why an answer that came in changes nothing. Each is counted in the campaign's report."""

    STRAY = "stray"
    DUPLICATE = "duplicate"
    LATE = "late"
    WRONG_ADDRESS = "wrong_address"
    MALFORMED = "malformed"
    FORGED = "forged"
    RECEIVE_BUFFER = "receive_buffer"


@dataclass(frozen=True, slots=True)
class Host:
    """The entity that carries members: an AE with its points of access, or a resource of another CSE.

    Of an AE, `id` is the AE-ID (`Cmeter7`), which is what the device states as From; `points_of_access` are the URLs of
    its `poa`. `reachable` is its requestReachability, `releases` the release versions and `serializations` the media
    types that it supports, none if it has not said; `schedule` has the entries in which it is awake (`cse.windows`),
    none for always. The engine sends nothing to one that sleeps, but to where it fetches requests.

    Of a resource elsewhere, `cse` is the CSE-ID of the CSE that hosts it (`/id-mn`), "" for an AE of ours; `id` is
    where the request goes, SP-relative (`/id-mn/cse-mn/meter7/readings/la`), and `member` the resource in `mid` that
    this comes from (`/id-mn/cse-mn/meter7`). Everything else is what the `<remoteCSE>` on the way there says, with
    `multicast` (multicastCapability: 1 MBMS, 2 IP, 0 none) and `external_group` (externalGroupID) of that CSE. An
    answer for it may come alone, or from the CSE as one aggregate (m2m:agr) with an item for each of its members.
    """

    id: str
    points_of_access: tuple[str, ...]
    reachable: bool = True
    releases: tuple[str, ...] = ()
    serializations: tuple[str, ...] = ()
    cse: str = ""
    member: str = ""
    multicast: int = 0
    external_group: str = ""
    schedule: tuple[str, ...] = ()

    def address(self, request: Request) -> str:
        """The `to` that a request to several hosts has for this one."""
        return self.id if self.cse else request.to


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to reach hosts: shared by all hosts that can be reached that way.

    Costs are integers in micro-units of the operator's choice, so that ties are real. `latency_ms` and
    `latency_per_member_us` include the window in which the answers of that many members arrive. `payload` is what this
    request takes on this medium (encoded, signed), `max_payload` what fits, both in bytes. A broadcast that takes
    `airtime_ms` per transmission is infeasible when the airtimes on one `budget_key` exceed `budget_ms`.
    """

    id: str
    network: str
    broadcast: bool
    fixed: int
    per_member: int
    loss_ppm: int
    latency_ms: int
    max_payload: int
    payload: int = 0
    latency_per_member_us: int = 0
    airtime_ms: int = 0
    budget_ms: int | None = None
    budget_key: str = ""
    preference: int = 0

    def latency(self, members: int) -> int:
        """Milliseconds until the last of so many members has answered."""
        return self.latency_ms + self.latency_per_member_us * members // 1000


class Way(NamedTuple):
    """An offer to one host. Hosts with the same offer and the same address share one transmission."""

    offer: Offer
    address: str


class Unreachable(NamedTuple):
    """No offer to one host, and why; `offer` names the offer or network that is excluded."""

    offer: str
    reason: Reason
    detail: str = ""


# What one network can do for one host.
Reach = Sequence[Way | Unreachable]


@dataclass(frozen=True, slots=True)
class Membership:
    """That this CSE listens to a multicast address for another CSE that hosts a group (TS-0001 clause 10.2.7.13).

    `identifier` tells memberships apart, `address` is the multicast address, perhaps with a port behind a colon. A
    request that `group_host` (a CSE-ID) sends there to `target` (`/id-in/segment`) is meant for each of `members`,
    addresses on this CSE. The answer goes to `response_target`, at a random moment within `window` seconds (None: as
    the network thinks fit).
    """

    identifier: str
    group_host: str
    address: str
    target: str
    members: tuple[str, ...]
    response_target: str
    window: float | None = None


class DeliveryFailed(Exception):
    """The network knows that nothing was received: `refused` by the device's side, or not sent at all."""

    def __init__(self, sentence: str, *, refused: bool = False) -> None:
        super().__init__(sentence)
        self.refused = refused


@dataclass(slots=True)
class Delivery:
    """One transmission to one address, carrying one request to the hosts behind that address.

    `request` is what each device receives: its `request_identifier` is the same on every path, attempt and restart,
    its `originating_timestamp` orders requests (a device ignores an older one than the newest it has carried out).
    `attempt` counts from 1; a broadcast repeated with the same request must go out as the same datagram, so that
    members which heard it stay silent. `window` is the time in seconds over which the answers should be spread.
    A transmission is whatever is put on the medium for this request: call `transmitted` for each, repeats included.
    """

    request: Request
    offer: Offer
    address: str
    hosts: Sequence[Host]
    group: str
    attempt: int
    window: float
    deadline: float
    transmitted: Callable[[int, float], None] = field(repr=False, default=lambda transmissions, airtime_ms: None)


class SetUp(NamedTuple):
    """Traffic that prepares broadcasts to a group, and is part of no request; airtime in milliseconds."""

    transmissions: int
    airtime_ms: float = 0.0


NO_SET_UP = SetUp(0)


class Engine(Protocol):
    """What the server gives to a network when it starts.

    `protection` has the keys of the server: what others on the medium could forge is to be signed, if it `signs`.
    """

    clock: Clock
    cse_id: str
    protection: Protection

    def answer(self, request_identifier: str, originator: str, response: Response, network: str) -> None:
        """Hand over the answer of a device; whether it counts, and for whom, is the engine's business.

        `originator` is the From that the device stated. A network that knows the sender's address checks it first and
        calls `discard` when it is not that device's.
        """

    def discard(self, request_identifier: str, reason: Discard, count: int = 1) -> None:
        """Count an answer that the network itself has dropped."""

    async def request(self, request: Request) -> Response:
        """Carry out a request on the tree, as an interworking proxy does for readings of its devices."""

    def documents(self, name: str) -> TinyDB:
        """A small document store that survives restarts, for sessions, counters and ledgers of one network."""

    def allows(self, address: str) -> bool:
        """Whether the operator lets requests leave for this IP address."""


@dataclass(frozen=True)
class Policy:
    """How the requests of all fan-outs go out by one network; it is the engine that keeps to it.

    The settings section of a network inherits from this class, and the network has its section as `policy`.
    """

    attempts: int = setting(0, "times that a fan-out sends its request to a member by unicast; 0: until the deadline")
    backoff: float = setting(
        2.0, "seconds before the second unicast attempt; doubles with every further one", minimum=0.001
    )
    backoff_limit: float = setting(60.0, "longest pause in seconds between unicast attempts", minimum=0.001)
    retry_codes: tuple[str, ...] = setting(
        (), "response status codes after which a member is asked again; the last of them counts if no other comes"
    )
    rate: float = setting(0.0, "most transmissions per second, those of all fan-outs together; 0: no limit")
    parallel: int = setting(
        64, "unicast deliveries under way at the same time, those of all fan-outs together", minimum=1
    )

    def __post_init__(self) -> None:
        for code in self.retry_codes:
            if not (len(code) == 4 and code.isascii() and code.isdigit()):
                raise ConfigurationError(f"retry_codes must be response status codes such as 5103, not {code[:40]!r}")

    def retries(self, status_code: int) -> bool:
        """Whether a member that answers with this code is asked again."""
        return str(status_code) in self.retry_codes

    def pause(self, attempts: int) -> float:
        """Seconds until the next attempt when so many have been made."""
        return min(self.backoff_limit, self.backoff * 2.0 ** min(attempts - 1, 30))


class Network(ABC):
    """One underlying network. The engine calls everything from one event loop, which nothing may hold up for long:

    a group may have 100,000 hosts, so go through them with `async for host in in_slices(hosts)` (`cse.slices`).
    """

    name: str
    policy = Policy()
    schemes: frozenset[str] | None = None  # of the addresses that it understands, None if it has to be asked
    everywhere = False  # whether it listens nowhere and remembers nothing, so that every process of a server may run it
    stores = False  # whether what is delivered waits, durably, until the host fetches it in its own time
    multicast_capability = 0  # how this CSE can be a member host (m2m:multicastCapability): 1 MBMS, 2 IP, 0 not at all
    external_group = ""  # the externalGroupID of this CSE in a mobile network, if it can be one by MBMS

    @abstractmethod
    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        """For each host, in order, the ways to reach it with this request, or why there is none. Waits for nobody.

        `hosts` are all permitted targets of this request: a broadcast that others would also hear must not be offered
        unless the message can name those who are to ignore it. `group` is the resource identifier of the group that
        is addressed, "" for a request to a single host.
        """

    @abstractmethod
    async def deliver(self, delivery: Delivery) -> None:
        """Send once (a protocol's own acknowledged retransmissions included) and return; DeliveryFailed if impossible.

        Answers go to `Engine.answer`, before or after this returns.
        """

    async def prepare(self, group: str, members: Sequence[Host]) -> None:  # noqa: B027 - optional
        """The permitted hosts of a group are now these: set up or tear down what a broadcast to them needs."""

    def counters(self) -> Mapping[str, int]:
        """What the operator may want to know beside campaigns: what was ignored, and how often, for example."""
        return {}

    async def join(self, membership: Membership) -> None:
        """Listen for this membership, instead of one with the same identifier that there may be.

        Raises JoinMulticastGroupFailed if it can't, and LeaveMulticastGroupFailed if it can't stop listening where the
        former one was; then everything is as it was before.
        """
        raise JoinMulticastGroupFailed(f"{self.name} does not listen to multicast")

    async def leave(self, identifier: str) -> None:  # noqa: B027 - optional
        """Listen no longer for this membership, if there is one; LeaveMulticastGroupFailed if it must go on."""

    def set_up(self, group: str) -> SetUp:
        """What session set-up for a group has cost since the start."""
        return NO_SET_UP

    async def start(self, engine: Engine) -> None:  # noqa: B027 - optional
        """Open sockets. Called once, before anything is offered or delivered."""

    async def stop(self) -> None:  # noqa: B027 - optional
        """Close what `start` opened."""


def addresses(host: Host, scheme: str) -> Iterable[str]:
    """The points of access of a host that have this URI scheme."""
    prefix = scheme + "://"
    return (address for address in host.points_of_access if address.startswith(prefix))
