"""The schedule on its own: whose turn it is, and what is left to try."""

from hypothesis import given
from hypothesis import strategies as st

from cse.fanout.schedule import Pending, Schedule, silent
from cse.network import Host, Offer, Reason, Unreachable, Way
from cse.store import Row

UNICAST = Offer("u", "net", False, 0, 1000, 0, 200, 10_000)
BROADCAST = Offer("b", "net", True, 100, 10, 0, 200, 10_000)
OFFLINE = Unreachable("other", Reason.OFFLINE)
EVERYWHERE = Way(BROADCAST, "everybody")


def pending(count: int) -> list[Pending]:
    return [Pending(Host(f"C{i}", ()), [i]) for i in range(count)]


def ids(items: list[Pending]) -> list[str]:
    return [item.host.id for item in items]


def test_everybody_is_due_at_the_beginning_and_taken_once() -> None:
    schedule = Schedule(pending(3), 10.0, 2)
    assert schedule.take_due(9.9) == []
    assert ids(schedule.take_due(10.0)) == ["C0", "C1", "C2"]
    assert schedule.take_due(1000.0) == []
    assert schedule.next_due() is None


def test_who_comes_back_is_due_at_that_moment() -> None:
    schedule = Schedule(pending(3), 0.0, 2)
    first, second, third = schedule.take_due(0.0)
    schedule.again([first], 7.0)
    schedule.again([second, third], 5.0)
    assert schedule.next_due() == 5.0
    assert ids(schedule.take_due(6.0)) == ["C1", "C2"]
    assert schedule.next_due() == 7.0


def test_who_has_answered_has_no_turn_any_more() -> None:
    schedule = Schedule(pending(3), 0.0, 2)
    items = schedule.take_due(0.0)
    schedule.again(items, 5.0)
    assert schedule.answered("C2") is items[2]
    assert schedule.answered("C2") is None
    schedule.answered("C1")
    assert ids(schedule.take_due(5.0)) == ["C0"]
    schedule.answered("C0")
    schedule.again(items, 6.0)
    assert schedule.next_due() is None
    assert not schedule


def test_attempts_are_counted_per_host_and_transmissions_per_datagram() -> None:
    schedule = Schedule(pending(2), 0.0, 2)
    first, second = schedule.take_due(0.0)
    assert schedule.sending([first], Way(UNICAST, "a")) == 1
    assert schedule.sending([first, second], EVERYWHERE) == 1
    assert schedule.sending([first], EVERYWHERE) == 2
    assert schedule.sending([second], Way(BROADCAST, "elsewhere")) == 1
    assert (first.attempts, second.attempts, first.network) == (3, 2, "net")


def test_a_broadcast_is_spent_at_its_address_only() -> None:
    schedule = Schedule(pending(1), 0.0, 1)
    (item,) = schedule.take_due(0.0)
    elsewhere = Way(BROADCAST, "elsewhere")
    schedule.sending([item], EVERYWHERE)
    assert schedule.usable(item, [EVERYWHERE, elsewhere]) == [elsewhere]


def test_what_failed_is_avoided_until_nothing_else_is_left() -> None:
    schedule = Schedule(pending(1), 0.0, 1)
    (item,) = schedule.take_due(0.0)
    unicast = Way(UNICAST, "a")
    item.avoided = frozenset({("b", EVERYWHERE.address)})
    assert schedule.usable(item, [EVERYWHERE, unicast, OFFLINE]) == [unicast, OFFLINE]
    item.avoided |= {("u", "a")}
    assert schedule.usable(item, [EVERYWHERE, unicast]) == [EVERYWHERE, unicast]
    assert not item.avoided


def test_another_address_is_tried_when_one_has_failed() -> None:
    schedule = Schedule(pending(1), 0.0, 1)
    (item,) = schedule.take_due(0.0)
    first, second = Way(UNICAST, "a"), Way(UNICAST, "b")
    assert schedule.usable(item, [first, second]) == [first]
    item.avoided = frozenset({("u", "a")})
    assert schedule.usable(item, [first, second]) == [second]
    item.avoided |= {("u", "b")}
    assert schedule.usable(item, [first, second]) == [first]


def test_one_entry_per_silent_host() -> None:
    rows = [
        Row(0, "m0", "t0", "C0", "waiting", attempts=2, network="net"),
        Row(1, "m1", "t1", "C1", "answered"),
        Row(2, "m2", "t2", "C0", "waiting"),
        Row(3, "m3", "t3", "", "waiting"),
        Row(4, "m4", "t4", "Cgone", "waiting"),
    ]
    host = Host("C0", ("net://0",))
    first, gone = silent(rows, {"C0": host})
    assert (first.host, first.positions, first.attempts, first.network) == (host, [0, 2], 2, "net")
    assert gone.host == Host("Cgone", ())


@given(st.data())
def test_no_host_is_lost_or_taken_twice_at_once(data: st.DataObject) -> None:
    schedule = Schedule(pending(5), 0.0, 2)
    taken: dict[str, Pending] = {}
    waiting = {f"C{i}": 0.0 for i in range(5)}
    answered: set[str] = set()
    now = 0.0
    for _ in range(data.draw(st.integers(1, 25))):
        match data.draw(st.sampled_from(["take", "again", "answer", "later"])):
            case "take":
                due = schedule.take_due(now)
                assert sorted(ids(due)) == sorted(host for host, moment in waiting.items() if moment <= now)
                taken |= {item.host.id: item for item in due}
                waiting = {host: moment for host, moment in waiting.items() if moment > now}
            case "again" if taken:
                some = data.draw(st.lists(st.sampled_from(sorted(taken)), unique=True))
                moment = now + data.draw(st.integers(0, 5))
                schedule.again([taken.pop(host) for host in some], moment)
                waiting |= {host: moment for host in some if host not in answered}
            case "answer":
                host = data.draw(st.sampled_from(["C0", "C1", "C2", "C3", "C4"]))
                assert (schedule.answered(host) is None) == (host in answered)
                answered.add(host)
                waiting.pop(host, None)
            case _:
                now += data.draw(st.integers(1, 5))
        assert schedule.next_due() == min(waiting.values(), default=None)
        assert bool(schedule) == (len(answered) < 5)


OFFERS = [Offer(f"o{i}", "net", i % 2 == 0, 0, 1, 0, 1, 100) for i in range(6)]
WAYS = st.builds(Way, st.sampled_from(OFFERS), st.sampled_from(["a", "b"]))


@given(
    ways=st.lists(WAYS, unique=True, max_size=8),
    sent=st.lists(WAYS, max_size=8),
    avoided=st.frozensets(WAYS),
    allowed=st.integers(1, 3),
)
def test_what_is_offered_to_a_host(ways: list[Way], sent: list[Way], avoided: frozenset[Way], allowed: int) -> None:
    schedule = Schedule(pending(1), 0.0, allowed)
    (item,) = schedule.take_due(0.0)
    for way in sent:
        schedule.sending([item], way)
    item.avoided = frozenset((way.offer.id, way.address) for way in avoided)
    usable = schedule.usable(item, [*ways, OFFLINE])
    assert usable[-1] == OFFLINE
    assert set(usable[:-1]) <= set(ways)
    assert not any(way.offer.broadcast and sent.count(way) >= allowed for way in usable[:-1] if isinstance(way, Way))
    if any(not way.offer.broadcast for way in ways):
        assert len(usable) > 1
