"""Fan-outs in SQLite: a row per campaign and a row per member, which names its campaign by sequence."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import orjson

from cse.store import Campaign, Campaigns, Row
from cse.store.records import changeable

_FIELDS = "id, sequence, of_group, request, request_resource, created, deadline, state, finished_at, document"
_SELECT = f"SELECT {_FIELDS} FROM campaign"  # noqa: S608
_SAVE = (
    "UPDATE campaign SET of_group = ?, request = ?, request_resource = ?, created = ?, deadline = ?, state = ?,"
    " finished_at = ?, document = ? WHERE id = ?"
)

_COLUMNS = ", ".join(Row._fields)
_SEQUENCE = "(SELECT sequence FROM campaign WHERE id = ?)"
_INSERT_ROW = f"INSERT INTO campaign_member (campaign, {_COLUMNS}) VALUES (?{', ?' * len(Row._fields)})"  # noqa: S608
_WRITE = (
    f"UPDATE campaign_member SET {', '.join(f'{name} = ?' for name in Row._fields[1:])}"  # noqa: S608
    " WHERE campaign = ? AND position = ?"
)
_ROWS = f"SELECT {_COLUMNS} FROM campaign_member WHERE campaign = {_SEQUENCE} AND position > ?"  # noqa: S608
_IN_STATES = " AND +state IN (SELECT value FROM json_each(?))"  # the + keeps the order of positions, thus no sorting
_WITH_REASONS = " AND +reason IN (SELECT value FROM json_each(?))"
_PAGE = " ORDER BY position LIMIT ?"
_COUNTS = (
    f"SELECT network, state, reason, count(*) FROM campaign_member WHERE campaign = {_SEQUENCE}"  # noqa: S608
    " GROUP BY state, network, reason"
)
_STATUS_CODES = (
    f"SELECT status_code, count(*) FROM campaign_member WHERE campaign = {_SEQUENCE} AND state = ?"  # noqa: S608
    " GROUP BY status_code"
)
CONCERN = "SELECT 1 FROM campaign_member WHERE target = ? AND state = ? LIMIT 1"
_OTHERS = (
    f"SELECT (SELECT id FROM campaign WHERE sequence = campaign), {_COLUMNS} FROM campaign_member"  # noqa: S608
    " WHERE target IN (SELECT target FROM campaign_member WHERE campaign = :sequence)"
    " AND state = :state AND campaign < :sequence ORDER BY campaign, position"
)


class SQLiteCampaigns(Campaigns):
    """The tables `campaign` and `campaign_member` of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def add(self, campaign: Campaign, rows: Iterable[Row]) -> None:
        values = (campaign.id, campaign.sequence, *changeable(campaign))
        self._execute(f"INSERT INTO campaign ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
        self._executemany(_INSERT_ROW, [(campaign.sequence, *row) for row in rows])

    def get(self, campaign_id: str) -> Campaign | None:
        row = self._execute(f"{_SELECT} WHERE id = ?", (campaign_id,)).fetchone()
        return row and _campaign(row)

    def save(self, campaign: Campaign) -> None:
        self._execute(_SAVE, (*changeable(campaign), campaign.id))

    def remove(self, campaign_id: str) -> None:
        self._execute(f"DELETE FROM campaign_member WHERE campaign = {_SEQUENCE}", (campaign_id,))  # noqa: S608
        self._execute("DELETE FROM campaign WHERE id = ?", (campaign_id,))

    def all(self, *, state: str | None = None, limit: int | None = None) -> list[Campaign]:
        condition, values = ("", ()) if state is None else (" WHERE state = ?", (state,))
        statement = f"{_SELECT}{condition} ORDER BY sequence DESC LIMIT ?"
        return [_campaign(row) for row in self._execute(statement, (*values, _limit(limit)))]

    def last_sequence(self) -> int:
        row = self._execute("SELECT seq FROM sqlite_sequence WHERE name = 'campaign'").fetchone()
        return int(row[0]) if row else 0

    def write(self, campaign_id: str, rows: Iterable[Row]) -> None:
        sequence = self._sequence(campaign_id)
        self._executemany(_WRITE, [(*row[1:], sequence, row.position) for row in rows])

    def rows(
        self,
        campaign_id: str,
        *,
        states: Sequence[str] = (),
        reasons: Sequence[str] = (),
        after: int = -1,
        limit: int | None = None,
    ) -> list[Row]:
        conditions = {_IN_STATES: states, _WITH_REASONS: reasons}
        wanted = {text: orjson.dumps(list(values)).decode() for text, values in conditions.items() if values}
        statement = _ROWS + "".join(wanted) + _PAGE
        found = self._execute(statement, (campaign_id, after, *wanted.values(), _limit(limit)))
        return [Row._make(row) for row in found]

    def counts(self, campaign_id: str) -> dict[tuple[str, str, str], int]:
        counted = self._execute(_COUNTS, (campaign_id,))
        return {(network, state, reason): count for network, state, reason, count in counted}

    def status_codes(self, campaign_id: str, state: str) -> dict[int, int]:
        return dict(self._execute(_STATUS_CODES, (campaign_id, state)).fetchall())

    def concern(self, target: str, state: str) -> bool:
        return self._execute(CONCERN, (target, state)).fetchone() is not None

    def others(self, campaign_id: str, state: str) -> list[tuple[str, Row]]:
        values = {"sequence": self._sequence(campaign_id), "state": state}
        return [(other, Row._make(row)) for other, *row in self._execute(_OTHERS, values)]

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", self.last_sequence())
        for row in self._execute(f"{_SELECT} ORDER BY sequence"):
            campaign = _campaign(row)
            yield ("campaign", *(getattr(campaign, each.name) for each in fields(campaign)))
            rows = self._execute(f"SELECT {_COLUMNS} FROM campaign_member WHERE campaign = ?", (campaign.sequence,))  # noqa: S608
            yield from (("row", campaign.id, *row) for row in rows)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for what, *values in rows:
            if what == "last":
                self._execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('campaign', ?)", values)
            elif what == "campaign":
                self.add(Campaign(*values), [])
            else:
                campaign_id, *row = values
                self._execute(_INSERT_ROW, (self._sequence(campaign_id), *row))

    def _sequence(self, campaign_id: str) -> int | None:
        row = self._execute("SELECT sequence FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
        return row and int(row[0])


def _campaign(row: tuple[Any, ...]) -> Campaign:
    campaign = Campaign(*row)
    campaign.document = orjson.loads(row[-1])
    return campaign


def _limit(limit: int | None) -> int:
    return -1 if limit is None else limit
