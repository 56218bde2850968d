"""What TinyDB makes of the files."""

import json
from pathlib import Path

import pytest
from tinydb import TinyDB, where

from cse.store.tinydb.lines import Change
from cse.store.tinydb.storage import JournalStorage
from tests.cse.store.samples import inserting
from tests.cse.store.tinydb.samples import journals, leave_behind, opened, step


async def test_stock_tinydb_reads_what_a_server_has_left(file: Path) -> None:
    async with opened(file) as store:
        await store.run(inserting("cse/1", "cse/2", con="ü"))
    with TinyDB(file, access_mode="r", encoding="utf-8") as database:
        (found,) = database.table("resource").search(where("path") == "cse/2")
        assert found["attributes"] == {"ri": "cse/2", "pi": "cse", "rn": "2", "ty": 3, "con": "ü"}
        assert database.table("store").all()[0]["documents"] == 2


async def test_tinydb_with_this_storage_reads_the_journal_too(file: Path) -> None:
    await leave_behind(file, 2)
    with TinyDB(file, storage=JournalStorage) as database:
        assert [found["path"] for found in database.table("resource")] == ["cse/0", "cse/0-twin", "cse/1", "cse/1-twin"]
        with pytest.raises(RuntimeError, match="not open for writing"):
            database.table("resource").truncate()


async def test_each_line_of_a_journal_is_a_commit_in_json(file: Path) -> None:
    async with opened(file) as store:
        await store.run(step(0))
        await store.run(lambda transaction: transaction.effects.add("note", {"a": 1}))
        await store.run(lambda transaction: transaction.effects.remove([1]))
        (journal,) = journals(file)
        commits = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [commit["commit"] for commit in commits] == [1, 2, 3]
    assert [change[:2] for change in commits[0]["changes"]] == [["resource", 1], ["resource", 2]]
    assert commits[1]["changes"] == [["effect", 1, {"kind": "note", "lane": "", "document": {"a": 1}}]]
    assert commits[2]["changes"] == [["effect", 1, None]]


def test_a_table_of_tinydb_can_write_through_it(file: Path) -> None:
    file.parent.mkdir()
    storage = JournalStorage(file)
    storage.open()
    storage.append([Change("notes", 7, b'{"text":"first"}')])
    storage.write({"notes": {7: {"text": "changed"}, 8: {}}})
    storage.append([Change("notes", 9, b'{"text":"last"}')])
    storage.close()
    assert JournalStorage(file).read() == {"notes": {"7": {"text": "changed"}, "8": {}, "9": {"text": "last"}}}
    assert JournalStorage(file).load().last == {"notes": 9}


def test_a_part_that_was_begun_in_vain_does_no_harm(file: Path) -> None:
    file.parent.mkdir()
    storage = JournalStorage(file)
    storage.open()
    storage.append([Change("notes", 1, b"{}")])
    file.with_name("cse.json.journal-2").touch()  # what `begin_part` may have left when the power failed
    storage.append([Change("notes", 2, b"{}")])
    storage.close()
    again = JournalStorage(file)
    assert again.open().commit == 2
    again.append([Change("notes", 3, b"{}")])
    again.close()
    assert JournalStorage(file).load().tables["notes"] == {1: b"{}", 2: b"{}", 3: b"{}"}
