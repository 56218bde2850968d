"""What is known of the file: bounded, the least used goes first, and what has changed is forgotten."""

from collections.abc import Callable
from typing import Any

import pytest

from cse.store.sqlite.changes import Changes
from cse.store.sqlite.quick import cache as module
from cse.store.sqlite.quick.cache import Cache
from tests.cse.store.samples import resource

FEW, SIZE = 4, 10


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setattr(module, "MOST_RESOURCES", FEW)
    monkeypatch.setattr(module, "MOST_BYTES", 100 * SIZE)
    return Cache()


def known(cache: Cache) -> list[str]:
    return [name for name in "abcdefgh" if cache.get(f"cse/{name}")]


def keep(cache: Cache, names: str, size: int = SIZE, **how: Any) -> None:
    for name in names:
        cache.keep(resource(f"cse/{name}"), size, **how)


def test_there_are_no_more_than_so_many(cache: Cache) -> None:
    keep(cache, "abcd")
    cache.get("cse/a")
    keep(cache, "ef")
    assert known(cache) == ["a", "d", "e", "f"]
    assert cache.at("cse/b") is None


def test_they_have_no_more_than_so_many_bytes(cache: Cache) -> None:
    keep(cache, "ab", 40 * SIZE)
    keep(cache, "c", 30 * SIZE)
    assert known(cache) == ["b", "c"]
    keep(cache, "d", 101 * SIZE)
    assert known(cache) == []


def test_what_is_used_seldom_goes_first(cache: Cache) -> None:
    keep(cache, "ab")
    keep(cache, "cd", seldom=True)
    keep(cache, "ef")
    assert known(cache) == ["a", "b", "e", "f"]


def test_a_resource_at_the_place_of_another_is_not_lost_with_that(cache: Cache) -> None:
    cache.keep(resource("cse/a"), SIZE)
    cache.keep(resource("cse/a", ri="new"), SIZE)
    cache.drop("cse/a")
    assert cache.at("cse/a") == "new"


def test_the_newest_child_is_forgotten_when_it_goes(cache: Cache) -> None:
    kind = ("cse", 4)
    cache.keep_newest(kind, "one")
    cache.keep_newest(kind, "two")
    cache.drop_newest(kind, "one")
    assert cache.newest(kind) == "two"
    cache.drop_newest(kind, "two")
    assert cache.newest(kind) is None


def updated(changes: Changes) -> None:
    changes.updated.append("cse/a")


def leaf(changes: Changes) -> None:
    changes.leaves.append(("cse", 3, "cse/a"))


def subtree(changes: Changes) -> None:
    changes.subtrees.append("cse/a")


@pytest.mark.parametrize("change", [updated, leaf, subtree])
def test_what_another_thread_has_changed_is_forgotten(cache: Cache, change: Callable[[Changes], None]) -> None:
    keep(cache, "ab")
    changes = Changes()
    change(changes)
    cache.forget(changes)
    assert known(cache) == ["b"]


@pytest.mark.parametrize("change", [leaf, subtree])
def test_so_are_lists_of_children(cache: Cache, change: Callable[[Changes], None]) -> None:
    for kind in (("cse", 3), ("cse", None)):
        cache.keep_children(kind, ["cse/a"])
        cache.keep_newest(kind, "cse/a")
    changes = Changes()
    change(changes)
    cache.forget(changes)
    assert not any(look(kind) for look in (cache.children, cache.newest) for kind in (("cse", 3), ("cse", None)))


def test_of_very_many_changes_nothing_is_kept(cache: Cache) -> None:
    keep(cache, "ab")
    changes = Changes()
    changes.updated = [f"other {number}" for number in range(module.MANY + 1)]
    cache.forget(changes)
    assert known(cache) == []
