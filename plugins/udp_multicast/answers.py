"""The door at which everything comes in that devices send: acknowledgements, answers, and what only looks like it."""

from collections.abc import Callable

from cse.coap.message import EMPTY, MAX_TOKEN, CoapError, Message, Type, decode, encode
from cse.coap.target import Endpoint
from cse.network import Discard, Engine
from plugins.udp_multicast.conversations import Conversations
from plugins.udp_multicast.cses.answering import understood
from plugins.udp_multicast.datagrams import MAX_ANSWER
from plugins.udp_multicast.exchanges import Exchange, Exchanges
from plugins.udp_multicast.messages import read_answer
from plugins.udp_multicast.sealing import is_genuine


class Door:
    """Restores request identifier and From of an answer, checks where it came from, and hands it to the engine."""

    def __init__(
        self,
        engine: Engine,
        network: str,
        conversations: Conversations,
        exchanges: Exchanges,
        send: Callable[[bytes, Endpoint], None],
    ) -> None:
        self._engine = engine
        self._network = network
        self._conversations = conversations
        self._exchanges = exchanges
        self._send = send

    def received(self, datagram: bytes, sender: Endpoint) -> None:
        """Handle one datagram."""
        try:
            if len(datagram) > MAX_ANSWER:
                raise CoapError(f"an answer may have {MAX_ANSWER} bytes")
            message = decode(datagram)
            exchange = self._match(message, sender)
            if message.is_response and not (exchange and isinstance(exchange.subject, bytes)):
                self._answer(message, sender, exchange)
        except CoapError:
            token = datagram[4 : 4 + min(MAX_TOKEN, datagram[0] & 15)] if datagram else b""
            self._engine.discard(self._conversations.request_identifier(token), Discard.MALFORMED)

    def _match(self, message: Message, sender: Endpoint) -> Exchange | None:
        """Do what CoAP demands for a message of this type, and find the exchange that it belongs to."""
        if message.type in (Type.ACK, Type.RST):
            return self._exchanges.acknowledge(sender, message)
        if message.type is Type.CON:
            reply = Type.ACK if message.is_response else Type.RST
            self._send(encode(Message(reply, EMPTY, message.message_id)), sender)
        return self._exchanges.respond(message.token, message) if message.is_response else None

    def _answer(self, message: Message, sender: Endpoint, exchange: Exchange | None) -> None:
        answer = read_answer(message)
        identifier = answer.request_identifier or self._conversations.request_identifier(message.token)
        if not identifier:
            self._engine.discard("", Discard.STRAY)
            return
        originator = answer.originator and self._short(answer.originator)
        if originator is None and exchange and isinstance(exchange.subject, tuple):
            originator = exchange.subject[1]
        if originator is None:
            self._engine.discard(identifier, Discard.MALFORMED)
        elif not self._conversations.lives_at(originator, sender.ip):
            self._engine.discard(identifier, Discard.WRONG_ADDRESS)
        elif not is_genuine(message, identifier, originator, self._engine.protection):
            self._engine.discard(identifier, Discard.FORGED)
        else:
            self._exchanges.respond((identifier, originator), message)
            response = understood(answer.response) if originator.startswith("/") else answer.response
            if response is not None:
                self._engine.answer(identifier, originator, response, self._network)

    def _short(self, originator: str) -> str:
        """The AE-ID in `/<cse-id>/<AE-ID>`: a sender is checked by the name that it will count under."""
        return originator.rpartition(self._engine.cse_id + "/")[2]
