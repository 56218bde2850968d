"""One request to one entity outside, and its answer: notifications, verifications, requests to a single device."""

import asyncio
import dataclasses
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cse.cluster.switchboard import Document, Switchboard
from cse.core import Core
from cse.door import Door
from cse.errors import BadRequest, GroupMembersNotResponded, RequestTimeout, TargetNotReachable
from cse.events import request_identifier
from cse.fanout.reach import gather_one
from cse.forwarding import remote_host
from cse.network import Delivery, DeliveryFailed, Discard, Host, Network, Reach, Reason, Unreachable, Way
from cse.notification import Outgoing
from cse.primitive import OK, Operation, Request, Response
from cse.times import times_of
from cse.work import Work

log = logging.getLogger(__name__)

EXCHANGE = "exchange"
ATTEMPTS_TOGETHER = 3  # timeouts that the conductor has for all its ways to a host
LAST_MOMENT = 1e11  # stands for a deadline that never comes, which JSON cannot say
NO_MEMBER_REACHED = {one.status_code for one in (GroupMembersNotResponded, RequestTimeout, TargetNotReachable)}
OURSELVES = Host("", ())
HARMLESS_TWICE = {Operation.RETRIEVE, Operation.UPDATE, Operation.DELETE}


class NoAnswer(DeliveryFailed):
    """It was sent, and may have been received."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How one request is sent: seconds for each attempt, and the moment when its answer is of no use any more.

    `answer_matters` is false if it is enough that the request waits where the host fetches it, `repeats` if it must
    not go out by another way when it may have been received. `neighbour` is who may answer for the host.
    """

    timeout: float
    deadline: float = math.inf
    answer_matters: bool = True
    repeats: bool = True
    neighbour: str = ""


class _Waiter:
    """Receives the answer of one host, by whatever name it goes."""

    def __init__(self, names: Iterable[str]) -> None:
        self.answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._names = list(filter(None, names))

    def answer(self, originator: str, response: Response, network: str) -> None:
        if originator in self._names and not self.answered.done():
            self.answered.set_result(response)

    def discard(self, reason: Discard, count: int) -> None:
        log.debug("%d answers of %s dropped: %s", count, self._names[0], reason)

    async def secure(self) -> None:
        """Whoever waits has it."""


class Exchange:
    """Sends by the cheapest unicast of any network; the next one if that is known to have failed."""

    def __init__(self, core: Core, door: Door, switchboard: Switchboard) -> None:
        self._core = core
        self._switchboard = switchboard
        switchboard.answers(EXCHANGE, self._for_another)
        self._door = door
        self._networks = core.networks

    async def notify(self, outgoing: Outgoing, *, answer_matters: bool = True) -> Response:
        """Send a notification in the name of this CSE; TargetNotReachable when there is no way or no answer.

        If the answer does not matter, it is enough that the notification waits where its target fetches it.
        """
        request = Request(
            Operation.NOTIFY,
            outgoing.target,
            self._core.model.naming.cse_id,
            outgoing.identifier or request_identifier(),
            content=outgoing.content,
            release_version="3",
            event_category=None if outgoing.event_category is None else str(outgoing.event_category),
        )
        if "://" not in request.to and not self._core.model.fan_out_names.isdisjoint(request.to.split("/")):
            return await self._to_group(request)
        host = url_host(request.to) or await self._core.read(lambda work: _receiver(work, request.to))
        if host is OURSELVES:
            return await self._door.request(request)
        if host is None:
            raise TargetNotReachable(f"{request.to} is neither a URL nor a registered AE, nor at a CSE that is known")
        terms = Terms(self._core.settings.exchange_timeout, answer_matters=answer_matters)
        return await self._send(host, _readable(request, host), terms)

    async def _to_group(self, request: Request) -> Response:
        """A fanOutPoint as target: the members get a device request, by whatever networks are the best for them."""
        response = await self._door.request(request)
        if response.status_code in NO_MEMBER_REACHED:
            raise TargetNotReachable(f"{request.to} answered with {response.status_code}: {response.content}")
        return response

    async def send(self, host: Host, request: Request, *, answer_matters: bool = True) -> Response:
        """Send a request, under an identifier of its own, and wait for the answer; TargetNotReachable without one.

        RequestTimeout if none has come when the request expires.
        """
        request = _readable(request.derive(request_identifier=self.new_identifier()), host)
        expiration = times_of(request, self._core.clock.now()).request_expiration
        deadline = math.inf if expiration is None else expiration
        terms = Terms(self._core.settings.exchange_timeout, deadline, answer_matters=answer_matters)
        return await self._send(host, request, terms)

    async def forward(self, host: Host, request: Request, neighbour: str, deadline: float = math.inf) -> Response:
        """Send the request of somebody else as it is, and wait for the answer of the host or of the neighbour's CSE.

        TargetNotReachable without an answer, RequestTimeout if none has come at the deadline. `awaits` must be false.
        """
        timeout = self._core.settings.forwarding_timeout
        repeats = request.operation in HARMLESS_TWICE
        return await self._send(host, request, Terms(timeout, deadline, repeats=repeats, neighbour=neighbour))

    def awaits(self, request_identifier: str) -> bool:
        """Whether an answer with this request identifier is waited for already."""
        return self._door.expects(request_identifier)

    def new_identifier(self) -> str:
        """A request identifier that nobody else uses."""
        return request_identifier()

    async def _send(self, host: Host, request: Request, terms: Terms) -> Response:
        waiter = _Waiter([host.id, host.cse, terms.neighbour])
        self._door.expect(request.request_identifier, waiter)
        try:
            return await self._try(host, request, waiter, terms)
        finally:
            self._door.forget(request.request_identifier)

    async def _try(self, host: Host, request: Request, waiter: _Waiter, terms: Terms) -> Response:
        reach = await gather_one(self._networks.values(), host, request)
        ways = [entry for entry in reach if isinstance(entry, Way) and not entry.offer.broadcast]
        ways.sort(key=_cost)
        if not ways and not await self._switchboard.is_here():
            return await self._by_conductor(host, request, terms)
        why = ""
        for way in ways:
            try:
                if self._networks[way.offer.network].stores and not terms.answer_matters:
                    return await self._store(way, host, request)
                await self._by(way, host, request, waiter, terms)
            except DeliveryFailed as error:
                why = str(error)
                if isinstance(error, NoAnswer) and not terms.repeats:
                    break
            if waiter.answered.done():
                return waiter.answered.result()
        why = why or _why_not(reach) or "no network knows its address"
        raise TargetNotReachable(f"{host.id} can't be reached ({why})")

    async def _by_conductor(self, host: Host, request: Request, terms: Terms) -> Response:
        """No network of this process reaches the host; one of the conductor may."""
        values = dataclasses.asdict(terms) | {"deadline": min(terms.deadline, LAST_MOMENT)}
        document = {"host": dataclasses.asdict(host), "request": request.to_json().decode(), "terms": values}
        patience = max(0.0, min(ATTEMPTS_TOGETHER * terms.timeout, terms.deadline - self._core.clock.now()))
        return Response(**(await self._switchboard.ask(EXCHANGE, document, patience))["response"])

    async def _for_another(self, document: Document) -> Document:
        host = _host(document["host"])
        request = Request.from_json(document["request"].encode())
        return {"response": dataclasses.asdict(await self._send(host, request, Terms(**document["terms"])))}

    async def _store(self, way: Way, host: Host, request: Request) -> Response:
        settings, now = self._core.settings, self._core.clock.now()
        deadline = now + settings.stored_lifetime
        network = self._networks[way.offer.network]
        await _isolated(network, Delivery(request, way.offer, way.address, [host], "", 1, 0.0, deadline))
        return Response(OK)

    async def _by(self, way: Way, host: Host, request: Request, waiter: _Waiter, terms: Terms) -> None:
        clock = self._core.clock
        timeout = min(terms.timeout, terms.deadline - clock.now())
        delivery = Delivery(request, way.offer, way.address, [host], "", 1, timeout, clock.now() + timeout)
        network = self._networks[way.offer.network]

        async def deliver_and_wait() -> None:
            async with self._core.traffic.turn(*([] if host.cse else [host.id, way.address])):
                await _isolated(network, delivery)
            if not waiter.answered.done():
                await asyncio.shield(waiter.answered)  # the answer may still come while the next way is tried

        if not await self._core.patience.within(timeout, deliver_and_wait()):
            if clock.now() >= terms.deadline:
                raise RequestTimeout(f"X-M2M-RET passed before {host.id} answered")
            raise NoAnswer(f"no answer within {timeout:g} seconds by {way.offer.network}")


def _cost(way: Way) -> tuple[int, str]:
    """By which ways come in order; those with the same offer stay in that of the addresses."""
    return way.offer.per_member + way.offer.fixed, way.offer.id


def _why_not(reach: Reach) -> str:
    """What keeps networks from reaching a host; that its addresses mean nothing to them, only if there is no more."""
    unreachable = [entry for entry in reach if isinstance(entry, Unreachable)]
    telling = [entry for entry in unreachable if entry.reason is not Reason.NO_POA]
    return "; ".join(f"{entry.offer}: {entry.reason} {entry.detail}" for entry in telling or unreachable)


def _readable(request: Request, host: Host) -> Request:
    """In its own release, or in the newest that the host knows."""
    if request.release_version in host.releases or not host.releases:
        return request
    return request.derive(release_version=max(host.releases))


async def _isolated(network: Network, delivery: Delivery) -> None:
    """A network that raises has not delivered, and harms nobody else."""
    try:
        await network.deliver(delivery)
    except DeliveryFailed:
        raise
    except Exception as error:
        log.exception("network %s failed to deliver", network.name)
        raise DeliveryFailed(f"network {network.name} failed; see the server's log") from error


def _host(values: dict[str, Any]) -> Host:
    """As another process has described it."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Host(**fields)


def url_host(target: str) -> Host | None:
    """What a URL stands for: itself."""
    return Host(target, (target,)) if "://" in target else None


def find_host(work: Work, target: str) -> Host | None:
    """What a notification target stands for: a URL by itself, an identifier by the AE or CSE that has it.

    None, too, for text that is no address.
    """
    if url := url_host(target):
        return url
    resource = work.resource(target) or work.registrant(target)
    if resource is not None:
        return work.type_of(resource).host(resource)
    try:
        return remote_host(work, target)
    except BadRequest:
        return None


def _receiver(work: Work, target: str) -> Host | None:
    """Who gets a notification: OURSELVES if that is a resource here which has no host but takes notifications."""
    host = find_host(work, target)
    resource = work.resource(target) if host is None else None
    takes_it = resource is not None and work.type_of(resource).takes_notifications
    return OURSELVES if takes_it else host
