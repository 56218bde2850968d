"""What a CSE carries out that knows the key of the group host, and how it signs what it answers."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cse.coap import primitives
from cse.coap.message import Message, Option, decode, encode
from cse.primitive import OK, Operation, Response
from cse.protection import Keys, Protection, Refusal
from cse.testing.clock import ManualClock
from cse.testing.engine import RecordingEngine
from plugins.udp_multicast.sealing import Sealer, is_genuine
from tests.plugins.udp_multicast.cses.kit import CSE, GROUP_HOST, MEMBERS, Scene, membership, scene

HOME, OURS, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
KEYS = Keys(signing=OURS, trusted={GROUP_HOST: (HOME.public_key(),), "/id-third": (STRANGER.public_key(),)})
GROUP_HOSTS_VIEW = Protection(GROUP_HOST, Keys(signing=HOME, trusted={CSE: (OURS.public_key(),)}))


def engine() -> RecordingEngine:
    large = {"m2m:cnt": {"rn": "x" * 400}}
    return RecordingEngine(ManualClock(), keys=KEYS, respond=lambda request: Response(OK, large))


def signed(one: Scene, key: Ed25519PrivateKey = HOME, message_id: int = 1, made: float = 1.0, **changes: str) -> bytes:
    """A request of the group host, made so many seconds after the member host has begun."""
    request = one.request(
        Operation.RETRIEVE, originating_timestamp=one.expires(made), request_expiration=one.expires(60), **changes
    )
    message = decode(one.datagram(request, message_id))
    return encode(Sealer(Protection(GROUP_HOST, Keys(signing=key)), encrypts=False).sign(message))


async def test_what_the_group_host_has_signed_is_carried_out_once() -> None:
    async with scene(engine=engine()) as one:
        one.host.memberships.join(membership(one.port))
        one.hears(signed(one))
        await one.answers(1)
        one.hears(signed(one))
        assert len(one.engine.requests) == len(MEMBERS)
        assert one.host.ignored == {Refusal.REPLAYED: 1}


@pytest.mark.parametrize("key", [OURS, STRANGER], ids=["of ours", "of another that is trusted"])
async def test_other_keys_do_not_count(key: Ed25519PrivateKey) -> None:
    async with scene(engine=engine()) as one:
        one.host.memberships.join(membership(one.port))
        one.hears(signed(one, key))
        one.hears(one.datagram(one.request(), message_id=2))
        assert one.host.ignored == {Refusal.FORGED: 1, Refusal.UNSIGNED: 1}
        assert one.engine.requests == []


@pytest.mark.parametrize(("made", "refusal"), [(-1.0, Refusal.REPLAYED), (301.0, Refusal.EXPIRED)])
async def test_what_may_have_come_before_the_start_or_is_of_no_time(made: float, refusal: Refusal) -> None:
    async with scene(engine=engine()) as one:
        one.host.memberships.join(membership(one.port))
        one.hears(signed(one, made=made))
        assert one.host.ignored == {refusal: 1}


async def test_without_a_moment_nothing_is_carried_out() -> None:
    async with scene(engine=engine()) as one:
        one.host.memberships.join(membership(one.port))
        message = primitives.write(one.request(), ("~", *f"{GROUP_HOST}/c1".strip("/").split("/")))
        bare = replace(message, message_id=1, token=b"12345678")
        one.hears(encode(Sealer(Protection(GROUP_HOST, Keys(signing=HOME)), encrypts=False).sign(bare)))
        assert one.host.ignored == {Refusal.EXPIRED: 1}


async def test_answers_are_signed() -> None:
    async with scene(engine=engine()) as one:
        one.host.memberships.join(membership(one.port))
        one.hears(signed(one))
        ((message, _, _),) = await one.answers(1)
        bare = tuple(option for option in message.options if option[0] != Option.AUTHENTICATION)
        changed = replace(message, payload=message.payload[:-1] + b"y")
        assert genuine(message)
        assert not genuine(changed)
        assert not genuine(replace(message, options=bare))
        assert not is_genuine(decode(signed(one)), "r-1", CSE, GROUP_HOSTS_VIEW)
        assert is_genuine(changed, "r-1", CSE, Protection(GROUP_HOST))


@pytest.mark.parametrize("limit", range(480, 640, 20))
async def test_answers_fit_with_their_signature(limit: int) -> None:
    async with scene(engine=engine(), max_datagram=limit) as one:
        one.host.memberships.join(membership(one.port))
        one.hears(signed(one))
        messages = [message for message, _, _ in await one.answers(1)]
        assert all(genuine(message) and len(encode(message)) <= limit for message in messages)


def genuine(message: Message) -> bool:
    return is_genuine(message, "r-1", CSE, GROUP_HOSTS_VIEW)
