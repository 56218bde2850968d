"""The tree, over every engine."""

import pytest

from cse.errors import Conflict, NotFound
from cse.store import Search, Store, Transaction
from tests.cse.store.samples import inserting, paths, resource


async def found(store: Store, search: Search) -> list[str]:
    return await store.read(lambda transaction: [item.path for item in transaction.resources.search(search)])


async def children(store: Store, ri: str, ty: int | None = None, *, newest_first: bool = False) -> list[str]:
    def unit(transaction: Transaction) -> list[str]:
        return [item.path for item in transaction.resources.children(ri, ty, newest_first=newest_first)]

    return await store.read(unit)


async def test_by_identifier_and_by_path(store: Store) -> None:
    meter = resource("cse/meter", 2, api="Nmeter", poa=["http://127.0.0.1/"], nested={"deep": [1, 2.5, None, True]})
    meter.attributes["ri"] = "ae-1"
    await store.run(lambda transaction: transaction.resources.insert(meter))
    assert await store.read(lambda transaction: transaction.resources.get("ae-1")) == meter
    assert await store.read(lambda transaction: transaction.resources.find("cse/meter")) == meter
    assert await store.read(lambda transaction: transaction.resources.get("cse/meter")) is None
    assert await store.read(lambda transaction: transaction.resources.find("ae-1")) is None
    assert (meter.ri, meter.pi, meter.ty) == ("ae-1", "cse", 2)


async def test_identifier_and_path_must_be_new(store: Store) -> None:
    await store.run(inserting("cse/1"))
    with pytest.raises(Conflict, match="already"):
        await store.run(inserting("cse/1", ri="other"))
    with pytest.raises(Conflict, match="already"):
        await store.run(inserting("cse/2", ri="cse/1"))
    assert await store.read(paths) == ["cse/1"]


async def test_a_key_must_be_new_among_siblings(store: Store) -> None:
    await store.run(inserting("cse/1", "cse/1/a", _key="one"))
    with pytest.raises(Conflict, match="already"):
        await store.run(inserting("cse/2", _key="one"))
    await store.run(inserting("cse/2", "cse/3"))
    for ri, key, there in (
        ("cse", "one", True),
        ("cse/1", "one", True),
        ("cse", "two", False),
        ("cse/2", "one", False),
    ):
        assert await store.read(lambda transaction, ri=ri, key=key: transaction.resources.has_child(ri, key)) is there
    await store.run(lambda transaction: transaction.resources.remove(resource("cse/1")))
    await store.run(inserting("cse/4", _key="one"))


async def test_a_conflict_leaves_the_unit_usable(store: Store) -> None:
    def unit(transaction: Transaction) -> None:
        transaction.resources.insert(resource("cse/1"))
        with pytest.raises(Conflict):
            transaction.resources.insert(resource("cse/1"))
        transaction.resources.insert(resource("cse/2"))

    await store.run(unit)
    assert await store.read(paths) == ["cse/1", "cse/2"]


async def test_update_replaces_attributes_labels_and_expiration(store: Store) -> None:
    await store.run(inserting("cse/1", lbl=["old", "both"], et="20260101T000000"))
    changed = resource("cse/1", lbl=["both", "new"], et="20270101T000000", extra=1)
    await store.run(lambda transaction: transaction.resources.update(changed))
    assert await store.read(lambda transaction: transaction.resources.get("cse/1")) == changed
    assert await found(store, Search("cse", labels=["old"])) == []
    assert await found(store, Search("cse", labels=["new"])) == ["cse/1"]
    assert await store.read(lambda transaction: transaction.resources.expired("20260601T000000", 10)) == []


async def test_update_keeps_the_place_among_the_children(store: Store) -> None:
    await store.run(inserting("cse/1", "cse/2"))
    await store.run(lambda transaction: transaction.resources.update(resource("cse/1", st=1)))
    assert await children(store, "cse") == ["cse/1", "cse/2"]


async def test_update_of_nothing_is_an_error(store: Store) -> None:
    with pytest.raises(NotFound, match="cse/none"):
        await store.run(lambda transaction: transaction.resources.update(resource("cse/none", lbl=["a"])))
    assert await found(store, Search("cse", labels=["a"])) == []


async def test_what_policies_govern_is_found_by_their_names(store: Store) -> None:
    async def governed(*names: str) -> list[str]:
        return await store.read(lambda transaction: [one.path for one in transaction.resources.governed_by(names)])

    await store.run(inserting("cse/1", acpi=["p", "q", "p"]))
    await store.run(inserting("cse/2", "cse/3", acpi=["cse/q"]))
    assert await governed("q", "cse/q") == ["cse/1", "cse/2", "cse/3"]
    assert await governed("none") == await governed() == []
    await store.run(lambda transaction: transaction.resources.update(resource("cse/1", acpi=["r"])))
    await store.run(lambda transaction: transaction.resources.remove(resource("cse/2")))
    assert await governed("p", "q", "r", "cse/q") == ["cse/1", "cse/3"]


async def test_remove_takes_the_subtree_and_nothing_beside_it(store: Store) -> None:
    kept = ["cse/a-", "cse/a.b", "cse/a0", "cse/ab", "cse/ab/c"]
    gone = ["cse/a", "cse/a/b", "cse/a/b/c", "cse/a/~"]
    await store.run(inserting(*kept, *gone, lbl=["tag"]))

    def unit(transaction: Transaction) -> list[int]:
        for path in (*kept, *gone):
            transaction.lists.replace(path, [("item", None)])
        transaction.resources.remove(resource("cse/a"))
        return [transaction.lists.count(path) for path in (*kept, *gone)]

    assert await store.run(unit) == [1] * len(kept) + [0] * len(gone)
    assert await found(store, Search("cse")) == kept
    assert await found(store, Search("cse", labels=["tag"])) == kept
    await store.run(inserting(*gone))
    assert await found(store, Search("cse", labels=["tag"])) == kept


async def test_children_in_the_order_of_creation(store: Store) -> None:
    await store.run(inserting("cse/z", "cse/b"))
    await store.run(inserting("cse/m", "cse/m/below", ty=2))
    await store.run(inserting("cse/a"))
    assert await children(store, "cse") == ["cse/z", "cse/b", "cse/m", "cse/a"]
    assert await children(store, "cse", newest_first=True) == ["cse/a", "cse/m", "cse/b", "cse/z"]
    assert await children(store, "cse", 3) == ["cse/z", "cse/b", "cse/a"]
    assert await children(store, "cse", 3, newest_first=True) == ["cse/a", "cse/b", "cse/z"]
    assert await children(store, "cse", 4) == []
    assert await children(store, "cse/m") == ["cse/m/below"]


async def test_children_may_be_removed_on_the_way(store: Store) -> None:
    def unit(transaction: Transaction) -> int:
        removed = 0
        for child in transaction.resources.children("cse", 4):
            transaction.resources.remove(child)
            removed += 1
        return removed

    await store.run(inserting(*(f"cse/{number}" for number in range(50)), ty=4))
    assert await store.run(unit) == 50
    assert await children(store, "cse") == []


TREE = ["cse", "cse/b", "cse/b/x", "cse/b/x/y", "cse/a", "cse/a/x", "csé", "other/b"]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (Search("cse"), ["cse/b", "cse/b/x", "cse/b/x/y", "cse/a", "cse/a/x"]),
        (Search("cse/b"), ["cse/b/x", "cse/b/x/y"]),
        (Search("cse", levels=1), ["cse/b", "cse/a"]),
        (Search("cse", levels=2), ["cse/b", "cse/b/x", "cse/a", "cse/a/x"]),
        (Search("cse/b", levels=1), ["cse/b/x"]),
        (Search("cse", levels=0), []),
        (Search("cse/a/x"), []),
        (Search("none"), []),
    ],
)
async def test_search_below_a_root(store: Store, search: Search, expected: list[str]) -> None:
    await store.run(inserting(*TREE, lbl=["all"]))
    assert await found(store, search) == expected
    search.labels = ["all"]
    assert await found(store, search) == expected
    search.types = [3, 99]
    assert await found(store, search) == expected


async def test_search_takes_any_of_the_types_and_any_of_the_labels(store: Store) -> None:
    await store.run(inserting("cse/1", ty=2, lbl=["red", "green", "red"]))
    await store.run(inserting("cse/2", ty=3, lbl=["green"]))
    await store.run(inserting("cse/3", ty=4, lbl=["blue", 'quote "\\é']))
    assert await found(store, Search("cse", types=[4, 2])) == ["cse/1", "cse/3"]
    assert await found(store, Search("cse", labels=["green", "red"])) == ["cse/1", "cse/2"]
    assert await found(store, Search("cse", labels=["gre"])) == []
    assert await found(store, Search("cse", labels=['quote "\\é'])) == ["cse/3"]
    assert await found(store, Search("cse", types=[3, 4], labels=["green", "blue"])) == ["cse/2", "cse/3"]


async def test_what_has_a_label_comes_in_the_order_of_creation_whenever_it_got_it(store: Store) -> None:
    await store.run(inserting("cse/1", "cse/2", "other/3", "cse/4", "cse/4/5", lbl=["early"]))
    for path, label in (("cse/4", "late"), ("cse/1", "late"), ("cse/4/5", "late"), ("cse/2", "early")):
        changed = resource(path, lbl=[label])
        await store.run(lambda transaction, changed=changed: transaction.resources.update(changed))
    assert await found(store, Search("cse", labels=["late"])) == ["cse/1", "cse/4", "cse/4/5"]
    assert await found(store, Search("cse", labels=["late"], levels=1)) == ["cse/1", "cse/4"]
    assert await found(store, Search("cse", labels=["late", "early"])) == ["cse/1", "cse/2", "cse/4", "cse/4/5"]
    assert await found(store, Search("cse", labels=["early", "early"])) == ["cse/2"]


async def test_expired_earliest_first(store: Store) -> None:
    assert await store.read(lambda transaction: transaction.resources.next_expiration()) is None
    await store.run(inserting("cse/later", et="20260301T000000"))
    await store.run(inserting("cse/now", et="20260201T000000"))
    await store.run(inserting("cse/second", et="20260102T000000"))
    await store.run(inserting("cse/first", et="20260101T000000"))
    await store.run(inserting("cse/never"))

    def expired(transaction: Transaction, limit: int) -> list[str]:
        return [item.path for item in transaction.resources.expired("20260201T000000", limit)]

    assert await store.read(lambda transaction: expired(transaction, 10)) == ["cse/first", "cse/second", "cse/now"]
    assert await store.read(lambda transaction: expired(transaction, 1)) == ["cse/first"]
    assert await store.read(lambda transaction: transaction.resources.next_expiration()) == "20260101T000000"
