"""The network of sub-groups: one request to a group at another CSE instead of one to each of its members."""

from collections.abc import Mapping, Sequence

from cse.core import Core
from cse.fanout import split
from cse.network import Delivery, DeliveryFailed, Engine, Host, Network, Offer, Reach, Way
from cse.primitive import Operation, Request, Response
from cse.resource import Admission, Collective
from cse.slices import in_slices
from cse.subgroups.builder import Builder
from cse.subgroups.records import Records
from cse.subgroups.upkeep import Key, Ready, Upkeep
from cse.timing import exact_timestamp, parse_timestamp

MOST_NAMES = 4096  # bytes of the addresses of members that a request names if not all of the sub-group are meant
ENDS_IN = 0.8  # of the time that a forwarded request may take, after which the members' answers are collected
PAYLOAD = 1_048_576
TOO_LATE, NOBODY_ANSWERED = 4008, 5209
GONE = (4004, 4109)  # the group there, or all of its members


class SubGroups(Network):
    """Hosts are the members on other CSEs of which there are many, groups in groups apart: these stay one item."""

    name = "sub-group"
    schemes = frozenset[str]()

    def __init__(self, core: Core, collective: Collective, admission: Admission) -> None:
        self._core = core
        self._settings = core.settings
        self._collective, self._admission = collective, admission
        (self._fan_out_name,) = core.model.fan_out_names

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        builder = Builder(engine, self._core.model, self._collective, self._admission)
        self._upkeep = Upkeep(self._core, builder, Records(engine.documents(self.name)))

    async def prepare(self, group: str, members: Sequence[Host]) -> None:
        found: dict[str, list[str]] = {}
        async for host in in_slices(members):
            if host.cse and self._fan_out_name not in host.id.split("/"):
                found.setdefault(host.cse, []).append(host.id)
        least = self._settings.sub_group_members
        await self._upkeep.want(group, {cse: each for cse, each in found.items() if 0 < least <= len(each)})

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        self._upkeep.try_again()
        ready, tail = self._upkeep.of(group), self._tail(request)
        meant: dict[str, list[str]] = {}
        async for host in in_slices(hosts if ready else ()):
            if _stands_for(ready, host, tail):
                meant.setdefault(host.cse, []).append(host.id.removesuffix(tail))
        ways = {cse: [self._way(ready[cse], tail)] for cse, each in meant.items() if self._fits(ready[cse], each)}
        if not ways:
            return [()] * len(hosts)
        found = (ways.get(host.cse, ()) if _stands_for(ready, host, tail) else () for host in hosts)
        return [reach async for reach in in_slices(found)]

    async def deliver(self, delivery: Delivery) -> None:
        """Once: whoever is silent then is asked alone."""
        if delivery.attempt > 1:
            raise DeliveryFailed("it has been sent to the group there, so that silent members are asked one by one")
        request = self._for_all(delivery)
        response = await self._engine.request(request)
        delivery.transmitted(1, 0.0)
        cse = delivery.hosts[0].cse
        if split.items(response) is not None:
            self._engine.answer(delivery.request.request_identifier, cse, response, self.name)
        elif response.status_code != NOBODY_ANSWERED and not _may_have_been_done(request, response):
            self._upkeep.is_refused(Key(delivery.group, cse), is_gone=response.status_code in GONE)
            raise DeliveryFailed(f"{delivery.address} answered with {response.status_code}: {response.content}")

    def _for_all(self, delivery: Delivery) -> Request:
        """What goes to the sub-group: it has to answer while the answer is waited for, so late members are left out."""
        cse, request = delivery.hosts[0].cse, delivery.request
        tail = self._tail(request)
        ready = self._upkeep.of(delivery.group).get(cse)
        members = frozenset() if ready is None else ready.members
        names = tuple(host.id.removesuffix(tail) for host in delivery.hosts)
        if not members.issuperset(names) or (len(names) < len(members) and not _is_short(names)):
            raise DeliveryFailed(f"the group at {cse} does not stand for those who are meant")
        until = self._core.clock.now() + ENDS_IN * self._settings.forwarding_timeout
        expiration = exact_timestamp(min(until, delivery.deadline, parse_timestamp(request.result_expiration or "")))
        return request.derive(
            to=delivery.address,
            group_target_members=names if len(names) < len(members) else (),
            request_expiration=expiration,
            result_expiration=expiration,
        )

    def _way(self, ready: Ready, tail: str) -> Way:
        settings = self._settings
        offer = Offer(
            self.name,
            self.name,
            broadcast=True,
            fixed=settings.sub_group_cost,
            per_member=settings.sub_group_member_cost,
            loss_ppm=0,
            latency_ms=int(settings.sub_group_latency * 1000),
            max_payload=PAYLOAD,
        )
        return Way(offer, f"{ready.subgroup.address}/{self._fan_out_name}{tail}")

    def _fits(self, ready: Ready, meant: Sequence[str]) -> bool:
        """Whether the request can be addressed to those who are meant, and nobody else."""
        are_many = len(meant) >= self._settings.sub_group_members
        return len(meant) == len(ready.members) or (are_many and _is_short(meant))

    def _tail(self, request: Request) -> str:
        """What stands behind the fanOutPoint that a request is addressed to, with its slash."""
        _, _, tail = request.to.partition(f"/{self._fan_out_name}")
        return tail


def _stands_for(ready: Mapping[str, Ready], host: Host, tail: str) -> bool:
    known = ready.get(host.cse)
    return known is not None and host.id.endswith(tail) and host.id.removesuffix(tail) in known.members


def _is_short(names: Sequence[str]) -> bool:
    return sum(map(len, names)) + len(names) <= MOST_NAMES


def _may_have_been_done(request: Request, response: Response) -> bool:
    """Whether a CREATE that was answered so must not be repeated; other operations may be in any case."""
    refused = 4000 <= response.status_code < 5000 and response.status_code != TOO_LATE
    return request.operation is Operation.CREATE and not refused
