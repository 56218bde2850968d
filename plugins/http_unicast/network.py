"""The network `http-unicast`: one HTTP request per host, the answer in the response or later as a notification."""

from collections.abc import Sequence
from functools import lru_cache

import orjson

from cse.http.client import Answer, Client, NoAnswer, NotSent
from cse.http.outgoing import client_context
from cse.http.url import destination, is_ip_address
from cse.network import Delivery, DeliveryFailed, Discard, Engine, Host, Network, Offer, Reach, Reason, Unreachable, Way
from cse.primitive import Request
from cse.slices import in_slices
from plugins.http_unicast.mapping import STATUS_CODE, Forms, MalformedAnswer, Message, from_answer
from plugins.http_unicast.settings import HttpUnicastSettings
from plugins.http_unicast.tokens import Tokens

REMEMBERED = 4096


class HttpUnicast(Network):
    """Reaches `http://` and `https://` points of access."""

    everywhere = True
    name = "http-unicast"
    schemes = frozenset(["http", "https"])

    def __init__(self, settings: HttpUnicastSettings) -> None:
        self.policy = self._settings = settings
        self._tls = client_context(settings)
        self._tokens = Tokens(settings.tokens)
        self._forms = Forms()
        self._offer = lru_cache(REMEMBERED)(self._new_offer)  # it follows from the length and the settings

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        self._client = Client(engine.clock, engine.allows, self._settings.connect_timeout, self._tls)

    async def stop(self) -> None:
        await self._client.close()

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        offer = self._offer(len(orjson.dumps(request.content)))
        return [self._reach(host, offer) async for host in in_slices(hosts)]

    async def deliver(self, delivery: Delivery) -> None:
        proof = self._tokens.headers(delivery.address)
        for host in delivery.hosts:
            message = self._forms.message(delivery.request, host, delivery.address)
            if proof:
                message = message._replace(headers=message.headers | proof)
            await self._deliver_to(host, message, delivery)

    def _new_offer(self, payload: int) -> Offer:
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

    def _reach(self, host: Host, offer: Offer) -> Reach:
        """A way for each point of access, in their order."""
        if not host.reachable:
            return [Unreachable(self.name, Reason.NO_POA, "requestReachability is false")]
        named = [(name, address) for address in host.points_of_access if (name := host_name(address))]
        ways = [Way(offer, address) for name, address in named if self._may_be_allowed(name)]
        if ways:
            return ways
        if named:
            return [Unreachable(self.name, Reason.NOT_ALLOWED, f"{named[0][0]} is not in allowed_targets")]
        return [Unreachable(self.name, Reason.NO_POA, "no point of access is a URL with http or https")]

    def _may_be_allowed(self, name: str) -> bool:
        """Where a name leads is seen when it is connected to; an address can be refused at once."""
        return not is_ip_address(name) or self._engine.allows(name)

    async def _deliver_to(self, host: Host, message: Message, delivery: Delivery) -> None:
        """A single request has a deadline that fits it; one to a group may have a day."""
        patience = delivery.deadline - self._engine.clock.now()
        if delivery.group:
            patience = min(self._settings.answer_timeout, patience)
        if patience <= 0:
            raise DeliveryFailed("the deadline passed before a connection was free")
        answer = await self._send(message, delivery, self._most(host), patience)
        if answer is not None:
            self._take(answer, host, delivery)

    def _most(self, host: Host) -> int:
        return self._settings.max_cse_response_bytes if host.cse else self._settings.max_response_bytes

    async def _send(self, message: Message, delivery: Delivery, most: int, patience: float) -> Answer | None:
        method, url, headers, body = message
        try:
            answer = await self._client.request(
                method, url, headers, body, patience=patience, most=most, essential=STATUS_CODE
            )
        except NotSent as error:
            raise DeliveryFailed(str(error), refused=error.refused) from None
        except NoAnswer:
            answer = None
        delivery.transmitted(1, 0.0)
        return answer

    def _take(self, answer: Answer, host: Host, delivery: Delivery) -> None:
        request_identifier = delivery.request.request_identifier
        if answer.headers.get("x-m2m-ri", request_identifier) != request_identifier:
            self._engine.discard(request_identifier, Discard.STRAY)
            return
        # The address of one AE may have become that of another. A CSE answers for others, and to a single request
        # answers whoever was asked.
        is_one_of_many = bool(delivery.group) and not host.cse
        if is_one_of_many and last_segment(answer.headers.get("x-m2m-origin", host.id)) != last_segment(host.id):
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
    if "http" not in address.lower():  # as with most of 100,000 meters: quicker than to take the URL apart
        return ""
    try:
        return destination(address).origin.host
    except ValueError:
        return ""


def last_segment(identifier: str) -> str:
    """An AE-ID in CSE-relative form, from whichever form it was stated in."""
    return identifier.rpartition("/")[2]
