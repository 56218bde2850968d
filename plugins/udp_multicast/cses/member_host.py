"""The member-hosting CSE: what comes to a multicast address is carried out on the members here, and answered later."""

import asyncio
import logging
import random
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from enum import StrEnum
from typing import Any

from cse.coap import primitives
from cse.coap.message import NON_LIFETIME, CoapError, Message, Type, decode, encode
from cse.coap.signing import SIGNATURE_ROOM, sign_answer
from cse.coap.target import Endpoint
from cse.network import Engine, Membership
from cse.primitive import Operation, Request, Response
from cse.protection import Refusal, Refused
from cse.slices import work_off
from plugins.udp_multicast.cses.answering import Said, answers, together
from plugins.udp_multicast.cses.gate import Gate
from plugins.udp_multicast.cses.memberships import Meant, Memberships
from plugins.udp_multicast.cses.memory import Memory
from plugins.udp_multicast.cses.sockets import GroupSockets
from plugins.udp_multicast.outbox import Outbox
from plugins.udp_multicast.settings import UdpMulticastSettings

logger = logging.getLogger(__name__)

MEMBERS_AT_A_TIME = 16
IP = 2  # m2m:multicastCapability
DEFAULT_WINDOW = 5.0  # DEFAULT_LEISURE of RFC 7252 clause 4.8


class Ignored(StrEnum):
    """Why a datagram to a multicast address has no consequence. Nobody is told: on multicast that would be a storm."""

    MALFORMED = "malformed"
    NO_MULTICAST_REQUEST = "no multicast request"
    NOT_MEANT = "not meant for us"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    OVERLOAD = "overload"


class MemberHost:
    """`memberships` are what it listens for, `sockets` what it hears with, `ignored` counts what it has heard in vain.

    `send` sends a datagram from where this CSE is known to live.
    """

    def __init__(
        self,
        engine: Engine,
        settings: UdpMulticastSettings,
        send: Callable[[bytes, Endpoint], None],
        next_message_id: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._next_message_id = next_message_id
        self.sockets = GroupSockets(settings.interface, self.heard)
        self.memberships = Memberships(settings, self.sockets, engine.protection.trust)
        self.ignored: Counter[Ignored | Refusal] = Counter()
        self._gate = Gate(engine.protection.trust, engine.clock.now())
        self._memory = Memory()
        self._outbox = Outbox(engine.clock, lambda datagram, _, destination: _lossy(send, datagram, destination))
        self._random = random.Random()  # noqa: S311 - spreads answers, guards nothing
        self._under_way: set[asyncio.Task[None]] = set()
        self._sending = asyncio.create_task(self._outbox.run())

    @property
    def capability(self) -> int:
        """The multicastCapability of this CSE: IP, unless anybody could forge what it would hear."""
        return 0 if self._settings.multicast_refusal(bool(self._engine.protection.trust)) else IP

    async def stop(self) -> None:
        self.sockets.close()
        tasks = [*self._under_way, self._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard(self, datagram: bytes, source: Endpoint, address: Endpoint) -> None:
        """A datagram has come to a multicast address: carry it out, or count why not."""
        found: Meant | Ignored | Refusal
        try:
            message = decode(datagram)
            request = primitives.read(message)
            found = self._admit(message, request, source, address)
        except CoapError:
            found = Ignored.MALFORMED
        except Refused as refused:
            found = refused.refusal
        if isinstance(found, Meant):
            self._start(self._carry_out(message, replace(request, sender=source.ip), found, source))
        else:
            self.ignored[found] += 1

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _admit(self, message: Message, request: Request, source: Endpoint, address: Endpoint) -> Meant | Ignored:
        """Who is meant; CoapError or Refused, or why it has no consequence."""
        if message.type is not Type.NON:
            return Ignored.NO_MULTICAST_REQUEST
        meant = self.memberships.find(address, request.to)
        if meant is None or request.originator == self._engine.cse_id:
            return Ignored.NOT_MEANT
        now, expires = self._engine.clock.now(), primitives.expiration(request)
        if expires is not None and expires <= now:
            return Ignored.EXPIRED
        if len(self._under_way) >= self._settings.max_heard_requests:
            return Ignored.OVERLOAD
        self._gate.admit(message, request, meant.membership, now)
        return meant if self._is_new(message, request, source, now, expires) else Ignored.DUPLICATE

    def _is_new(self, message: Message, request: Request, source: Endpoint, now: float, expires: float | None) -> bool:
        """A request is carried out once, even if it comes in another message."""
        until = now + NON_LIFETIME
        is_new = self._memory.is_new((source, message.message_id), now, until)
        return self._memory.is_new((request.to, request.request_identifier), now, max(until, expires or 0)) and is_new

    async def _carry_out(self, message: Message, request: Request, meant: Meant, source: Endpoint) -> None:
        membership = meant.membership
        window = DEFAULT_WINDOW if membership.window is None else membership.window
        due = self._engine.clock.now() + window * self._random.random()
        said = await self._ask_members(request, meant)
        if membership.response_target == membership.group_host:
            protection = self._engine.protection
            room = self._settings.max_datagram - (SIGNATURE_ROOM if protection.signs else 0)
            for told in answers(request.request_identifier, self._engine.cse_id, said, room):
                reply = replace(told, type=Type.NON, message_id=self._next_message_id(), token=message.token)
                self._outbox.put(due, encode(sign_answer(reply, protection)), "", source)
        else:
            await self._engine.clock.sleep(due - self._engine.clock.now())
            await self._tell(membership, request, said)

    async def _ask_members(self, request: Request, meant: Meant) -> list[Said]:
        """Each with the rights of the original originator; in the order of memberList."""
        found: dict[str, Response] = {}

        async def ask(member: str) -> None:
            to = f"{member}/{meant.tail}" if meant.tail else member
            found[member] = await self._engine.request(request.derive(to=to))

        members = meant.membership.members
        await work_off(members, ask, min(MEMBERS_AT_A_TIME, len(members)))
        return [Said(member, found[member]) for member in members]

    async def _tell(self, membership: Membership, request: Request, said: list[Said]) -> None:
        """Somebody else than the group host collects the answers: he is notified, without a limit of size."""
        response = together(request.request_identifier, said)
        content = {"rsc": response.status_code, "rqi": request.request_identifier, "pc": response.content}
        notification = Request(
            Operation.NOTIFY,
            membership.response_target,
            self._engine.cse_id,
            secrets.token_hex(8),
            content={"m2m:rsp": {name: value for name, value in content.items() if value is not None}},
            release_version=request.release_version,
        )
        answer = await self._engine.request(notification)
        if not answer.succeeded:
            logger.info("%s does not take answers: %d", membership.response_target, answer.status_code)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a multicast request could not be carried out", exc_info=error)


def _lossy(send: Callable[[bytes, Endpoint], None], datagram: bytes, destination: Endpoint) -> None:
    """An answer that cannot be sent is lost, as on any medium; the group host repairs that."""
    try:
        send(datagram, destination)
    except OSError as error:
        logger.info("an answer to %s could not be sent: %s", destination, error)
