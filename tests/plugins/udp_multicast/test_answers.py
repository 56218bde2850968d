"""The door for answers, without sockets."""

import pytest

from cse.coap.message import EMPTY, POST, Message, Option, Type, code, decode, encode
from cse.coap.target import Endpoint
from cse.network import Discard
from cse.primitive import OK, Response
from cse.testing.clock import ManualClock
from cse.testing.engine import Answer, RecordingEngine
from plugins.udp_multicast.answers import Door
from plugins.udp_multicast.conversations import Conversations
from plugins.udp_multicast.datagrams import MAX_ANSWER
from plugins.udp_multicast.exchanges import Exchanges
from plugins.udp_multicast.messages import answer

DEVICE = Endpoint("127.7.0.1", 5683)
OTHER_PORT = Endpoint("127.7.0.1", 9)
STRANGER = Endpoint("127.7.0.9", 5683)
CHANGED = code(2, 4)


class Entrance:
    """A door where the device Ca is known and the request r-1 is under way."""

    def __init__(self, engine: RecordingEngine | None = None) -> None:
        self.engine = engine or RecordingEngine()
        self.sent: list[tuple[Message, Endpoint]] = []
        conversations = Conversations()
        exchanges = Exchanges(ManualClock(), self.send, 2.0, 4)
        self.token = conversations.open("r-1", 10.0, 0.0, lambda: 7).token
        conversations.learn("Ca", DEVICE.ip)
        self.door = Door(self.engine, "udp", conversations, exchanges, self.send)

    def send(self, datagram: bytes, destination: Endpoint) -> None:
        self.sent.append((decode(datagram), destination))

    def receive(self, message: Message, sender: Endpoint = DEVICE) -> None:
        self.door.received(encode(message), sender)

    def reply(self, *options: tuple[int, bytes], message_type: Type = Type.NON, token: bytes | None = None) -> Message:
        return Message(message_type, CHANGED, 5, self.token if token is None else token, options)


FROM, REQUEST = (int(Option.FROM), b"Ca"), (int(Option.REQUEST_IDENTIFIER), b"r-1")
COUNTED = [Answer("r-1", "Ca", Response(2004), "udp")]


@pytest.mark.parametrize("sender", [DEVICE, OTHER_PORT])
def test_an_answer_from_any_port(sender: Endpoint) -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM, REQUEST), sender)
    assert entrance.engine.answers == COUNTED
    assert entrance.sent == []


def test_the_token_stands_for_a_missing_request_identifier() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM))
    assert entrance.engine.answers == COUNTED


def test_the_request_identifier_stands_for_an_unknown_token() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM, REQUEST, token=b"before"))
    assert entrance.engine.answers == COUNTED


def test_an_answer_that_leads_nowhere_is_stray() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM, token=b"before"))
    assert (entrance.engine.answers, entrance.engine.discards) == ([], {Discard.STRAY: 1})


def test_an_unknown_originator_is_for_the_engine_to_judge() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply((int(Option.FROM), b"Cx"), REQUEST), STRANGER)
    assert [given.originator for given in entrance.engine.answers] == ["Cx"]


def test_a_known_originator_must_live_where_the_answer_comes_from() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM, REQUEST), STRANGER)
    assert (entrance.engine.answers, entrance.engine.discards) == ([], {Discard.WRONG_ADDRESS: 1})


@pytest.mark.parametrize("stated", [b"/id-in/Ca", b"//cse.example/id-in/Ca"])
def test_longer_forms_of_an_originator(stated: bytes) -> None:
    entrance = Entrance()
    message = entrance.reply((int(Option.FROM), stated), REQUEST)
    entrance.receive(message, STRANGER)
    assert (entrance.engine.answers, entrance.engine.discards) == ([], {Discard.WRONG_ADDRESS: 1})
    entrance.receive(message)
    assert entrance.engine.answers == COUNTED


def test_an_answer_without_originator_is_malformed() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(REQUEST))
    assert (entrance.engine.answers, entrance.engine.discards) == ([], {Discard.MALFORMED: 1})


def test_a_confirmable_answer_is_acknowledged() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM, message_type=Type.CON))
    assert entrance.engine.answers == COUNTED
    assert entrance.sent == [(Message(Type.ACK, EMPTY, 5), DEVICE)]


@pytest.mark.parametrize("message_code", [EMPTY, POST])
def test_a_ping_and_a_request_are_reset(message_code: int) -> None:
    entrance = Entrance()
    entrance.receive(Message(Type.CON, message_code, 5))
    assert entrance.sent == [(Message(Type.RST, EMPTY, 5), DEVICE)]
    assert entrance.engine.answers == []


@pytest.mark.parametrize(
    "message", [Message(Type.NON, POST, 5), Message(Type.ACK, EMPTY, 5), Message(Type.RST, EMPTY, 5)]
)
def test_what_is_no_answer_is_ignored(message: Message) -> None:
    entrance = Entrance()
    entrance.receive(message)
    assert (entrance.sent, entrance.engine.answers, entrance.engine.discards) == ([], [], {})


def test_a_late_acknowledgement_still_brings_its_answer() -> None:
    entrance = Entrance()
    entrance.receive(entrance.reply(FROM, message_type=Type.ACK))
    assert entrance.engine.answers == COUNTED


@pytest.mark.parametrize("datagram", [b"", b"\x58", b"hello", bytes(MAX_ANSWER + 1)])
def test_bytes_that_are_no_message(datagram: bytes) -> None:
    entrance = Entrance()
    entrance.door.received(datagram, DEVICE)
    assert entrance.engine.discards == {Discard.MALFORMED: 1}


class NamingEngine(RecordingEngine):
    """Remembers which request a discard was counted for."""

    named = ""

    def discard(self, request_identifier: str, reason: Discard, count: int = 1) -> None:
        self.named = request_identifier


def test_a_damaged_answer_counts_for_the_request_of_its_token() -> None:
    engine = NamingEngine()
    entrance = Entrance(engine)
    entrance.door.received(encode(entrance.reply()) + b"\xff", DEVICE)
    assert engine.named == "r-1"


def test_an_oversized_answer_is_malformed() -> None:
    entrance = Entrance()
    whole = answer(Response(OK, {"con": "x" * MAX_ANSWER}), "r-1", "Ca")
    entrance.receive(Message(Type.NON, CHANGED, 5, entrance.token, whole.options, whole.payload))
    assert entrance.engine.discards == {Discard.MALFORMED: 1}
