"""Batches in SQL: one statement for a whole batch, which is a transaction of its own.

Each statement takes the lock of the interpreter from the event loop and gives it back, and both threads wait for each
other at that. So what is to be written is handed over as JSON, and a trigger, which needs no interpreter, takes it
apart.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from cse.store import Resource, Row
from cse.store.sqlite.quick.batch import Batch

PARTS = (
    "removed",
    "inserted",
    "changed",
    "ended",
    "found",
    "labels",
    "policies",
    "cancelled",
    "alarms",
    "effects",
    "claimed",
    "done",
    "campaigns",
    "members",
)
_COLUMNS = ", ".join(f"NULL AS {part}" for part in PARTS)
_INSERT = f"INSERT INTO temp.batch VALUES ({', '.join('?' * len(PARTS))})"  # noqa: S608

# A column `value` of json_each is a row: `->>` gives a text or number of it, `->` what is in there as JSON.
SCHEMA = f"""
CREATE TEMP VIEW batch AS SELECT {_COLUMNS};

CREATE TEMP TRIGGER batch_written INSTEAD OF INSERT ON batch BEGIN
    DELETE FROM resource WHERE ri IN (SELECT value FROM json_each(NEW.removed));
    INSERT INTO resource (seq, ri, pi, ty, path, key, et, creator, document)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            CAST(value -> 8 AS BLOB) FROM json_each(NEW.inserted);
    UPDATE resource SET document = CAST(new.value -> 1 AS BLOB)
        FROM json_each(NEW.changed) AS new WHERE resource.ri = new.value ->> 0;
    UPDATE resource SET document = CAST(new.value -> 1 AS BLOB), et = new.value ->> 2
        FROM json_each(NEW.ended) AS new WHERE resource.ri = new.value ->> 0;

    DELETE FROM label WHERE seq IN (SELECT seq FROM resource JOIN json_each(NEW.found) ON ri = value);
    DELETE FROM policy WHERE seq IN (SELECT seq FROM resource JOIN json_each(NEW.found) ON ri = value);
    INSERT OR IGNORE INTO label (label, seq)
        SELECT value ->> 0, (SELECT seq FROM resource WHERE ri = value ->> 1) FROM json_each(NEW.labels);
    INSERT OR IGNORE INTO policy (address, seq)
        SELECT value ->> 0, (SELECT seq FROM resource WHERE ri = value ->> 1) FROM json_each(NEW.policies);

    DELETE FROM alarm WHERE (ri, name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(NEW.cancelled));
    INSERT OR REPLACE INTO alarm (ri, name, due)
        SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(NEW.alarms);

    INSERT INTO effect (id, kind, document, lane)
        SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BLOB), value ->> 3 FROM json_each(NEW.effects);
    INSERT INTO claimed SELECT value FROM json_each(NEW.claimed);
    DELETE FROM effect WHERE id IN (SELECT value FROM json_each(NEW.done));
    DELETE FROM claimed WHERE id IN (SELECT value FROM json_each(NEW.done));

    UPDATE campaign SET of_group = new.value ->> 1, request = CAST(new.value ->> 2 AS BLOB),
            request_resource = new.value ->> 3, created = new.value ->> 4, deadline = new.value ->> 5,
            state = new.value ->> 6, finished_at = new.value ->> 7, document = CAST(new.value ->> 8 AS BLOB)
        FROM json_each(NEW.campaigns) AS new WHERE campaign.id = new.value ->> 0;
    UPDATE campaign_member SET member = new.value ->> 2, target = new.value ->> 3, host = new.value ->> 4,
            state = new.value ->> 5, reason = new.value ->> 6, status_code = new.value ->> 7,
            content = CAST(new.value ->> 8 AS BLOB), network = new.value ->> 9, attempts = new.value ->> 10,
            answered_at = new.value ->> 11
        FROM json_each(NEW.members) AS new WHERE position = new.value ->> 1
            AND campaign = (SELECT sequence FROM campaign WHERE id = new.value ->> 0);
END;
"""  # noqa: S608


def prepare(connection: sqlite3.Connection) -> None:
    """What a connection needs that writes batches."""
    connection.executescript(SCHEMA)


def write(batch: Batch, connection: sqlite3.Connection) -> None:
    """Do, as a transaction, what the units of the batch have done; sqlite3.Error if that can't be."""
    texts = [_text(rows) for rows in _parts(batch)]
    documents = len(batch.inserted) + len(batch.changed)
    batch.size = sum(len(text or "") for text in texts[1:4]) // max(1, documents)
    connection.execute(_INSERT, texts).close()


def _parts(batch: Batch) -> Iterator[list[Any]]:
    """Rows for each of the parts."""
    changes = batch.changed.values()
    found = [change.resource for change in changes if change.is_found_otherwise]
    indexed = [*found, *(resource for _, resource in batch.inserted.values())]
    yield list(batch.removed)
    yield [_row(*entry) for entry in batch.inserted.values()]
    yield [[each.resource.ri, each.resource.attributes] for each in changes if not each.ends_otherwise]
    ended = [each.resource for each in changes if each.ends_otherwise]
    yield [[each.ri, each.attributes, each.attributes.get("et")] for each in ended]
    yield [resource.ri for resource in found]
    yield list(_texts("lbl", indexed))
    yield list(_texts("acpi", indexed))
    yield [key for key, due in batch.alarms.items() if due is None]
    yield [(*key, due) for key, due in batch.alarms.items() if due is not None]
    yield [(each.id, each.kind, each.document.decode(), each.lane) for each in batch.effects.values()]
    yield list(batch.claimed)
    yield list(batch.carried_out)
    yield [_campaign(*entry) for entry in batch.campaigns.items()]
    yield [_member(campaign, row) for campaign, rows in batch.rows.items() for row in rows.values()]


def _row(number: int, resource: Resource) -> list[Any]:
    values = resource.attributes
    key, et = values.get("_key"), values.get("et")
    return [number, values["ri"], values["pi"], values["ty"], resource.path, key, et, resource.creator, values]


def _texts(name: str, resources: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """The texts of an attribute that resources are found by, each with the resource."""
    for resource in resources:
        for text in resource.attributes.get(name) or ():
            yield text, resource.ri


def _campaign(campaign: str, fields: tuple[Any, ...]) -> list[Any]:
    return [campaign, *(each.decode() if isinstance(each, bytes) else each for each in fields)]


def _member(campaign: str, row: Row) -> tuple[Any, ...]:
    return (campaign, *row[:7], row.content.decode(), *row[8:])


def _text(rows: list[Any]) -> str | None:
    return orjson.dumps(rows).decode() if rows else None
