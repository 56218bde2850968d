"""What a CSE does with what comes to a multicast address."""

import asyncio
import socket
from collections import Counter
from typing import Any

import pytest

from cse.coap.message import Type
from cse.primitive import OK, Operation, Request, Response
from cse.testing.clock import ManualClock
from cse.testing.engine import RecordingEngine
from plugins.udp_multicast.cses.member_host import Ignored
from tests.plugins.udp_multicast.cses.kit import CSE, GROUP_HOST, HOME, IP, MEMBERS, membership, scene


def echo(request: Request) -> Response:
    return Response(OK, {"m2m:cnt": {"rn": request.to}})


def item(member: str, rqi: str = "r-1", tail: str = "") -> dict[str, Any]:
    return {"rsc": OK, "rqi": rqi, "fr": member, "pc": {"m2m:cnt": {"rn": f"{member}{tail}"}}}


async def test_each_member_gets_the_request_and_they_answer_together() -> None:
    async with scene(respond=echo) as one:
        one.host.memberships.join(membership(one.port))
        sent = one.request(
            Operation.CREATE,
            resource_type=4,
            content={"m2m:cin": {"con": "x"}},
            group_request_identifier="id-home.7",
            request_expiration=one.expires(60),
        )
        one.hears(one.datagram(sent, tail="box"))
        ((message, answer, destination),) = await one.answers(1)
        assert (message.type, message.token, destination) == (Type.NON, b"12345678", HOME)
        assert (answer.request_identifier, answer.originator) == ("r-1", CSE)
        assert answer.response.content == {"m2m:agr": {"m2m:rsp": [item(member, tail="/box") for member in MEMBERS]}}
        expected = [sent.derive(to=f"{member}/box", sender=HOME.ip) for member in MEMBERS]
        assert one.engine.requests == expected


async def test_one_member_answers_for_itself() -> None:
    async with scene(respond=echo) as one:
        one.host.memberships.join(membership(one.port, MEMBERS[:1]))
        one.hears(one.datagram(one.request()))
        ((_, answer, _),) = await one.answers(1)
        assert answer.response == echo(Request(Operation.RETRIEVE, MEMBERS[0], "", ""))


async def test_it_hears_what_is_sent_to_the_address_and_answers_the_sender() -> None:
    async with scene(respond=echo) as one:
        one.host.memberships.join(membership(one.port, MEMBERS[:1]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as home:
            home.bind(("127.0.11.1", 0))
            home.sendto(one.datagram(one.request()), (IP, one.port))
            await one.answers(1)
            assert one.sent[0][1] == home.getsockname()


async def test_a_request_is_carried_out_once() -> None:
    async with scene() as one:
        one.host.memberships.join(membership(one.port, MEMBERS[:1]))
        for message_id in (1, 1, 2):  # a copy, and the same request in another message
            one.hears(one.datagram(one.request(), message_id))
        one.hears(one.datagram(one.request(rqi="r-2"), 1))  # a message identifier that is in use
        one.hears(one.datagram(one.request(rqi="r-3"), 3))
        await one.answers(2)
        assert [request.request_identifier for request in one.engine.requests] == ["r-1", "r-3"]
        assert one.host.ignored == {Ignored.DUPLICATE: 3}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to": f"{GROUP_HOST}/c2"}, Ignored.NOT_MEANT),
        ({"to": "/id-other/c1"}, Ignored.NOT_MEANT),
        ({"originator": CSE}, Ignored.NOT_MEANT),
        ({"request_expiration": "20200101T000000"}, Ignored.EXPIRED),
        ({"request_expiration": "5000"}, Ignored.MALFORMED),
    ],
)
async def test_what_is_not_for_it_is_counted_and_nobody_is_told(changes: dict[str, str], reason: Ignored) -> None:
    async with scene() as one:
        one.host.memberships.join(membership(one.port))
        one.hears(one.datagram(one.request().derive(**changes)))
        assert one.host.ignored == {reason: 1}
        assert (one.engine.requests, one.sent) == ([], [])


async def test_what_is_no_multicast_request_is_counted() -> None:
    async with scene() as one:
        one.host.memberships.join(membership(one.port))
        one.hears(one.datagram(one.request(), type=Type.CON))
        for rubbish in (b"", b"\x50", b"\xff" * 40):
            one.hears(rubbish)
        assert one.host.ignored == {Ignored.NO_MULTICAST_REQUEST: 1, Ignored.MALFORMED: 3}


class Gate:
    """Responds when it is opened."""

    def __init__(self, engine: RecordingEngine) -> None:
        self.opened = asyncio.Event()
        self.engine = engine

    async def __call__(self, request: Request) -> Response:
        self.engine.requests.append(request)
        await self.opened.wait()
        return Response(OK)


async def test_there_is_a_limit_to_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(max_heard_requests=2) as one:
        gate = Gate(one.engine)
        monkeypatch.setattr(one.engine, "request", gate)
        one.host.memberships.join(membership(one.port))
        for number in range(3):
            one.hears(one.datagram(one.request(rqi=f"r-{number}"), number))
        assert one.host.ignored == {Ignored.OVERLOAD: 1}
        gate.opened.set()
        await one.answers(2)
        one.hears(one.datagram(one.request(rqi="r-2"), 4))  # it has not been forgotten, only refused
        await one.answers(3)


async def waiting_for(window: float | None) -> list[float]:
    """When each of 40 requests is answered."""
    clock = ManualClock()
    moments: list[float] = []
    async with scene(engine=RecordingEngine(clock), max_heard_requests=100) as one:
        one.host.memberships.join(membership(one.port, MEMBERS[:1], window))
        start = clock.now()
        for number in range(40):
            one.hears(one.datagram(one.request(rqi=f"r-{number}"), number))
        while len(moments) < 40:
            await clock.advance(0.25)
            moments += [clock.now() - start] * (len(one.sent) - len(moments))
            assert clock.now() < start + 10
    return moments


@pytest.mark.parametrize(("window", "longest"), [(2.0, 2.0), (None, 5.0)])
async def test_answers_are_spread_over_the_window(window: float | None, longest: float) -> None:
    moments = await waiting_for(window)
    assert moments[0] <= longest / 2 <= moments[-1] <= longest + 0.25
    assert len(Counter(moments)) > 4


async def test_somebody_else_may_collect_the_answers() -> None:
    async with scene(respond=echo) as one:
        one.host.memberships.join(membership(one.port, response_target="/id-other"))
        one.hears(one.datagram(one.request()))
        await one.engine.until(lambda: len(one.engine.requests) == 3)
        told = one.engine.requests[-1]
        assert (told.operation, told.to, told.originator) == (Operation.NOTIFY, "/id-other", CSE)
        assert told.content == {
            "m2m:rsp": {"rsc": OK, "rqi": "r-1", "pc": {"m2m:agr": {"m2m:rsp": [item(one) for one in MEMBERS]}}}
        }
        assert one.sent == []


async def test_what_it_cannot_send_is_lost() -> None:
    async with scene() as one:
        one.host.memberships.join(membership(one.port, MEMBERS[:1]))
        one.wire.broken = True
        one.hears(one.datagram(one.request()))
        await one.wire.tried.wait()
        one.wire.broken = False
        one.hears(one.datagram(one.request(rqi="r-2"), 2))
        ((_, answer, _),) = await one.answers(1)
        assert answer.request_identifier == "r-2"
