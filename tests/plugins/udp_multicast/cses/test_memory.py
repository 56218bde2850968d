from plugins.udp_multicast.cses.memory import Memory


def test_things_are_known_for_a_while() -> None:
    memory = Memory()
    assert memory.is_new("a", now=0.0, until=10.0)
    assert not memory.is_new("a", now=9.0, until=99.0)
    assert memory.is_new("b", now=9.0, until=99.0)
    assert memory.is_new("a", now=10.0, until=20.0)
    assert not memory.is_new("a", now=19.0, until=99.0)


def test_the_oldest_go_when_there_are_too_many() -> None:
    memory = Memory(most=2)
    for thing in "abc":
        assert memory.is_new(thing, now=0.0, until=10.0)
    assert len(memory) == 2
    assert not memory.is_new("c", now=1.0, until=10.0)
    assert memory.is_new("a", now=1.0, until=10.0)
