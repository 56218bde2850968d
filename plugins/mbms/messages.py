"""What a group message carries: the CoAP message that a multicast by IP would be."""

import random
from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2s

from cse.coap import primitives
from cse.coap.message import MAX_MESSAGE_ID, MAX_TOKEN, CoapError, encode
from cse.coap.signing import sign
from cse.primitive import Request
from cse.protection import Protection

MOST_REMEMBERED = 10_000


class Messages:
    """A request that is repeated is the same message, so that those who have heard it ignore it."""

    def __init__(self, protection: Protection, most: int) -> None:
        self._protection = protection
        self._most = most
        self._latest = random.randrange(MAX_MESSAGE_ID)  # noqa: S311 - tells messages apart, guards nothing
        self._identifiers: OrderedDict[str, int] = OrderedDict()

    def payload(self, request: Request, path: tuple[str, ...]) -> bytes:
        """The datagram, signed if there is a key; CoapError for what no message can carry, or what is too large."""
        token = blake2s(request.request_identifier.encode(), digest_size=MAX_TOKEN).digest()
        message = replace(
            primitives.write(request, path), token=token, message_id=self._identifier(request.request_identifier)
        )
        datagram = encode(sign(message, self._protection))
        if len(datagram) > self._most:
            raise CoapError(f"{len(datagram)} bytes are more than a group message may have (max_datagram)")
        return datagram

    def _identifier(self, request_identifier: str) -> int:
        if request_identifier not in self._identifiers:
            self._latest = (self._latest + 1) % (MAX_MESSAGE_ID + 1)
            self._identifiers[request_identifier] = self._latest
            if len(self._identifiers) > MOST_REMEMBERED:
                self._identifiers.popitem(last=False)
        return self._identifiers[request_identifier]
