"""The network `http-unicast`: one HTTP request per host, the answer in the response or later as a notification."""

import asyncio
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from cse.network import Delivery, DeliveryFailed, Discard, Engine, Host, Network, Offer, Reach, Reason, Unreachable, Way
from cse.primitive import Request
from cse.slices import in_slices
from plugins.http_unicast.client import Client, OneAtATime
from plugins.http_unicast.mapping import Answer, MalformedAnswer, Message, from_answer, to_message
from plugins.http_unicast.settings import HttpUnicastSettings
from plugins.http_unicast.trust import client_context


class HttpUnicast(Network):
    """Reaches `http://` and `https://` points of access. At most one request at a time goes to each of them."""

    name = "http-unicast"

    def __init__(self, settings: HttpUnicastSettings) -> None:
        self._settings = settings
        self._tls = client_context(settings)

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        self._connections = asyncio.Semaphore(self._settings.parallel)
        self._addresses = OneAtATime()
        settings = self._settings
        self._client = Client(engine.allows, settings.connect_timeout, settings.max_response_bytes, self._tls)

    async def stop(self) -> None:
        await self._client.close()

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        offer = self._offer(len(orjson.dumps(request.content)))
        return [[self._reach(host, offer)] async for host in in_slices(hosts)]

    async def deliver(self, delivery: Delivery) -> None:
        async with self._addresses.hold(delivery.address):
            for host in delivery.hosts:
                async with self._connections:
                    await self._deliver_to(host, to_message(delivery.request, host, delivery.address), delivery)

    def _offer(self, payload: int) -> Offer:
        settings = self._settings
        return Offer(
            self.name,
            self.name,
            broadcast=False,
            fixed=0,
            per_member=settings.cost,
            loss_ppm=settings.loss_ppm,
            latency_ms=settings.latency_ms,
            latency_per_member_us=settings.latency_per_member_us,
            max_payload=settings.max_payload,
            payload=payload,
            preference=settings.preference,
        )

    def _reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        if not host.reachable:
            return Unreachable(self.name, Reason.NO_POA, "requestReachability is false")
        forbidden = ""
        for address in host.points_of_access:
            name = host_name(address)
            if name and self._may_be_allowed(name):
                return Way(offer, address)
            forbidden = forbidden or name
        if forbidden:
            return Unreachable(self.name, Reason.NOT_ALLOWED, f"{forbidden} is not in allowed_targets")
        return Unreachable(self.name, Reason.NO_POA, "no point of access is a URL with http or https")

    def _may_be_allowed(self, name: str) -> bool:
        """Where a name leads is seen when it is connected to; an address can be refused at once."""
        return not is_ip_address(name) or self._engine.allows(name)

    async def _deliver_to(self, host: Host, message: Message, delivery: Delivery) -> None:
        clock = self._engine.clock
        patience = min(self._settings.answer_timeout, delivery.deadline - clock.now())
        if patience <= 0:
            raise DeliveryFailed("the deadline passed before a connection was free")
        await clock.within(patience, self._exchange(host, message, delivery))

    async def _exchange(self, host: Host, message: Message, delivery: Delivery) -> None:
        answer = await self._send(message, delivery)
        if answer is not None:
            self._take(answer, host, delivery)

    async def _send(self, message: Message, delivery: Delivery) -> Answer | None:
        sent = True
        try:
            return await self._client.exchange(message)
        except DeliveryFailed:
            sent = False
            raise
        finally:
            if sent:
                delivery.transmitted(1, 0.0)

    def _take(self, answer: Answer, host: Host, delivery: Delivery) -> None:
        request_identifier = delivery.request.request_identifier
        if answer.headers.get("X-M2M-RI", request_identifier) != request_identifier:
            self._engine.discard(request_identifier, Discard.STRAY)
            return
        # The address of one member may have become that of another. To a single request answers whoever was asked.
        if delivery.group and last_segment(answer.headers.get("X-M2M-Origin", host.id)) != last_segment(host.id):
            self._engine.discard(request_identifier, Discard.WRONG_ADDRESS)
            return
        try:
            response = from_answer(answer)
        except MalformedAnswer:
            self._engine.discard(request_identifier, Discard.MALFORMED)
            return
        if response is not None:
            self._engine.answer(request_identifier, host.id, response, self.name)


def host_name(address: str) -> str:
    """The host of an http or https URL, "" if it is none."""
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        return ""
    return (parts.hostname or "") if valid else ""


def is_ip_address(name: str) -> bool:
    """Whether a host name is a literal address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def last_segment(identifier: str) -> str:
    """An AE-ID in CSE-relative form, from whichever form it was stated in."""
    return identifier.rpartition("/")[2]
