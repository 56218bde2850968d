"""Long lists, over every engine."""

from cse.store import Resource, Store, Transaction


def fill(transaction: Transaction) -> None:
    transaction.lists.replace("group-1", [("a", "ri-a"), ("b", None), ("c", "ri-c")])
    transaction.lists.replace("group-2", [("c", "ri-c"), ("c2", "ri-c"), ("d", "ri-d")])


async def test_items_are_in_order_and_paged(store: Store) -> None:
    await store.run(fill)

    def pages(transaction: Transaction) -> list[list[tuple[int, str, str | None]]]:
        items = transaction.lists.items
        return [items("group-1", limit=2), items("group-1", after=1), items("group-1", after=2), items("none")]

    assert await store.read(pages) == [[(0, "a", "ri-a"), (1, "b", None)], [(2, "c", "ri-c")], [], []]


async def test_replace_and_count(store: Store) -> None:
    await store.run(fill)
    await store.run(lambda transaction: transaction.lists.replace("group-1", [("z", None)]))
    assert await store.read(lambda transaction: transaction.lists.items("group-1")) == [(0, "z", None)]
    assert await store.read(lambda transaction: transaction.lists.count("group-1")) == 1
    assert await store.read(lambda transaction: transaction.lists.count("group-2")) == 3
    await store.run(lambda transaction: transaction.lists.replace("group-1", []))
    assert await store.read(lambda transaction: transaction.lists.count("group-1")) == 0


async def test_replace_may_read_what_it_replaces(store: Store) -> None:
    def reverse(transaction: Transaction) -> None:
        items = transaction.lists.items("group-1")
        transaction.lists.replace("group-1", ((item, target) for _, item, target in reversed(items)))

    await store.run(fill)
    await store.run(reverse)
    expected = [(0, "c", "ri-c"), (1, "b", None), (2, "a", "ri-a")]
    assert await store.read(lambda transaction: transaction.lists.items("group-1")) == expected


async def test_drop_targets_says_whose_lists_changed(store: Store) -> None:
    def plant(transaction: Transaction) -> None:
        fill(transaction)
        for ri, path in [("ri-a", "cse/a"), ("ri-c", "cse/a/c"), ("ri-d", "cse/ab")]:
            attributes = {"ri": ri, "pi": "base", "rn": path.rsplit("/", 1)[-1], "ty": 3}
            transaction.resources.insert(Resource(path, "Cme", attributes))

    await store.run(plant)
    assert await store.run(lambda transaction: transaction.lists.drop_targets("cse/a")) == ["group-1", "group-2"]
    assert await store.run(lambda transaction: transaction.lists.drop_targets("cse/a")) == []
    assert await store.read(lambda transaction: transaction.lists.items("group-1")) == [(1, "b", None)]
    assert await store.read(lambda transaction: transaction.lists.items("group-2")) == [(2, "d", "ri-d")]


async def test_drop_items_says_whose_lists_changed(store: Store) -> None:
    await store.run(fill)
    assert await store.run(lambda transaction: transaction.lists.drop_items(["b", "c", "z"])) == ["group-1"]
    assert await store.run(lambda transaction: transaction.lists.drop_items(["b"])) == []
    assert [item for _, item, _ in await store.read(lambda transaction: transaction.lists.items("group-1"))] == [
        "a",
        "c",
    ]


async def test_holders_are_the_lists_that_an_item_is_in(store: Store) -> None:
    await store.run(fill)
    assert sorted(await store.read(lambda transaction: transaction.lists.holders("ri-c"))) == ["group-1", "group-2"]
    assert await store.read(lambda transaction: transaction.lists.holders("ri-z")) == []
    await store.run(lambda transaction: transaction.lists.replace("group-3", [("/id-mn/c", None), ("/id-mn/d", None)]))
    assert "group-3" in await store.read(lambda transaction: transaction.lists.holders(None))


async def test_a_hundred_thousand_items(store: Store) -> None:
    items = [(f"cse/meter-{number}", f"ri-{number}") for number in range(100_000)]
    await store.run(lambda transaction: transaction.lists.replace("group-1", items))
    assert await store.read(lambda transaction: transaction.lists.count("group-1")) == 100_000
    page = await store.read(lambda transaction: transaction.lists.items("group-1", after=99_998, limit=10))
    assert page == [(99_999, "cse/meter-99999", "ri-99999")]
