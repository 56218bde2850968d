"""Who waits hears of each effect, and nothing is left of those who have gone."""

from cse.outbox.waiters import Waiters


def test_all_have_to_be_settled() -> None:
    waiters = Waiters()
    with waiters.enter([1, 2]) as both, waiters.enter([2]) as one:
        assert sorted(waiters) == [1, 2]
        waiters.tell(2)
        waiters.tell(3)
        assert one.over.is_set()
        assert both.left == {1}
        both.told({1, 5})
        assert both.over.is_set()
    assert list(waiters) == []


def test_who_gives_up_leaves_the_others() -> None:
    waiters = Waiters()
    with waiters.enter([1]) as patient:
        with waiters.enter([1]):
            pass
        assert 1 in waiters
        assert 2 not in waiters
        waiters.tell(1)
        assert patient.over.is_set()
    assert 1 not in waiters
