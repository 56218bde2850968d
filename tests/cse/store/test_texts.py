"""Texts with characters that engines might take for something else, and texts that are no resource's; every engine."""

from typing import Any

import pytest

from cse.errors import Conflict
from cse.store import Search, Store, Transaction
from tests.cse.store.operations import NASTY
from tests.cse.store.samples import inserting, resource

ABSENT = [text for text in NASTY if text] + ["cse/\x00", "cse/a%", "cse/A", "CSE/a", "cse/a/", "x" * 10_000]


async def test_labels_and_policies_are_found_by_exactly_their_texts(store: Store) -> None:
    def fill(transaction: Transaction) -> None:
        for number, text in enumerate(NASTY):
            transaction.resources.insert(resource(f"cse/{number}", lbl=[text], acpi=[text], con=text))

    def found(transaction: Transaction) -> list[Any]:
        tree = transaction.resources
        labelled = [[one.attributes["con"] for one in tree.search(Search("cse", labels=[text]))] for text in NASTY]
        governed = [[one.attributes["con"] for one in tree.governed_by([text])] for text in NASTY]
        return [labelled, governed, len(list(tree.search(Search("cse", labels=NASTY))))]

    await store.run(fill)
    alone = [[text] for text in NASTY]
    assert await store.read(found) == [alone, alone, len(NASTY)]


async def test_items_keys_lanes_and_names_are_exactly_their_texts(store: Store) -> None:
    keys = [text for text in NASTY if text]

    def fill(transaction: Transaction) -> None:
        for number, text in enumerate(keys):
            transaction.resources.insert(resource(f"cse/{number}", _key=text))
            transaction.effects.add("note", {text: text}, lane=text)
            transaction.alarms.set("cse/0", text, number)
            transaction.queues.append("cse/0", text, text)
        transaction.lists.replace("cse/0", [(text, None) for text in keys])

    def found(transaction: Transaction) -> list[list[Any]]:
        return [
            [transaction.resources.has_child("cse", text) for text in keys],
            [len(transaction.effects.in_lanes([text])) for text in keys],
            [transaction.alarms.get("cse/0", text) for text in keys],
            [[each.document for each in transaction.queues.items("cse/0", text)] for text in keys],
            [item for _, item, _ in transaction.lists.items("cse/0")],
            [effect.document for effect in transaction.effects.pending()],
        ]

    await store.run(fill)
    assert await store.read(found) == [
        [True] * len(keys),
        [1] * len(keys),
        list(range(len(keys))),
        [[text] for text in keys],
        keys,
        [{text: text} for text in keys],
    ]
    assert await store.run(lambda transaction: transaction.lists.drop_items(["\x00", "%", "A"])) == ["cse/0"]
    left = await store.read(lambda transaction: transaction.lists.items("cse/0"))
    assert [item for _, item, _ in left] == [text for text in keys if text not in ("\x00", "%", "A")]


@pytest.mark.parametrize("text", ABSENT, ids=lambda text: ascii(text)[:20])
async def test_what_is_not_there_is_not_found(store: Store, text: str) -> None:
    def look(transaction: Transaction) -> list[Any]:
        tree, lists, campaigns = transaction.resources, transaction.lists, transaction.campaigns
        return [
            *(tree.get(text), tree.find(text), tree.has_child("cse", text), tree.has_child(text, "key")),
            *(list(tree.children(text)), list(tree.search(Search(text))), list(tree.governed_by([text]))),
            *(lists.items(text), lists.count(text), lists.holders(text)),
            *(campaigns.get(text), campaigns.rows(text), campaigns.counts(text), campaigns.concern(text, text)),
            *(transaction.alarms.get(text, text), transaction.queues.items(text, text)),
        ]

    await store.run(inserting("cse/a", "cse/a/0", _key="key"))
    nothing = [None, None, False, False, [], [], [], [], 0, [], None, [], {}, False, None, []]
    assert await store.read(look) == nothing


async def test_paths_are_compared_character_by_character(store: Store) -> None:
    await store.run(inserting("cse/a", "cse/a/x", "cse/a0", "cse/a-", "cse/A", "cse/a%", "cse/é", "cse/é/x"))

    def below(transaction: Transaction, root: str) -> list[str]:
        return [each.path for each in transaction.resources.search(Search(root))]

    assert await store.read(lambda transaction: below(transaction, "cse/a")) == ["cse/a/x"]
    assert await store.read(lambda transaction: below(transaction, "cse/a%")) == []
    assert await store.read(lambda transaction: below(transaction, "cse/é")) == ["cse/é/x"]
    await store.run(lambda transaction: transaction.resources.remove(resource("cse/a")))
    left = ["cse/a0", "cse/a-", "cse/A", "cse/a%", "cse/é", "cse/é/x"]
    assert await store.read(lambda transaction: below(transaction, "cse")) == left


async def test_a_conflict_names_what_is_there_and_the_remedy(store: Store) -> None:
    await store.run(inserting("cse/1"))
    with pytest.raises(Conflict) as caught:
        await store.run(inserting("cse/1"))
    assert "cse/1" in str(caught.value)
    assert "choose another name" in str(caught.value)
