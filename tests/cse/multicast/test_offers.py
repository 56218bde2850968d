"""Whom a multicast to other CSEs is offered for, and whom not."""

from collections.abc import Sequence

import pytest

from cse.coap.target import Endpoint, Target
from cse.multicast.offers import Menu, Sender, member_of, tail_of
from cse.multicast.records import Listener, Record
from cse.multicast.settings import MulticastSettings
from cse.network import Host, Reason, Unreachable, Way
from cse.primitive import Content, Operation, Request
from cse.protection import Protection

RETRIEVE = Request(Operation.RETRIEVE, "cse-in/city/fopt", "Capp", "r-1")


def host(cse: str, name: str, tail: str = "") -> Host:
    member = f"/{cse}/{name}"
    return Host(member + tail, ("http://127.0.0.2",), cse=f"/{cse}", member=member, multicast=2)


HOSTS = [host("id-a", "x"), host("id-a", "y"), host("id-b", "x")]


def record(*listeners: tuple[str, str, bool]) -> Record:
    """Who listens: CSE, its members, and whether that is sure."""
    found = Record("grp", Endpoint("239.192.1.2", 5683), 2.0)
    for cse, members, sure in listeners:
        paths = tuple(f"/{cse}/{name}" for name in members)
        found.listeners[f"/{cse}", found.segment] = Listener(paths, sure)
    return found


ALL = record(("id-a", "xy", True), ("id-b", "x", True))


def offered(
    hosts: Sequence[Host], known: Record | None, request: Request = RETRIEVE, refusal: str = "", **settings: object
) -> list[Way | Unreachable]:
    chosen = MulticastSettings(**settings)  # type: ignore[arg-type]
    sender = Sender("test", chosen, "/id-in", Protection("/id-in"), "it takes two CSEs")
    menu = Menu("test:grp", sender, hosts, request, known, refusal)
    return [menu.reach(one) for one in hosts if one.cse]


def reasons(found: Sequence[Way | Unreachable]) -> list[Reason | None]:
    return [entry.reason if isinstance(entry, Unreachable) else None for entry in found]


def test_all_members_share_one_transmission() -> None:
    (way, *others) = offered([Host("Cmeter", ()), *HOSTS], ALL)
    assert isinstance(way, Way)
    assert others == [way, way]
    assert (way.offer.broadcast, way.offer.latency_ms) == (True, 2500)
    assert way.offer.payload > 160
    assert Target.parse(way.address) == Target(ALL.address, ("~", "id-in", ALL.segment))


def test_an_answer_is_paid_for_once_per_cse() -> None:
    (way, *_) = offered(HOSTS, ALL, multicast_member_cost=150)
    assert isinstance(way, Way)
    assert way.offer.per_member == 100


@pytest.mark.parametrize("operation", list(Operation))
def test_every_operation_is_offered(operation: Operation) -> None:
    content: Content = None if operation in (Operation.RETRIEVE, Operation.DELETE) else {"m2m:cnt": {}}
    assert reasons(offered(HOSTS, ALL, RETRIEVE.derive(operation=operation, content=content))) == [None] * 3


def test_what_stands_behind_the_fan_out_point_stands_behind_the_target() -> None:
    (way, *_) = offered([host("id-a", "x", "/box/la"), host("id-a", "y", "/box/la"), host("id-b", "x", "/box/la")], ALL)
    assert isinstance(way, Way)
    assert Target.parse(way.address).path == ("~", "id-in", ALL.segment, "box", "la")


def test_who_does_not_listen_is_not_joined() -> None:
    assert reasons(offered(HOSTS, None)) == [Reason.NOT_JOINED] * 3
    some = record(("id-a", "x", True), ("id-b", "x", False))
    assert reasons(offered(HOSTS, some)) == [None, Reason.NOT_JOINED, Reason.NOT_JOINED]


@pytest.mark.parametrize(
    ("hosts", "known"),
    [
        (HOSTS[1:], ALL),  # one is not meant
        (HOSTS[:2], ALL),  # a CSE is not meant
        (HOSTS, record(("id-a", "xyz", True), ("id-b", "x", True))),  # one is not a member any more
        (HOSTS, record(("id-a", "xy", True), ("id-b", "x", True), ("id-c", "x", False))),  # who has not left for sure
        ([*HOSTS[:2], host("id-b", "x", "/fopt")], ALL),  # a member that is a group
    ],
)
def test_it_is_not_offered_when_others_would_hear_it(hosts: list[Host], known: Record) -> None:
    assert set(reasons(offered(hosts, known))) == {Reason.SECURITY}


def test_what_nobody_must_forge_or_read_is_not_offered() -> None:
    assert set(reasons(offered(HOSTS, ALL, refusal="anybody could forge it"))) == {Reason.SECURITY}
    long_name = RETRIEVE.derive(originator="C" * 300)
    assert set(reasons(offered(HOSTS, ALL, long_name))) == {Reason.PAYLOAD_TOO_LARGE}


def test_members_are_named_by_their_cse_relative_to_the_service_provider() -> None:
    absolute = Host("/id-a/x/box", (), cse="/id-a", member="//cse.example/id-a/x")
    assert (member_of(absolute), tail_of(absolute)) == ("/id-a/x", "box")
    foreign = Host("//other.example/id-a/x/box", (), cse="//other.example/id-a", member="//other.example/id-a/x")
    assert (member_of(foreign), tail_of(foreign)) == ("//other.example/id-a/x", "box")
