import pytest

from plugins.lora_broadcast.network_server import (
    Command,
    Completed,
    Drop,
    Dropped,
    Event,
    GatewayFacts,
    GroupFacts,
    MemberFacts,
    Membership,
    MulticastDownlink,
    Offline,
    Queued,
    Ready,
    Sent,
    SetGroup,
    SetupSent,
    UnicastDownlink,
    Uplink,
)
from plugins.lora_broadcast.wire import Malformed, decode, encode
from tests.plugins.lora_broadcast.kit import facts_of

MESSAGES: list[Command | Event] = [
    SetGroup("g", ("a", "b")),
    SetGroup("g", (), True),
    Queued("1"),
    MulticastDownlink("1", "g", 10, b"\x00\xff", 1000),
    UnicastDownlink("1", "a", 10, b"", 1000),
    Ready("EU868"),
    Offline("why"),
    facts_of(1),
    GroupFacts("g", 0, ("gateway-1",)),
    MemberFacts("g", "a", Membership.JOINED),
    GatewayFacts("gateway-1", "869.4-869.65", 360_000_000),
    SetupSent("g", "gateway-1", 1),
    Sent("1", "gateway-1", 2_793_472),
    Completed("1"),
    Dropped("1", Drop.DUTY_CYCLE, "why"),
    Uplink("a", 7, 10, b"\x01"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_come_back_exactly(message: Command | Event) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"type":"Unknown"}',
        b'{"type":"Completed"}',
        b'{"type":"Completed","id":7}',
        b'{"type":"Sent","id":"1","gateway":"g","airtime_us":true}',
        b'{"type":"SetGroup","group":"g","devices":[1]}',
        b'{"type":"Dropped","id":"1","reason":"BORED","sentence":""}',
        b'{"type":"Uplink","device":"a","counter":1,"port":1,"payload":"zz"}',
        b'{"type":["x"]}',
    ],
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(Malformed, match="not a message"):
        decode(line)
