"""The requests under way: one token each, on every path and attempt, so that any answer leads back to its request."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from cse.coap.message import MAX_TOKEN

MAX_CONVERSATIONS = 10_000
MAX_ADDRESSES = 500_000


@dataclass(slots=True)
class Conversation:
    """One request: until when answers may come, the token of all its messages, the message ID of all its multicasts.

    `multicast` says whether it was sent by multicast at all.
    Members that have heard a multicast know its message ID and ignore it when it comes again.
    """

    request_identifier: str
    deadline: float
    message_id: int
    multicast: bool = False
    token: bytes = field(default_factory=lambda: secrets.token_bytes(MAX_TOKEN))


class Conversations:
    """All requests under way, by request identifier and by token, and where the devices live that may answer."""

    def __init__(self) -> None:
        self._by_request: dict[str, Conversation] = {}
        self._by_token: dict[bytes, Conversation] = {}
        self._addresses: dict[str, str] = {}

    def open(
        self, request_identifier: str, deadline: float, now: float, next_message_id: Callable[[], int]
    ) -> Conversation:
        """The conversation of a request, the same at every attempt."""
        conversation = self._by_request.get(request_identifier)
        if conversation is None:
            self._drop_finished(now)
            conversation = Conversation(request_identifier, deadline, next_message_id())
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
