"""The rules that a device of a group keeps, without sockets."""

from dataclasses import replace

import pytest

from cse.coap.message import EMPTY, Message, Option, Type, decode
from cse.coap.target import Endpoint, Target, path_to
from cse.primitive import OK, Response
from cse.testing.device import Faults, SimulatedDevice
from cse.timing import precise_timestamp
from plugins.udp_multicast.member import Listening, Member
from plugins.udp_multicast.messages import DeviceRequest, Membership, device_request, read_answer, read_request
from tests.plugins.udp_multicast.kit import device_request as request

NOW = 1_800_000_000.0
SERVER = Endpoint("127.0.0.1", 40000)
GROUP = Endpoint("239.192.0.1", 5683)
MEMBERSHIP = Membership("/id-in", "Ca", str(GROUP), "g01", 4.0)


def member(**faults: float) -> Member:
    created = Member(SimulatedDevice("Ca", faults=Faults(**faults)), "127.7.0.1", "Cb")  # type: ignore[arg-type]
    created.join(Listening(MEMBERSHIP, precise_timestamp(NOW - 1)))
    return created


def message(
    message_id: int = 1,
    rqi: str = "r-1",
    sent_at: float = NOW,
    target: Target = Target(GROUP, path_to("/id-in", "g01")),  # noqa: B008 - immutable
    message_type: Type = Type.NON,
    **changes: object,
) -> Message:
    written = device_request(request(rqi, sent_at, **changes), target, NOW + 60)  # type: ignore[arg-type]
    return replace(written, message_id=message_id, token=b"token", type=message_type)


def multicast(
    to: Member, sent: Message, *, source: Endpoint = SERVER, address: str = str(GROUP), now: float = NOW
) -> list[Message]:
    delay, answers = to.multicast(sent, source, address, now)
    assert 0 <= delay < MEMBERSHIP.window
    return [decode(answer) for answer in answers]


def unicast(to: Member, sent: Message, *, now: float = NOW) -> list[Message]:
    return [decode(answer) for answer in to.unicast(sent, SERVER, now, no_set_up)]


def no_set_up(to: Member, request: DeviceRequest) -> Response:
    raise AssertionError(f"{request} makes no membership of {to}")


def test_a_multicast_request_is_answered_on_its_own_with_the_same_token() -> None:
    meter = member()
    (reply,) = multicast(meter, message())
    assert (reply.type, reply.token) == (Type.NON, b"token")
    answer = read_answer(reply)
    assert (answer.request_identifier, answer.originator, answer.response.status_code) == ("r-1", "Ca", OK)
    assert meter.device.executions == 1


@pytest.mark.parametrize(
    "ignored",
    [
        message(target=Target(GROUP, path_to("/id-in", "g02"))),
        message(target=Target(GROUP, path_to("/id-other", "g01"))),
        message(target=Target(GROUP, path_to("/id-in", "g01"), ("Cx", "Ca"))),
        message(sent_at=NOW - 2),
    ],
)
def test_requests_that_are_not_for_this_member(ignored: Message) -> None:
    meter = member()
    assert multicast(meter, ignored) == []
    assert meter.device.executions == 0


def test_only_members_listen() -> None:
    meter = member()
    assert multicast(meter, message(), address="239.192.0.2:5683") == []
    meter.leave(read_request(MEMBERSHIP.leave("s", NOW)))
    assert multicast(meter, message()) == []
    assert meter.device.executions == 0


def test_the_same_message_again_is_ignored_for_its_lifetime() -> None:
    meter = member()
    assert len(multicast(meter, message())) == 1
    assert multicast(meter, message(), now=NOW + 144) == []
    assert len(multicast(meter, message(), now=NOW + 145)) == 1
    assert meter.device.executions == 1


def test_the_same_request_in_another_message_is_answered_from_memory() -> None:
    meter = member()
    first = multicast(meter, message(1))
    (again,) = multicast(meter, message(2))
    (from_elsewhere,) = multicast(meter, message(1), source=Endpoint("127.0.0.1", 40001))
    assert again.payload == from_elsewhere.payload == first[0].payload
    assert len({reply.message_id for reply in (*first, again, from_elsewhere)}) == 3
    assert meter.device.executions == 1


def test_a_confirmable_request_is_answered_within_the_acknowledgement_and_again_when_repeated() -> None:
    meter, sent = member(), message(message_type=Type.CON, target=Target(SERVER, path_to("/id-in", "Ca")))
    replies = unicast(meter, sent) + unicast(meter, sent)
    assert [(reply.type, reply.message_id) for reply in replies] == [(Type.ACK, 1)] * 2
    assert meter.device.executions == 1


def test_a_confirmable_request_that_is_older_than_another_is_acknowledged_only() -> None:
    meter = member()
    unicast(meter, message(1, "r-2", NOW + 1, message_type=Type.CON))
    assert unicast(meter, message(2, "r-1", NOW, message_type=Type.CON)) == [Message(Type.ACK, EMPTY, 2)]
    assert meter.device.executions == 1


def test_a_lost_answer_is_not_lost_for_ever() -> None:
    meter, sent = member(), message(message_type=Type.CON)
    meter.device.faults.answer_loss = 1.0
    assert unicast(meter, sent) == []
    meter.device.faults.answer_loss = 0.0
    assert len(unicast(meter, sent)) == 1
    assert meter.device.executions == 1


def test_a_device_takes_notifications_only() -> None:
    meter, sent = member(), message()
    create = replace(sent, options=(*sent.options, (int(Option.RESOURCE_TYPE), b"\4")))
    (reply,) = unicast(meter, create)
    assert read_answer(reply).response.status_code == 4005
    assert meter.device.executions == 0


def test_faults() -> None:
    assert multicast(member(request_loss=1.0), message()) == []
    assert multicast(member(answer_loss=1.0), message()) == []
    assert len(multicast(member(duplicates=2), message())) == 3
    (lie,) = multicast(member(lies=1.0), message())
    assert read_answer(lie).originator == "Cb"
    (rubbish,) = multicast(member(rubbish=1.0), message())
    assert rubbish.payload == b"\xff"


def test_the_latest_membership_of_an_address_counts() -> None:
    meter = member()
    meter.join(Listening(replace(MEMBERSHIP, segment="g02"), precise_timestamp(NOW - 1)))
    assert multicast(meter, message()) == []
    assert len(multicast(meter, message(target=Target(GROUP, path_to("/id-in", "g02"))))) == 1


def test_leaving_what_one_is_not_a_member_of() -> None:
    address, response = member().leave(read_request(replace(MEMBERSHIP, segment="g09").leave("s", NOW)))
    assert (address, response.status_code) == ("", 4004)
