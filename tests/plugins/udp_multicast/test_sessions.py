import pytest
from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from cse.coap.target import Endpoint
from cse.errors import InternalServerError
from plugins.udp_multicast.sessions import Member, Sessions, State
from plugins.udp_multicast.settings import UdpMulticastSettings

HERE, THERE = Endpoint("127.7.0.1", 5683), Endpoint("127.7.0.2", 5683)


def sessions(documents: TinyDB | None = None, **settings: object) -> Sessions:
    values = UdpMulticastSettings(**settings)  # type: ignore[arg-type]
    return Sessions(TinyDB(storage=MemoryStorage) if documents is None else documents, values)


def test_addresses_belong_to_groups_and_never_collide() -> None:
    first, second = sessions(group_addresses="239.192.0.0/24"), sessions(group_addresses="239.192.0.0/24")
    addresses = [first.open(f"group-{number}", 2).address for number in range(256)]
    assert len(set(addresses)) == 256
    assert all(address.ip.startswith("239.192.0.") and address.port == 5683 for address in addresses)
    assert [second.open(f"group-{number}", 2).address for number in range(256)] == addresses
    with pytest.raises(InternalServerError, match="group_addresses"):
        first.open("one-more", 2)


async def test_a_forgotten_address_is_free_again() -> None:
    few = sessions(group_addresses="239.192.0.0/32")
    session = few.open("a", 2)
    await few.forget(session)
    assert few.get("a") is None
    assert few.open("b", 2).address == session.address


async def test_sessions_survive() -> None:
    documents = TinyDB(storage=MemoryStorage)
    before = sessions(documents)
    session = before.open("a", 2)
    session.members = {"Ca": Member(HERE, State.JOINED), "Cb": Member(THERE, State.LEAVING)}
    session.generation = 3
    await before.save(session)
    await before.save(before.open("b", 2))
    after = sessions(documents)
    assert after.get("a") == session
    assert [known.group for known in after] == ["a", "b"]
    await after.forget(session)
    assert sessions(documents).get("a") is None


def test_who_has_joined() -> None:
    session = sessions().open("a", 3)
    session.members = {"Ca": Member(HERE, State.JOINED), "Cb": Member(HERE, State.INVITED)}
    assert session.joined("Ca", HERE)
    assert not session.joined("Ca", THERE)
    assert not session.joined("Cb", HERE)
    assert session.count(State.JOINED) == 1


async def test_what_is_to_be_told_to_whom() -> None:
    session = sessions().open("a", 3)
    session.members = {
        "Cstays": Member(HERE, State.JOINED),
        "Cmoved": Member(HERE, State.JOINED),
        "Cleaves": Member(HERE, State.JOINED),
        "Creturns": Member(HERE, State.LEAVING),
        "Cunsure": Member(HERE, State.INVITED),
    }
    wanted = {"Cstays": HERE, "Cmoved": THERE, "Creturns": HERE, "Cunsure": HERE, "Cnew": HERE}
    session.dismiss(wanted)
    assert not session.joined("Cleaves", HERE)
    assert await session.differences(wanted) == {
        "Cleaves": Member(HERE, State.LEAVING),
        "Cmoved": Member(THERE, State.INVITED),
        "Creturns": Member(HERE, State.INVITED),
        "Cunsure": Member(HERE, State.INVITED),
        "Cnew": Member(HERE, State.INVITED),
    }


def test_a_new_generation_has_another_segment_and_nobody_in_it() -> None:
    session = sessions().open("a", 2)
    session.members = {"Ca": Member(HERE, State.JOINED)}
    segment = session.segment
    session.renew()
    assert session.segment != segment
    assert session.members == {}
    assert session.segment != sessions().open("b", 2).segment


def test_a_group_that_outgrows_its_window_is_set_up_again() -> None:
    all_sessions = sessions(answer_bytes_per_second=1000)
    session = all_sessions.open("a", 100)
    assert session.window == 12.8
    session.members = {"Ca": Member(HERE, State.JOINED)}
    assert all_sessions.open("a", 128).generation == 0
    assert all_sessions.open("a", 129).generation == 1
    assert session.window == 25.6
    assert session.members == {}
