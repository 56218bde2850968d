"""What a member that wants signatures lets through."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cse.coap.message import Message, Option, Type
from cse.coap.target import Endpoint, Target, path_to
from cse.primitive import error_response
from cse.protection import Protection, Refusal, Trust
from cse.protection.freshness import SKEW
from cse.testing.device import SimulatedDevice
from cse.timing import precise_timestamp
from plugins.udp_multicast.guard import REMEMBERED_TRACKS, Guard
from plugins.udp_multicast.member import Listening, Member
from plugins.udp_multicast.messages import DeviceRequest, Membership, device_request
from plugins.udp_multicast.sealing import Sealer
from tests.plugins.udp_multicast.keys import KEYS, secret_of
from tests.plugins.udp_multicast.kit import device_request as request

NOW = 1_800_000_000.0
SERVER, ATTACKER = Endpoint("127.0.0.1", 40000), Endpoint("127.7.0.66", 5683)
GROUP = Endpoint("239.192.0.1", 5683)
SEALER = Sealer(Protection("/id-in", KEYS), encrypts=False)
SECRETIVE = Sealer(Protection("/id-in", KEYS), encrypts=True)
FORGER = Sealer(Protection("/id-in", replace(KEYS, signing=Ed25519PrivateKey.generate())), encrypts=True)
DAY = 86400.0


def member(secret: bool = False) -> Member:
    """It listens to the group g01 since a second."""
    guard = Guard(Trust.of("/id-in", [KEYS.public]), secret_of("Cm1"))
    created = Member(SimulatedDevice("Cm1"), "127.7.0.1", "Cm2", guard)
    known = Protection("/id-in", KEYS).secret_of_group("/id-in/g01") if secret else None
    listening = Listening(Membership("/id-in", "Cm1", str(GROUP), "g01", 4.0, known), precise_timestamp(NOW - 1))
    created.join(listening)
    return created


def message(message_id: int = 1, rqi: str = "r-1", made: float = NOW, *, to: str = "g01", **changes: Any) -> Message:
    """A multicast request to g01, or CON to a device, still to be signed."""
    expires = changes.pop("expires", NOW + DAY)
    written = device_request(request(rqi, made, **changes), Target(GROUP, path_to("/id-in", to)), expires)
    kind = Type.NON if to.startswith("g") else Type.CON
    return replace(written, type=kind, message_id=message_id, token=b"token")


def multicast(to: Member, sent: Message, source: Endpoint = SERVER, now: float = NOW) -> int:
    """How many answers there are."""
    return len(to.multicast(sent, source, str(GROUP), now)[1])


def unicast(to: Member, sent: Message, source: Endpoint = SERVER, now: float = NOW) -> int:
    return len(to.unicast(sent, source, now, joining))


def joining(to: Member, request: DeviceRequest) -> Any:
    return to.join(Listening(Membership.read(request), request.originating_timestamp))


def seen(of: Member) -> tuple[int, Counter[Refusal]]:
    """What the device has carried out, and what it has refused."""
    return of.device.executions, of.device.refused


def test_an_honest_campaign_by_multicast_then_by_unicast() -> None:
    meter = member()
    assert multicast(meter, SEALER.sign(message(1))) == 1
    assert multicast(meter, SEALER.sign(message(1))) == 0
    repair = SEALER.sign(message(2, to="Cm1"))
    assert [unicast(meter, repair), unicast(meter, repair)] == [1, 1]
    assert multicast(meter, SEALER.sign(message(3, "r-2", NOW + 1))) == 1
    assert seen(meter) == (2, {})


def test_what_has_no_signature_of_the_cse_is_ignored() -> None:
    meter = member(secret=True)
    assert multicast(meter, message()) == 0
    assert multicast(meter, FORGER.sign(message())) == 0
    assert multicast(meter, FORGER.sign(FORGER.to_group(message()))) == 0
    assert unicast(meter, message(to="Cm1")) == 0
    assert seen(meter) == (0, {Refusal.UNSIGNED: 2, Refusal.FORGED: 2})


def test_a_captured_message_is_good_for_nothing() -> None:
    meter, captured = member(), SEALER.sign(message())
    assert multicast(meter, captured) == 1
    assert multicast(meter, captured, ATTACKER) == 0
    assert multicast(meter, captured, SERVER, NOW + 200) == 0
    assert unicast(meter, captured, ATTACKER) == 0
    assert multicast(meter, SEALER.sign(message(2, "r-2", NOW + 1))) == 1
    assert multicast(meter, captured, ATTACKER, NOW + 300) == 0
    assert seen(meter) == (2, {Refusal.REPLAYED: 3, Refusal.MISDIRECTED: 1})


def test_nor_is_it_at_a_member_that_has_missed_it_and_heard_a_newer_one() -> None:
    meter, missed = member(), SEALER.sign(message())
    assert multicast(meter, SEALER.sign(message(2, "r-2", NOW + 1))) == 1
    assert multicast(meter, missed, ATTACKER) == 0
    assert seen(meter) == (1, {Refusal.REPLAYED: 1})


def test_nor_at_a_member_that_has_restarted() -> None:
    meter, captured = member(), SEALER.sign(message())
    assert multicast(meter, captured) == 1
    groups = dict(meter.groups)
    meter.restart()
    assert multicast(meter, captured, ATTACKER) == 0
    meter.groups.update(groups)
    assert multicast(meter, captured, ATTACKER) == 0
    assert seen(meter) == (1, {Refusal.REPLAYED: 1})


@pytest.mark.parametrize(
    ("made", "expires", "now"),
    [(NOW, NOW + 60, NOW + 61 + SKEW), (NOW + SKEW + 1, NOW + DAY, NOW), (NOW, math.inf, NOW + SKEW + 1)],
)
def test_nor_when_its_time_is_over_or_has_not_come(made: float, expires: float, now: float) -> None:
    meter = member()
    assert multicast(meter, SEALER.sign(message(made=made, expires=expires)), now=now) == 0
    assert seen(meter) == (0, {Refusal.EXPIRED: 1})


@pytest.mark.parametrize("moment", [None, b"yesterday"])
def test_a_request_of_no_time_is_ignored(moment: bytes | None) -> None:
    meter, sent = member(), message(to="Cm1")
    options = [pair for pair in sent.options if pair[0] != Option.ORIGINATING_TIMESTAMP]
    timed = [] if moment is None else [(int(Option.ORIGINATING_TIMESTAMP), moment)]
    assert unicast(meter, SEALER.sign(replace(sent, options=(*options, *timed)))) == 0
    assert seen(meter) == (0, {Refusal.EXPIRED: 1})


def test_a_request_for_others_is_ignored() -> None:
    meter = member()
    assert multicast(meter, SEALER.sign(message(to="g02"))) == 0
    assert unicast(meter, SEALER.sign(message(to="Cm2"))) == 0
    assert unicast(meter, SEALER.sign(message())) == 0
    assert seen(meter) == (0, {Refusal.MISDIRECTED: 3})


def test_a_request_that_excludes_the_device_is_ignored_without_being_wrong() -> None:
    meter = member()
    written = device_request(request(now=NOW), Target(GROUP, path_to("/id-in", "g01"), ("Cm1",)), NOW + DAY)
    assert multicast(meter, SEALER.sign(written)) == 0
    assert seen(meter) == (0, {})


def test_encrypted_requests() -> None:
    meter, stranger = member(secret=True), member()
    sent = SECRETIVE.sign(SECRETIVE.to_group(message()))
    assert (multicast(meter, sent), multicast(stranger, sent)) == (1, 0)
    assert seen(stranger) == (0, {Refusal.UNREADABLE: 1})
    assert unicast(meter, SECRETIVE.sign(SECRETIVE.to_device(message(2, "r-2", NOW + 1, to="Cm1"), "Cm1"))) == 1
    assert seen(meter) == (2, {})


def set_up(segment: str, made: float, message_id: int, *, leave: bool = False) -> Message:
    membership = Membership("/id-in", "Cm1", f"239.192.0.9:{message_id}", segment, 4.0)
    make = membership.leave if leave else membership.join
    return SEALER.sign(replace(make(f"setup-{message_id}", made), message_id=message_id, token=b"token"))


def test_only_the_cse_says_where_to_listen() -> None:
    meter = member()
    unsigned = replace(set_up("g05", NOW, 5), options=set_up("g05", NOW, 5).options[:-1])
    assert unicast(meter, unsigned, ATTACKER) == 0
    assert list(meter.groups) == [str(GROUP)]
    sent = set_up("g05", NOW, 5)
    assert [unicast(meter, sent), unicast(meter, sent)] == [1, 1]
    assert "239.192.0.9:5" in meter.groups
    assert seen(meter) == (0, {Refusal.UNSIGNED: 1})


def test_set_ups_of_different_groups_may_overtake_one_another_but_none_comes_back() -> None:
    meter = member()
    older, newer = set_up("g05", NOW, 5), set_up("g06", NOW + 1, 6)
    assert [unicast(meter, newer), unicast(meter, older)] == [1, 1]
    later = set_up("g05", NOW + 2, 7)
    assert unicast(meter, later) == 1
    assert unicast(meter, older, ATTACKER) == 0
    assert unicast(meter, SEALER.sign(message(8, made=NOW - 10, to="Cm1"))) == 1
    assert seen(meter) == (1, {Refusal.REPLAYED: 1})


def test_what_a_member_remembers_is_bounded() -> None:
    meter = member()
    for number in range(REMEMBERED_TRACKS + 5):
        assert unicast(meter, set_up(f"g{number:03}", NOW + number, number)) == 1
    assert len(meter.guard._tracks) == REMEMBERED_TRACKS


def test_a_set_up_without_meaning_is_answered_once() -> None:
    meter = member()
    broken = Membership("/id-in", "Cm1", "x", "g01", 4.0).join("s", NOW)
    sent = SEALER.sign(replace(broken, payload=b"\xa0", message_id=9))
    refusing = error_response(5216, "no")
    assert len(meter.unicast(sent, SERVER, NOW, lambda to, request: refusing)) == 1
