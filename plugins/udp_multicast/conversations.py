"""The requests under way: one token each, on every path and attempt, so that any answer leads back to its request."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from plugins.udp_multicast.coap import MAX_TOKEN

MAX_CONVERSATIONS = 10_000
MAX_ADDRESSES = 500_000


@dataclass(slots=True)
class Conversation:
    """One request: its token, until when answers may come, and the multicast datagrams it went out as."""

    request_identifier: str
    deadline: float
    token: bytes = field(default_factory=lambda: secrets.token_bytes(MAX_TOKEN))
    datagrams: dict[str, bytes] = field(default_factory=dict)

    def datagram(self, address: str, make: Callable[[bytes], bytes]) -> bytes:
        """The datagram to a multicast address, made once: members that have heard it know its message ID."""
        if address not in self.datagrams:
            self.datagrams[address] = make(self.token)
        return self.datagrams[address]


class Conversations:
    """All requests under way, by request identifier and by token, and where the devices live that may answer."""

    def __init__(self) -> None:
        self._by_request: dict[str, Conversation] = {}
        self._by_token: dict[bytes, Conversation] = {}
        self._addresses: dict[str, str] = {}

    def open(self, request_identifier: str, deadline: float, now: float) -> Conversation:
        """The conversation of a request, the same at every attempt."""
        conversation = self._by_request.get(request_identifier)
        if conversation is None:
            self._drop_finished(now)
            conversation = Conversation(request_identifier, deadline)
            self._by_request[request_identifier] = self._by_token[conversation.token] = conversation
        conversation.deadline = max(conversation.deadline, deadline)
        return conversation

    def request_identifier(self, token: bytes) -> str:
        """The request that has this token, "" for none."""
        conversation = self._by_token.get(token)
        return conversation.request_identifier if conversation else ""

    def learn(self, device: str, ip: str) -> None:
        """Note where a device lives; the ones noted first are forgotten when there are too many."""
        self._addresses[device] = ip
        if len(self._addresses) > MAX_ADDRESSES:
            del self._addresses[next(iter(self._addresses))]

    def lives_at(self, device: str, ip: str) -> bool:
        """Whether an answer of this device may come from there; true for one that we know nothing of."""
        return self._addresses.get(device, ip) == ip

    def _drop_finished(self, now: float) -> None:
        for conversation in [known for known in self._by_request.values() if known.deadline < now]:
            self._drop(conversation)
        while len(self._by_request) >= MAX_CONVERSATIONS:
            self._drop(next(iter(self._by_request.values())))

    def _drop(self, conversation: Conversation) -> None:
        del self._by_request[conversation.request_identifier]
        del self._by_token[conversation.token]
