"""What is there when a store is opened again, and what others can see of it meanwhile; over every engine that lasts."""

from pathlib import Path
from typing import Any

import pytest

from cse.config import ConfigurationError
from cse.store import Store, Transaction
from tests.cse.store.conftest import Durable
from tests.cse.store.engines import DURABLE, ENGINES, store_at
from tests.cse.store.operations import everything
from tests.cse.store.samples import campaign, inserting, paths, resource, rows
from tests.cse.store.test_carrying_over import exports, populate, thin_out


async def test_everything_is_still_there(durable: Durable) -> None:
    await durable.store.run(lambda transaction: transaction.resources.insert(resource("cse", 5)))
    await durable.store.run(populate)
    before = await durable.store.read(everything), await durable.store.read(exports)
    store = await durable.reopen()
    assert (await store.read(everything), await store.read(exports)) == before
    await store.run(inserting("cse/later"))
    assert (await store.read(paths))[-1] == "cse/later"


async def test_numbers_go_on_behind_the_last_one(durable: Durable) -> None:
    await durable.store.run(populate)
    last = await durable.store.read(exports)
    await durable.store.run(thin_out)
    store = await durable.reopen()
    assert await store.read(lambda transaction: transaction.campaigns.last_sequence()) == 9
    assert await store.run(lambda transaction: transaction.effects.add("note", {})) > last["effects"][0][1]
    await store.run(lambda transaction: transaction.queues.append("cse/z", "new", 1))
    queued = await store.read(lambda transaction: transaction.queues.items("cse/z", "new"))
    assert queued[0].id > last["queues"][0][1]


async def test_claims_are_free_again(durable: Durable) -> None:
    await durable.store.run(populate)
    claimed = await durable.store.run(lambda transaction: transaction.effects.claim(10))
    assert len(claimed) == 2
    assert await durable.store.run(lambda transaction: transaction.effects.claim(10)) == []
    store = await durable.reopen()
    assert await store.run(lambda transaction: transaction.effects.claim(10)) == claimed


async def test_it_can_be_read_while_a_server_has_it_open(durable: Durable) -> None:
    await durable.store.run(inserting("cse/1", "cse/2"))
    tool = durable.another()
    await tool.open(reads_only=True)
    try:
        assert await tool.read(paths) == ["cse/1", "cse/2"]
        await durable.store.run(inserting("cse/3"))
        assert await tool.read(paths) == ["cse/1", "cse/2", "cse/3"]
        assert await tool.check() == []
        with pytest.raises(Exception, match=r"(?i)read-?only"):
            await tool.read(inserting("cse/4"))
    finally:
        await tool.close()
    await durable.store.run(inserting("cse/5"))
    assert await durable.store.read(paths) == ["cse/1", "cse/2", "cse/3", "cse/5"]


async def test_a_reader_sees_one_moment(durable: Durable) -> None:
    await durable.store.run(populate)
    tool = durable.another()
    await tool.open(reads_only=True)
    first = await tool.read(exports)
    assert first == await durable.store.read(exports)
    await tool.close()


@pytest.mark.parametrize("engine", DURABLE)
async def test_a_store_that_is_not_there_cannot_be_read(engine: str, tmp_path: Path) -> None:
    store = store_at(ENGINES[engine](tmp_path), tmp_path)
    with pytest.raises(ConfigurationError, match=r"store in \[server\]"):
        await store.open(reads_only=True)


async def test_a_healthy_store_has_nothing_to_complain_of(store: Store) -> None:
    assert await store.check() == []
    await store.run(populate)
    assert await store.check() == []


CONTENT: dict[str, Any] = {"_default": {"1": {"group": "g", "list": [1, 2.5, None], "text": "é\x00😀"}}}


async def test_documents_are_kept_by_name(store: Store) -> None:
    assert store.document_names() == []
    assert not store.documents("udp").read()
    store.documents("udp").write(CONTENT)
    store.documents("radio").write({"other": {}})
    assert store.documents("udp").read() == CONTENT
    store.documents("udp").write({"_default": {}})
    assert store.documents("udp").read() == {"_default": {}}
    assert store.documents("radio").read() == {"other": {}}
    assert store.document_names() == ["radio", "udp"]


async def test_documents_survive(durable: Durable) -> None:
    durable.store.documents("udp").write(CONTENT)
    store = await durable.reopen()
    assert store.document_names() == ["udp"]
    assert store.documents("udp").read() == CONTENT


async def test_documents_can_be_read_beside_a_server(durable: Durable) -> None:
    durable.store.documents("udp").write(CONTENT)
    tool = durable.another()
    await tool.open(reads_only=True)
    assert tool.document_names() == ["udp"]
    assert tool.documents("udp").read() == CONTENT
    await tool.close()


async def test_large_documents(store: Store) -> None:
    large = "0123456789abcdef" * 65536

    def put(transaction: Transaction) -> None:
        transaction.resources.insert(resource("cse/large", con=large))
        transaction.queues.append("cse/large", "batch", [large])
        transaction.effects.add("note", {"content": large})
        transaction.campaigns.add(campaign(1, request=large.encode()), rows(["a"], content=large.encode()))

    await store.run(put)
    assert await store.read(lambda transaction: transaction.resources.get("cse/large")) == resource(
        "cse/large", con=large
    )
    assert (await store.read(lambda transaction: transaction.queues.items("cse/large", "batch")))[0].document == [large]
    assert (await store.read(lambda transaction: transaction.effects.pending()))[0].document == {"content": large}
    row = (await store.read(lambda transaction: transaction.campaigns.rows("campaign-1")))[0]
    assert row.content == large.encode()
