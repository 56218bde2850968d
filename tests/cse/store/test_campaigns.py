"""Fan-outs, over every engine."""

from collections.abc import Sequence

from cse.store import Row, Store, Transaction
from tests.cse.store.samples import campaign, rows


async def test_a_campaign_comes_back_as_it_was(store: Store) -> None:
    added = campaign(1, document={"plan": [{"network": "lora", "hosts": 3}], "counters": {}})
    members = rows(["a", "b"], content=b'{"m2m:cin": {}}', status_code=2001, answered_at=1.5)
    await store.run(lambda transaction: transaction.campaigns.add(added, members))
    assert await store.read(lambda transaction: transaction.campaigns.get("campaign-1")) == added
    assert await store.read(lambda transaction: transaction.campaigns.rows("campaign-1")) == members
    assert await store.read(lambda transaction: transaction.campaigns.get("campaign-2")) is None


async def test_save_stores_every_field_that_may_change(store: Store) -> None:
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), rows(["a"])))
    changed = campaign(
        1,
        "DONE",
        group="group-2",
        request=b"{}",
        request_resource="request-1",
        created=1.0,
        deadline=2.0,
        finished_at=150.25,
        document={"sent": 7},
    )
    await store.run(lambda transaction: transaction.campaigns.save(changed))
    assert await store.read(lambda transaction: transaction.campaigns.get("campaign-1")) == changed
    assert await store.read(lambda transaction: transaction.campaigns.rows("campaign-1")) == rows(["a"])


async def test_all_newest_first(store: Store) -> None:
    def add(transaction: Transaction) -> None:
        for sequence, state in ((2, "DONE"), (1, "RUNNING"), (3, "RUNNING"), (4, "DONE")):
            transaction.campaigns.add(campaign(sequence, state), [])

    def sequences(transaction: Transaction, state: str | None = None, limit: int | None = None) -> list[int]:
        return [item.sequence for item in transaction.campaigns.all(state=state, limit=limit)]

    await store.run(add)
    assert await store.read(sequences) == [4, 3, 2, 1]
    assert await store.read(lambda transaction: sequences(transaction, limit=2)) == [4, 3]
    assert await store.read(lambda transaction: sequences(transaction, "RUNNING")) == [3, 1]
    assert await store.read(lambda transaction: sequences(transaction, "RUNNING", 1)) == [3]
    assert await store.read(lambda transaction: sequences(transaction, "NONE")) == []


async def test_the_sequence_never_falls(store: Store) -> None:
    assert await store.read(lambda transaction: transaction.campaigns.last_sequence()) == 0
    await store.run(lambda transaction: transaction.campaigns.add(campaign(7), rows(["a"])))
    await store.run(lambda transaction: transaction.campaigns.add(campaign(5), rows(["a"])))
    assert await store.read(lambda transaction: transaction.campaigns.last_sequence()) == 7
    await store.run(lambda transaction: transaction.campaigns.remove("campaign-7"))
    assert await store.read(lambda transaction: transaction.campaigns.last_sequence()) == 7
    assert await store.read(lambda transaction: transaction.campaigns.get("campaign-7")) is None


async def test_remove_takes_the_rows_of_this_campaign_only(store: Store) -> None:
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), rows(["a", "b"])))
    await store.run(lambda transaction: transaction.campaigns.add(campaign(2), rows(["a"])))
    await store.run(lambda transaction: transaction.campaigns.remove("campaign-1"))
    assert await store.read(lambda transaction: transaction.campaigns.rows("campaign-1")) == []
    assert await store.read(lambda transaction: transaction.campaigns.counts("campaign-1")) == {}
    assert await store.read(lambda transaction: transaction.campaigns.rows("campaign-2")) == rows(["a"])


async def test_write_replaces_rows(store: Store) -> None:
    answered = Row(1, "m", "t", "h", "ANSWERED", "reason", 2000, b"content", "udp", 3, 12.5)
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), rows(["a", "b", "c"])))
    await store.run(lambda transaction: transaction.campaigns.write("campaign-1", [answered]))
    first, _, last = rows(["a", "b", "c"])
    assert await store.read(lambda transaction: transaction.campaigns.rows("campaign-1")) == [first, answered, last]


async def test_write_into_a_campaign_that_is_gone_leaves_nothing(store: Store) -> None:
    def unit(transaction: Transaction) -> list[Row]:
        transaction.campaigns.write("campaign-1", rows(["a"]))
        transaction.campaigns.add(campaign(1), [])
        return transaction.campaigns.rows("campaign-1")

    assert await store.run(unit) == []


async def test_rows_by_state_and_page(store: Store) -> None:
    members = [row._replace(state="ABC"[row.position % 3]) for row in rows([str(number) for number in range(9)])]
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), members))

    async def positions(*states: str, after: int = -1, limit: int | None = None) -> list[int]:
        def unit(transaction: Transaction) -> list[Row]:
            return transaction.campaigns.rows("campaign-1", states=states, after=after, limit=limit)

        return [row.position for row in await store.read(unit)]

    assert await positions("A") == [0, 3, 6]
    assert await positions("C", "A") == [0, 2, 3, 5, 6, 8]
    assert await positions("C", "A", after=2, limit=2) == [3, 5]
    assert await positions(after=3, limit=2) == [4, 5]
    assert await positions("NONE") == []


async def test_how_many_have_answered_with_which_code(store: Store) -> None:
    members = rows(["a", "b", "c"], "ANSWERED", status_code=2000) + rows(["d"], "ANSWERED", status_code=4004)
    members += rows(["e"], "WAITING", status_code=5103)
    members = [row._replace(position=position) for position, row in enumerate(members)]
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), members))
    codes = await store.read(lambda transaction: transaction.campaigns.status_codes("campaign-1", "ANSWERED"))
    assert codes == {2000: 3, 4004: 1}


async def test_counts_add_up(store: Store) -> None:
    members = rows(["a", "b"]) + rows(["c", "d"], "SENT", network="lora")
    members += rows(["e"], "SENT", network="udp") + rows(["f"], "SILENT", network="udp", reason="TIMEOUT")
    members = [row._replace(position=position) for position, row in enumerate(members)]
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), members))
    assert await store.read(lambda transaction: transaction.campaigns.counts("campaign-1")) == {
        ("", "WAITING", ""): 2,
        ("lora", "SENT", ""): 2,
        ("udp", "SENT", ""): 1,
        ("udp", "SILENT", "TIMEOUT"): 1,
    }


async def test_others_are_older_in_the_state_and_have_the_same_target(store: Store) -> None:
    def add(transaction: Transaction) -> None:
        transaction.campaigns.add(campaign(1), [*rows(["a", "b", "x"]), Row(3, "m", "a", "h", "SENT")])
        transaction.campaigns.add(campaign(2), rows(["b"]))
        transaction.campaigns.add(campaign(3), [*rows(["a", "b", "c"]), Row(3, "again", "a", "h", "WAITING")])
        transaction.campaigns.add(campaign(4), rows(["a"]))

    await store.run(add)
    first, second, _ = rows(["a", "b", "x"])
    assert await store.read(lambda transaction: transaction.campaigns.others("campaign-3", "WAITING")) == [
        ("campaign-1", first),
        ("campaign-1", second),
        ("campaign-2", rows(["b"])[0]),
    ]
    assert await store.read(lambda transaction: transaction.campaigns.others("campaign-1", "WAITING")) == []
    assert await store.read(lambda transaction: transaction.campaigns.others("none", "WAITING")) == []


async def test_rows_by_reason(store: Store) -> None:
    members = [row._replace(reason=["", "SILENT", "LATE"][row.position % 3]) for row in rows("abcdefg", "failed")]
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), members))

    async def positions(*reasons: str, states: Sequence[str] = (), limit: int | None = None) -> list[int]:
        def unit(transaction: Transaction) -> list[Row]:
            return transaction.campaigns.rows("campaign-1", states=states, reasons=reasons, limit=limit)

        return [row.position for row in await store.read(unit)]

    assert await positions("SILENT") == [1, 4]
    assert await positions("LATE", "") == [0, 2, 3, 5, 6]
    assert await positions("LATE", "", states=["failed"], limit=3) == [0, 2, 3]
    assert await positions("LATE", states=["waiting"]) == []


async def test_whether_a_target_is_concerned(store: Store) -> None:
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), rows(["a", "b%"])))

    def concerned(transaction: Transaction) -> list[bool]:
        concern = transaction.campaigns.concern
        return [concern("a", "WAITING"), concern("a", "SENT"), concern("b", "WAITING"), concern("b%", "WAITING")]

    assert await store.read(concerned) == [True, False, False, True]
    await store.run(lambda transaction: transaction.campaigns.remove("campaign-1"))
    assert await store.read(concerned) == [False] * 4


async def test_rows_keep_bytes_and_times_exactly(store: Store) -> None:
    member = Row(0, "é\x00", "%", "", "failed", "_", 65535, bytes(range(256)), "", 2**31 - 1, 1767225600.123457)
    added = campaign(2**52, request=bytes(range(256)), created=1767225600.000001, deadline=4e9)
    await store.run(lambda transaction: transaction.campaigns.add(added, [member]))
    assert await store.read(lambda transaction: transaction.campaigns.rows(added.id)) == [member]
    assert await store.read(lambda transaction: transaction.campaigns.get(added.id)) == added
    assert await store.read(lambda transaction: transaction.campaigns.last_sequence()) == 2**52


async def test_a_hundred_thousand_members(store: Store) -> None:
    members = rows([str(number) for number in range(100_000)])
    await store.run(lambda transaction: transaction.campaigns.add(campaign(1), members))
    counts = await store.read(lambda transaction: transaction.campaigns.counts("campaign-1"))
    assert counts == {("", "WAITING", ""): 100_000}
    page = await store.read(lambda transaction: transaction.campaigns.rows("campaign-1", after=99_998))
    assert page == members[-1:]
