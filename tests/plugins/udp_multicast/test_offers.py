import asyncio

import pytest

from cse.coap.message import Message
from cse.coap.target import Endpoint, Target
from cse.network import Host, Offer, Reason, Unreachable, Way
from cse.protection import Protection
from plugins.udp_multicast import messages
from plugins.udp_multicast.offers import Audience, Menu, size
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Member, Session, State
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.kit import GROUP, device_request

NOW = 1_800_000_000.0
ADDRESS = Endpoint("239.192.0.1", 5683)
UNPROTECTED = Sealer(Protection("/id-in"), encrypts=False)


def message(address: str) -> Message:
    return messages.device_request(device_request(), Target.parse(address), NOW)


def where(number: int) -> Endpoint:
    return Endpoint(f"127.7.0.{number}", 5683)


def hosts(count: int) -> list[Host]:
    return [Host(f"Cmeter{number}", (f"coap://{where(number)}",)) for number in range(count)]


def session(*states: State) -> Session:
    members = {f"Cmeter{number}": Member(where(number), state) for number, state in enumerate(states)}
    return Session(GROUP, ADDRESS, 2.0, members=members)


def menu(count: int, known: Session | None, group: str = GROUP, content: object = None, **settings: object) -> Menu:
    request = device_request() if content is None else device_request(content=content)
    values = UdpMulticastSettings(**settings)  # type: ignore[arg-type]
    audience = asyncio.run(Audience.of(hosts(count), known))
    return Menu(values, "/id-in", audience, request, NOW, group, known, UNPROTECTED)


def multicast(offered: Menu, number: int = 0) -> Way | Unreachable:
    return offered.reach(hosts(number + 1)[number], where(number))[1]


def test_unicast_and_multicast_to_a_joined_device() -> None:
    offered = menu(2, session(State.JOINED, State.JOINED)).reach(hosts(2)[1], where(1))
    unicast, broadcast = offered
    assert isinstance(unicast, Way)
    assert isinstance(broadcast, Way)
    assert unicast.address == "coap://127.7.0.1:5683/~/id-in/Cmeter1"
    assert (unicast.offer.id, unicast.offer.network, unicast.offer.broadcast) == ("udp-unicast", "udp-multicast", False)
    assert (broadcast.offer.id, broadcast.offer.broadcast) == (f"udp-multicast:{GROUP}", True)
    assert broadcast.address == f"coap://239.192.0.1:5683/~/id-in/{session().segment}"
    # The answer window of the session and the time that a request and an answer travel.
    assert broadcast.offer.latency(2) == 2500


def test_costs_come_from_the_settings() -> None:
    offered = menu(
        2,
        session(State.JOINED, State.JOINED),
        unicast_cost=7,
        multicast_fixed_cost=8,
        multicast_member_cost=9,
        multicast_loss_ppm=10,
        max_datagram=500,
    )
    unicast, broadcast = (way.offer for way in offered.reach(hosts(1)[0], where(0)) if isinstance(way, Way))
    assert (unicast.fixed, unicast.per_member, unicast.loss_ppm, unicast.max_payload) == (0, 7, 0, 500)
    assert (broadcast.fixed, broadcast.per_member, broadcast.loss_ppm, broadcast.max_payload) == (8, 9, 10, 500)


def test_the_payload_is_the_size_of_the_datagram() -> None:
    offered = menu(11, session(*[State.JOINED] * 11))
    unicast, broadcast = offered.reach(hosts(11)[10], where(10))
    assert isinstance(unicast, Way)
    assert isinstance(broadcast, Way)
    for offer, address in (unicast, broadcast):
        assert offer.payload == size(message(address), UNPROTECTED) < 250


def test_all_hosts_share_one_offer() -> None:
    offered = menu(3, session(*[State.JOINED] * 3))
    offers = {id(way.offer) for number in range(3) for way in offered.reach(hosts(3)[number], where(number))}
    assert len(offers) == 2


def test_without_a_group_there_is_unicast_only() -> None:
    offered = menu(1, None, group="").reach(hosts(1)[0], where(0))
    assert [type(way) for way in offered] == [Way]


@pytest.mark.parametrize("state", [State.INVITED, State.LEAVING])
def test_a_device_that_has_not_acknowledged_is_not_joined(state: State) -> None:
    excluded = multicast(menu(2, session(State.JOINED, state)), 1)
    assert isinstance(excluded, Unreachable)
    assert (excluded.offer, excluded.reason) == (f"udp-multicast:{GROUP}", Reason.NOT_JOINED)


def test_a_device_that_has_moved_is_not_joined() -> None:
    moved = menu(1, session(State.JOINED)).reach(hosts(1)[0], where(9))[1]
    assert isinstance(moved, Unreachable)
    assert moved.reason is Reason.NOT_JOINED


def test_a_group_without_session() -> None:
    excluded = multicast(menu(1, None))
    assert isinstance(excluded, Unreachable)
    assert excluded.reason is Reason.NOT_JOINED


@pytest.mark.parametrize("state", State)
def test_everybody_who_may_listen_and_is_not_meant_is_named(state: State) -> None:
    offered = multicast(menu(2, session(State.JOINED, State.JOINED, state)))
    assert isinstance(offered, Way)
    assert offered.address.endswith("?except=Cmeter2")
    assert offered.offer.payload == size(message(offered.address), UNPROTECTED)


def test_too_many_others_would_hear_it() -> None:
    known = session(*[State.JOINED] * 12)
    excluded = multicast(menu(3, known))
    assert isinstance(excluded, Unreachable)
    assert excluded.reason is Reason.SECURITY
    assert "9 others would hear it, Cmeter10 for example" in excluded.detail
    assert isinstance(multicast(menu(3, known, max_exclusions=9)), Way)


def test_unsigned_multicast_outside_loopback() -> None:
    excluded = multicast(menu(1, session(State.JOINED), interface="192.0.2.1"))
    assert isinstance(excluded, Unreachable)
    assert excluded.reason is Reason.SECURITY
    assert "allow_unsigned" in excluded.detail
    assert isinstance(multicast(menu(1, session(State.JOINED), interface="192.0.2.1", allow_unsigned=True)), Way)


def test_a_request_that_cannot_be_written() -> None:
    request = device_request("x" * 300)
    offered = Menu(
        UdpMulticastSettings(),
        "/id-in",
        Audience("Cmeter0", []),
        request,
        NOW,
        GROUP,
        session(State.JOINED),
        UNPROTECTED,
    )
    reasons = [way.reason for way in offered.reach(hosts(1)[0], where(0)) if isinstance(way, Unreachable)]
    assert reasons == [Reason.PAYLOAD_TOO_LARGE, Reason.PAYLOAD_TOO_LARGE]


def test_a_large_request_says_how_large_it_is() -> None:
    offered = menu(1, session(State.JOINED), content={"con": "x" * 5000}).reach(hosts(1)[0], where(0))
    offers: list[Offer] = [way.offer for way in offered if isinstance(way, Way)]
    assert all(offer.payload > 5000 > offer.max_payload for offer in offers)
