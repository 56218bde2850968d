"""Databases that cannot be used, and a server that restarts."""

import asyncio
import logging
import signal
from urllib.parse import urlsplit

import psycopg
import pytest

from cse.config import ConfigurationError
from cse.store import Transaction
from cse.store.postgresql import company
from cse.store.postgresql import session as sessions
from cse.store.postgresql.engine import PostgreSQLStore
from cse.store.worker import TransactionLost
from tests.cse.store.postgresql.colleagues import joined
from tests.cse.store.samples import inserting, paths
from tests.postgresql import Server, new_database, server_url


async def refusal(url: str, *, reads_only: bool = False) -> str:
    with pytest.raises(ConfigurationError, match=r"store in \[server\]") as caught:
        await PostgreSQLStore(url).open(reads_only=reads_only)
    assert "secret" not in str(caught.value)
    return str(caught.value)


async def test_a_server_that_is_not_there() -> None:
    assert "is PostgreSQL running" in await refusal("postgresql://cse:secret@127.0.0.1:1/cse")


async def test_a_wrong_password() -> None:
    assert "user name and password" in await refusal(server_url().replace("secret", "wrong"))


async def test_a_database_that_is_missing() -> None:
    assert "CREATE DATABASE" in await refusal(urlsplit(server_url())._replace(path="/nowhere").geturl())


async def test_a_database_in_another_encoding(database: str) -> None:
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        try:
            assert "UTF8" in await refusal(urlsplit(database)._replace(path="/latin").geturl())
        finally:
            connection.execute("DROP DATABASE latin")


async def test_tables_of_a_newer_release(database: str) -> None:
    assert "no tables" in await refusal(database, reads_only=True)
    store = PostgreSQLStore(database)
    await store.open()
    await store.close()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    assert "version 99" in await refusal(database)
    assert "version 99" in await refusal(database, reads_only=True)


@pytest.mark.parametrize("url", ["postgresql://u:secret@[h/d", "postgresql://u:secret@h/d?nonsense=1"])
def test_urls_that_cannot_be_read(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE") as caught:
        PostgreSQLStore(url)
    assert "secret" not in str(caught.value)


async def test_several_that_begin_at_once_make_the_tables_once(database: str) -> None:
    stores = [PostgreSQLStore(database) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.run(inserting(f"cse/{number}")) for number, store in enumerate(stores)))
    assert len(await stores[0].read(paths)) == 4
    for store in stores:
        await store.close()


async def test_what_is_missing_is_found(database: str) -> None:
    store = PostgreSQLStore(database)
    await store.open()
    await store.run(inserting("cse", "cse/a", lbl=["x"]))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP INDEX resource_type")
        assert await store.check() == ["resource_type is missing"]
        connection.execute("CREATE INDEX resource_type ON resource (ty, path)")
        connection.execute("ALTER TABLE resource DISABLE TRIGGER resource_gone")
        connection.execute("DELETE FROM resource WHERE parent IS NOT NULL")
    assert await store.check() == ["there are 1 marks of resources that are not there"]
    await store.close()


def cutting(url: str, times: list[int]) -> None:
    """Break every connection that writes or reads."""
    with psycopg.connect(url, autocommit=True) as connection:
        times.append(
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name ~ '^cse [0-9a-f]{8}$' AND datname = current_database()"
            ).rowcount
        )


async def test_a_unit_whose_connection_breaks_is_run_again(database: str) -> None:
    store = PostgreSQLStore(database)
    await store.open()
    cuts: list[int] = []

    def unit(transaction: Transaction) -> None:
        inserting("cse/1")(transaction)
        if not cuts:
            cutting(database, cuts)

    await store.run(unit)
    assert await store.read(paths) == ["cse/1"]
    await store.close()


@pytest.mark.parametrize("before", [True, False])
async def test_a_commit_whose_answer_is_lost_is_looked_up(
    database: str, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """Whether the connection breaks before or after the commit has taken place, it takes place once."""
    store = PostgreSQLStore(database)
    await store.open()
    cuts: list[int] = []
    execute = psycopg.Connection.execute

    def breaking(self: psycopg.Connection, query: str, *values: object, **options: object) -> object:
        if query != "COMMIT" or cuts or self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return execute(self, query, *values, **options)  # type: ignore[arg-type]
        cuts.append(0)
        if not before:
            execute(self, query)
        self.close()
        raise psycopg.OperationalError("the connection is lost")

    attempts = []

    def unit(transaction: Transaction) -> None:
        attempts.append(1)
        transaction.queues.append("cse", "wait", len(attempts))

    monkeypatch.setattr(psycopg.Connection, "execute", breaking)
    await store.run(unit)
    found = await store.read(lambda transaction: transaction.queues.items("cse", "wait"))
    assert [item.document for item in found] == [2 if before else 1]
    await store.close()


async def test_a_commit_lost_in_a_crash_is_not_taken_for_a_later_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the crash, PostgreSQL gives the number of the lost transaction to another one, which is committed."""
    url = new_database(server.url)
    store = PostgreSQLStore(url)
    await store.open()
    crashes: list[int] = []
    execute = psycopg.Connection.execute

    def crashing(self: psycopg.Connection, query: str, *values: object, **options: object) -> object:
        if query != "COMMIT" or crashes or self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return execute(self, query, *values, **options)  # type: ignore[arg-type]
        crashes.append(0)
        server.stop(signal.SIGQUIT)
        server.start()
        with psycopg.connect(url, autocommit=True) as other:
            for number in range(1, 100):
                execute(other, "INSERT INTO policy_change VALUES (%s)", (number,))
        self.close()
        raise psycopg.OperationalError("the server has crashed")

    monkeypatch.setattr(psycopg.Connection, "execute", crashing)
    await store.run(inserting("cse/1"))
    assert crashes
    assert await store.read(paths) == ["cse/1"]
    await store.close()


async def test_a_server_that_restarts_costs_nobody_anything(server: Server) -> None:
    url = new_database(server.url)
    async with joined(url, 2) as members:
        (one, _), (other, ear) = members
        await one.company.conduct()
        await one.run(lambda transaction: transaction.effects.add("note", {}))
        await one.run(lambda transaction: transaction.effects.claim(1))
        await asyncio.to_thread(server.stop, signal.SIGINT)
        writing = asyncio.create_task(one.run(inserting("cse/1")))
        await asyncio.to_thread(server.start)
        await writing
        assert await other.read(paths) == ["cse/1"]
        await other.company.post("*", "hello", {})
        assert (await members[0][1].messages.get()).kind == "hello"
        assert one.company.conducts
        assert await other.run(lambda transaction: transaction.effects.claim(1)) == []
        assert ear.gone.empty()


async def test_a_server_that_stays_away_is_an_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sessions, "ATTEMPTS", 2)
    monkeypatch.setattr(company, "REFUSING", 1.0)
    store = PostgreSQLStore(new_database(server.url))
    await store.open()
    await asyncio.to_thread(server.stop, signal.SIGQUIT)
    with caplog.at_level(logging.DEBUG), pytest.raises(TransactionLost, match="cannot be reached") as caught:
        await store.run(inserting("cse/1"))
    await store.company.lost()
    await store.close()
    assert "secret" not in str(caught.value) + caplog.text
