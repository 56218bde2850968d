"""Signed broadcasts over the air."""

from dataclasses import replace
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cse.network import Reason, Unreachable
from cse.protection import Keys, Protection, Refusal, Refused, Trust
from cse.testing.meters import refusals as refused_by
from plugins.lora_broadcast.codec import REQUEST_PORT, CampaignMessage
from plugins.lora_broadcast.network_server import Command, MulticastDownlink
from plugins.lora_broadcast.regions import EU868
from plugins.lora_broadcast.settings import LoRaSettings
from plugins.lora_broadcast.signing import SIGNED_PORT, Signing, is_test_network, verified
from tests.plugins.lora_broadcast.kit import GROUP, delivery_of, device_request, instruction, one_gateway
from tests.plugins.lora_broadcast.scene import BROADCAST, Scene, Start, refusals

KEYS = Keys(signing=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
TRUST = Trust.of("/id-in", [KEYS.public])
SIGNING = Signing(Protection("/id-in", KEYS), LoRaSettings())
ADDRESS = 0xFF000001
WIDE, NARROW = 222, 51
# Devices that keep so much in reserve use the slowest data rate.
SLOW = replace(one_gateway(), margin=80.0)

Guarded = partial(Scene, keys=KEYS, trust=TRUST)


def refusal(port: int, payload: bytes, address: int = ADDRESS, trust: Trust = TRUST) -> Refusal | None:
    try:
        verified(port, payload, address, trust)
    except Refused as refused:
        return refused.refusal
    return None


@given(st.binary(max_size=150))
def test_what_is_signed_is_accepted_and_always_the_same(payload: bytes) -> None:
    port, frame = SIGNING.frame(payload, ADDRESS, WIDE)
    assert port == SIGNED_PORT
    assert len(frame) == SIGNING.length(len(payload), WIDE)
    assert verified(port, frame, ADDRESS, TRUST) == payload
    assert SIGNING.frame(payload, ADDRESS, WIDE) == (port, frame)


@given(st.binary(max_size=50), st.data())
def test_any_changed_byte_is_refused(payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(SIGNING.frame(payload, ADDRESS, WIDE)[1])
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    assert refusal(SIGNED_PORT, bytes(frame)) == Refusal.FORGED


def test_a_broadcast_to_one_group_is_none_to_another() -> None:
    _, frame = SIGNING.frame(b"payload", ADDRESS, WIDE)
    assert refusal(SIGNED_PORT, frame, ADDRESS + 1) == Refusal.FORGED
    assert refusal(SIGNED_PORT, frame[:20]) == Refusal.FORGED
    assert refusal(REQUEST_PORT, b"payload") == Refusal.UNSIGNED


def test_a_device_without_keys_takes_everything() -> None:
    nobody = Trust({})
    _, frame = SIGNING.frame(b"payload", ADDRESS, WIDE)
    assert verified(SIGNED_PORT, frame, ADDRESS, nobody) == verified(REQUEST_PORT, b"payload", ADDRESS, nobody)


def test_a_signature_that_does_not_fit_is_left_away_only_if_that_is_allowed() -> None:
    lenient = Signing(Protection("/id-in", KEYS), LoRaSettings(allow_unsigned=True))
    assert lenient.frame(b"payload", ADDRESS, NARROW) == (REQUEST_PORT, b"payload")
    assert lenient.length(7, NARROW) == 7
    assert SIGNING.length(7, NARROW) == lenient.length(7, WIDE) == 71
    assert lenient.frame(b"payload", ADDRESS, WIDE) == SIGNING.frame(b"payload", ADDRESS, WIDE)


@pytest.mark.parametrize(
    ("address", "is_test"),
    [("", True), ("127.0.0.1:1680", True), ("[::1]:1680", True), ("10.0.0.1:1680", False), ("nonsense", False)],
)
def test_where_broadcasts_may_go_unsigned(address: str, is_test: bool) -> None:
    assert is_test_network(address) is is_test
    unsigned = Signing(Protection("/id-in"), LoRaSettings(network_server=address))
    assert (unsigned.refusal == "") is is_test
    assert Signing(Protection("/id-in", KEYS), LoRaSettings(network_server=address)).refusal == ""
    allowed = LoRaSettings(network_server=address, allow_unsigned=True)
    assert Signing(Protection("/id-in"), allowed).refusal == ""


async def test_an_unsigned_broadcast_is_not_offered_beyond_this_machine(start: Start) -> None:
    made = await start(Scene(count=2, settings=LoRaSettings(network_server="10.0.0.1:1680")))
    await made.join()
    (first, _) = await made.reaches(device_request())
    assert refusals(first) == {BROADCAST: Reason.SECURITY}
    (excluded,) = (item for item in first if isinstance(item, Unreachable))
    assert "allow_unsigned" in excluded.detail


async def test_a_signed_campaign(start: Start) -> None:
    made = await start(Guarded(count=3))
    await made.join()
    way = await made.way(device_request(), broadcast=True)
    delivery, airtimes = delivery_of(device_request(), way, made.hosts)
    await made.deliver(delivery)
    assert sorted(made.answered("r1")) == ["Clora0001", "Clora0002", "Clora0003"]
    assert refused_by(made.meters.values()) == {}
    # What was on the air is what the planner had been told.
    room = EU868.data_rates[5]
    assert airtimes == [room.airtime(way.offer.payload, uplink=False) / 1000]


async def test_a_unicast_needs_no_signature(start: Start) -> None:
    made = await start(Guarded(count=1))
    way = await made.way(device_request(), broadcast=False)
    await made.deliver(delivery_of(device_request(), way, made.hosts)[0])
    assert made.answered("r1") == ["Clora0001"]


@pytest.mark.parametrize(("allowed", "payload"), [(False, 33 + 64), (True, 33)])
async def test_at_the_slowest_data_rate_a_signature_does_not_fit(start: Start, allowed: bool, payload: int) -> None:
    made = await start(Guarded(SLOW, count=2, settings=LoRaSettings(allow_unsigned=allowed, max_fragments=0)))
    await made.join()
    offer = (await made.way(device_request(), broadcast=True)).offer
    assert (offer.payload, offer.max_payload) == (payload, NARROW)


def forge(made: Scene, frame: bytes, port: int = SIGNED_PORT) -> None:
    """What somebody sends who has the group's keys of LoRaWAN."""
    made.simulation.handle(MulticastDownlink(f"forged-{len(frame)}-{port}", GROUP, port, frame, 10_000_000))
    made.simulation.run(60)


def capture(made: Scene, captured: list[MulticastDownlink]) -> None:
    """Listen to the broadcasts."""
    handle = made.simulation.handle

    def listening(command: Command) -> None:
        if isinstance(command, MulticastDownlink):
            captured.append(command)
        handle(command)

    made.simulation.handle = listening  # type: ignore[method-assign]


async def test_forged_and_replayed_broadcasts_are_ignored_and_counted(start: Start) -> None:
    made = await start(Guarded(count=2))
    await made.join()
    captured: list[MulticastDownlink] = []
    capture(made, captured)
    for identifier in ("r1", "r2"):
        way = await made.way(device_request(identifier), broadcast=True)
        await made.deliver(delivery_of(device_request(identifier), way, made.hosts)[0])
    old = captured[0].payload
    evil = CampaignMessage(99, 4, instruction(60)).encode()
    forge(made, evil, REQUEST_PORT)
    forge(made, bytes(64) + evil)
    forge(made, old[:64] + evil)
    forge(made, old)
    assert refused_by(made.meters.values()) == {Refusal.UNSIGNED: 2, Refusal.FORGED: 4, Refusal.REPLAYED: 2}
    assert [meter.executions for meter in made.meters.values()] == [2, 2]
    assert {meter.interval for meter in made.meters.values()} == {900}
