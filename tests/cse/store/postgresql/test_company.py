"""The processes that serve one database."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from cse.store.company import CONDUCTOR, EVERYBODY, Message
from cse.store.postgresql.engine import PostgreSQLStore
from cse.store.postgresql.fence import NotConductor
from tests.cse.store.postgresql.colleagues import joined
from tests.cse.store.samples import campaign, rows

ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def member(url: str) -> AsyncIterator[tuple[Process, str]]:
    """Another process, which conducts: it, and what it has said."""
    program = [sys.executable, "-m", "tests.cse.store.postgresql.member_process", url]
    process = await asyncio.create_subprocess_exec(*program, stdout=PIPE, cwd=ROOT)
    assert process.stdout
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_everybody_is_there(database: str) -> None:
    async with joined(database, 3) as members:
        processes = {store.company.process for store, _ in members}
        assert len(processes) == 3
        assert await members[2][0].company.processes() == processes
        await members[0][0].close()
        gone = members[0][0].company.process
        assert await members[1][1].gone.get() == await members[2][1].gone.get() == gone
        assert await members[1][0].company.processes() == processes - {gone}


async def test_messages_come_in_order_to_whom_they_are_for(database: str) -> None:
    async with joined(database, 3) as members:
        (one, first), (other, second), (_, third) = members
        for number in range(20):
            await one.company.post(other.company.process, "count", {"number": number})
        await one.company.post(EVERYBODY, "all", {"text": "é\x00" * 10_000})
        sender = one.company.process
        assert [await second.messages.get() for _ in range(20)] == [
            Message(sender, "count", {"number": number}) for number in range(20)
        ]
        expected = Message(sender, "all", {"text": "é\x00" * 10_000})
        assert await second.messages.get() == await third.messages.get() == expected
        assert first.messages.empty()


async def test_a_message_to_the_conductor_waits_for_one(database: str) -> None:
    async with joined(database, 2) as members:
        (one, _), (other, ear) = members
        await one.company.post(CONDUCTOR, "work", {"n": 1})
        await other.company.conduct()
        assert (await ear.messages.get()).document == {"n": 1}
        await other.company.post(CONDUCTOR, "work", {"n": 2})
        assert (await ear.messages.get()).document == {"n": 2}


async def test_waking(database: str) -> None:
    async with joined(database, 2) as members:
        (one, deaf), (_, ear) = members
        for _ in range(5):
            one.company.wake("effects of all")
        assert await ear.topics.get() == "effects of all"
        one.company.wake("timers")
        assert await ear.topics.get() == "timers"
        assert deaf.topics.empty()


async def test_one_conducts_until_it_leaves(database: str) -> None:
    async with joined(database, 2) as members:
        (one, _), (other, _) = members
        await one.company.conduct()
        waiting = asyncio.create_task(other.company.conduct())
        assert one.company.conducts
        await one.run(lambda transaction: transaction.campaigns.add(campaign(1), rows(["a"])))
        assert not other.company.conducts
        with pytest.raises(NotConductor):
            await other.run(lambda transaction: transaction.campaigns.save(campaign(1)))
        await one.close()
        await waiting
        assert other.company.conducts
        await other.run(lambda transaction: transaction.campaigns.save(campaign(1, state="DONE")))


async def test_whoever_is_killed_leaves_everything_to_others(database: str) -> None:
    async with joined(database, 1) as [(store, ear)]:
        await store.run(lambda transaction: [transaction.effects.add("note", {}, lane="x") for _ in range(3)])
        async with member(database) as (process, said):
            name, claimed = said.split()
            assert claimed == "3"
            waiting = asyncio.create_task(store.company.conduct())
            assert await store.run(lambda transaction: transaction.effects.claim(10)) == []
            process.kill()
            assert await ear.gone.get() == name
            await waiting
        assert len(await store.run(lambda transaction: transaction.effects.claim(10))) == 3


async def test_whoever_hangs_loses_its_place_and_learns_it(database: str) -> None:
    async with joined(database, 1) as [(store, ear)], member(database) as (process, said):
        process.send_signal(19)
        assert await ear.gone.get() == said.split()[0]
        await store.company.conduct()
        process.send_signal(18)
        assert process.stdout
        assert await process.stdout.readline() == b"lost\n"


async def test_whoever_hangs_in_the_middle_of_a_unit_keeps_nobody_from_its_place(database: str) -> None:
    async with joined(database, 1) as [(store, ear)], member(database) as (process, said):
        name = said.split()[0]
        with psycopg.connect(database, application_name=f"cse {name}") as its_session:
            its_session.execute("SELECT process FROM conductor FOR SHARE")
            its_session.pgconn.exec_(b"COPY effect FROM STDIN")  # the server waits for rows, and nothing ends that
            process.kill()
            assert await ear.gone.get() == name
            await store.company.conduct()
            its_session.close()


async def test_whoever_has_been_replaced_is_fenced_out(database: str) -> None:
    async with joined(database, 2) as members:
        (old, _), (new, _) = members
        await old.company.conduct()
        document = old.documents("radio")
        document.write({"_default": {}})
        with psycopg.connect(database, autocommit=True) as connection:
            values = [(old.company.process.encode(),), (new.company.process.encode(),)]
            connection.execute("DELETE FROM process WHERE id = %b", values[0])
            connection.execute("UPDATE conductor SET process = %b", values[1])
        with pytest.raises(NotConductor):
            await old.run(lambda transaction: transaction.campaigns.add(campaign(1), []))
        with pytest.raises(NotConductor):
            document.write({"_default": {"1": {}}})
        with pytest.raises(LookupError, match="taken it for dead"):
            await old.run(lambda transaction: transaction.effects.claim(1))
        assert new.documents("radio").read() == {"_default": {}}


async def test_a_place_that_is_taken_away_is_lost(database: str) -> None:
    store = PostgreSQLStore(database)
    await store.open()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM process")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'cse presence' AND datname = current_database()"
        )
    await store.company.lost()
    assert not store.company.conducts
    await store.close()


async def test_a_connection_that_breaks_is_made_again(database: str) -> None:
    async with joined(database, 2) as members:
        (one, first), (other, second) = members
        await one.company.conduct()
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name ~ '^cse [0-9a-f]{8}$' AND datname = current_database()"
            )
        await other.company.post(CONDUCTOR, "after", {})
        assert (await first.messages.get()).kind == "after"
        await one.company.post(EVERYBODY, "too", {})
        assert (await second.messages.get()).kind == "too"
