"""Documents are found by their fields, and the last one that is saved counts."""

from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from cse.multicast.journal import Journal


async def test_a_document_stands_for_what_is_in_its_fields() -> None:
    table = TinyDB(storage=MemoryStorage).table("records")
    journal = Journal(table, ("group", "external_group"))
    await journal.save({"group": "g", "external_group": "", "window": 1})
    await journal.save({"group": "g", "external_group": "x", "window": 2})
    await journal.save({"group": "g", "external_group": "x", "window": 3})
    assert [document["window"] for document in Journal(table)] == [1, 3]
    await journal.forget("g", "")
    assert [document["window"] for document in journal] == [3]
    await journal.forget("g", "")
    await journal.written()
    assert len(list(journal)) == 1
