"""Fan-outs in PostgreSQL: a row per campaign and a row per member, which names its campaign by sequence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import orjson

from cse.store import Campaign, Campaigns, Row
from cse.store.postgresql.fence import Fence
from cse.store.postgresql.session import Session
from cse.store.records import changeable

_FIELDS = "id, sequence, of_group, request, request_resource, created, deadline, state, finished_at, document"
_SELECT = f"SELECT {_FIELDS} FROM campaign"  # noqa: S608
_INSERT = f"INSERT INTO campaign ({_FIELDS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
_LAST = "UPDATE campaign_last SET sequence = greatest(sequence, %s)"
_SAVE = (
    "UPDATE campaign SET of_group = %s, request = %s, request_resource = %s, created = %s, deadline = %s, state = %s,"
    " finished_at = %s, document = %s WHERE id = %s"
)
_COLUMNS = ", ".join(Row._fields)
_SEQUENCE = "(SELECT sequence FROM campaign WHERE id = %s)"
_COPY = f"COPY campaign_member (campaign, {_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_WRITE = (
    f"UPDATE campaign_member SET {', '.join(f'{name} = %s' for name in Row._fields[1:])}"  # noqa: S608
    " WHERE campaign = %s AND position = %s"
)
_ROWS = f"SELECT {_COLUMNS} FROM campaign_member WHERE campaign = {_SEQUENCE} AND position > %s"  # noqa: S608
_CONDITIONS = {"states": " AND state = ANY(%b::bytea[])", "reasons": " AND reason = ANY(%b::bytea[])"}
_PAGE = " ORDER BY position LIMIT %s"
_COUNTS = (
    f"SELECT network, state, reason, count(*) FROM campaign_member WHERE campaign = {_SEQUENCE}"  # noqa: S608
    " GROUP BY state, network, reason"
)
_STATUS_CODES = (
    f"SELECT status_code, count(*) FROM campaign_member WHERE campaign = {_SEQUENCE} AND state = %s"  # noqa: S608
    " GROUP BY status_code"
)
_CONCERN = "SELECT 1 FROM campaign_member WHERE digest = sha256(%s) AND state = %s LIMIT 1"
_OTHERS = (
    f"SELECT (SELECT id FROM campaign WHERE sequence = campaign), {_COLUMNS} FROM campaign_member"  # noqa: S608
    " WHERE digest IN (SELECT digest FROM campaign_member WHERE campaign = %(sequence)s)"
    " AND state = %(state)s AND campaign < %(sequence)s ORDER BY campaign, position"
)


class PostgreSQLCampaigns(Campaigns):
    """The tables `campaign` and `campaign_member` in one session; only the conductor changes them."""

    def __init__(self, session: Session, fence: Fence) -> None:
        self._session = session
        self._fence = fence

    def add(self, campaign: Campaign, rows: Iterable[Row]) -> None:
        self._insert(campaign)
        self._copy((campaign.sequence, *row) for row in rows)

    def get(self, campaign_id: str) -> Campaign | None:
        row = self._session.one(f"{_SELECT} WHERE id = %s", (campaign_id,))
        return None if row is None else _campaign(*row)

    def save(self, campaign: Campaign) -> None:
        self._fence.check(self._session)
        self._session.run(_SAVE, (*changeable(campaign), campaign.id))

    def remove(self, campaign_id: str) -> None:
        self._fence.check(self._session)
        self._session.run(f"DELETE FROM campaign_member WHERE campaign = {_SEQUENCE}", (campaign_id,))  # noqa: S608
        self._session.run("DELETE FROM campaign WHERE id = %s", (campaign_id,))

    def all(self, *, state: str | None = None, limit: int | None = None) -> list[Campaign]:
        condition, values = ("", ()) if state is None else (" WHERE state = %s", (state,))
        statement = f"{_SELECT}{condition} ORDER BY sequence DESC LIMIT %s"
        return [_campaign(*row) for row in self._session.rows(statement, (*values, limit))]

    def last_sequence(self) -> int:
        row = self._session.one("SELECT sequence FROM campaign_last")
        return int(row[0]) if row else 0

    def write(self, campaign_id: str, rows: Iterable[Row]) -> None:
        self._fence.check(self._session)
        sequence = self._sequence(campaign_id)
        self._session.many(_WRITE, ((*row[1:], sequence, row.position) for row in rows))

    def rows(
        self,
        campaign_id: str,
        *,
        states: Sequence[str] = (),
        reasons: Sequence[str] = (),
        after: int = -1,
        limit: int | None = None,
    ) -> list[Row]:
        wanted = {name: list(texts) for name, texts in (("states", states), ("reasons", reasons)) if texts}
        statement = _ROWS + "".join(_CONDITIONS[name] for name in wanted) + _PAGE
        return [_row(*row) for row in self._session.rows(statement, (campaign_id, after, *wanted.values(), limit))]

    def counts(self, campaign_id: str) -> dict[tuple[str, str, str], int]:
        counted = self._session.rows(_COUNTS, (campaign_id,))
        return {(network.decode(), state.decode(), reason.decode()): count for network, state, reason, count in counted}

    def status_codes(self, campaign_id: str, state: str) -> dict[int, int]:
        return dict(self._session.rows(_STATUS_CODES, (campaign_id, state)))

    def concern(self, target: str, state: str) -> bool:
        return self._session.one(_CONCERN, (target, state)) is not None

    def others(self, campaign_id: str, state: str) -> list[tuple[str, Row]]:
        values = {"sequence": self._sequence(campaign_id), "state": state}
        return [(other.decode(), _row(*row)) for other, *row in self._session.rows(_OTHERS, values)]

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", self.last_sequence())
        statement = f"SELECT {_COLUMNS} FROM campaign_member WHERE campaign = {{}} ORDER BY position"  # noqa: S608
        for found in self._session.stream(f"{_SELECT} ORDER BY sequence"):
            campaign = _campaign(*found)
            yield ("campaign", *(getattr(campaign, each.name) for each in fields(campaign)))
            for row in self._session.stream(statement.format(campaign.sequence)):
                yield ("row", campaign.id, *_row(*row))

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        members: list[tuple[str, Row]] = []
        for what, *values in rows:
            if what == "last":
                self._session.run(_LAST, values)
            elif what == "campaign":
                self._insert(Campaign(*values))
            else:
                members.append((values[0], Row(*values[1:])))
        sequences = {campaign_id: self._sequence(campaign_id) for campaign_id in {name for name, _ in members}}
        self._copy((sequences[name], *row) for name, row in members)

    def _insert(self, campaign: Campaign) -> None:
        self._fence.check(self._session)
        self._session.run(_INSERT, (campaign.id, campaign.sequence, *changeable(campaign)))
        self._session.run(_LAST, (campaign.sequence,))

    def _copy(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._session.copy(_COPY, rows)

    def _sequence(self, campaign_id: str) -> int | None:
        row = self._session.one("SELECT sequence FROM campaign WHERE id = %s", (campaign_id,))
        return None if row is None else int(row[0])


def _campaign(*values: Any) -> Campaign:
    campaign_id, sequence, group, request, request_resource, created, deadline, state, finished_at, document = values
    texts = (group.decode(), request, request_resource.decode())
    times = (created, deadline, state.decode(), finished_at)
    return Campaign(campaign_id.decode(), sequence, *texts, *times, orjson.loads(document))


def _row(*values: Any) -> Row:
    position, member, target, host, state, reason, status_code, content, *rest = values
    network, attempts, answered_at = rest
    texts = [text.decode() for text in (member, target, host, state, reason)]
    return Row._make((position, *texts, status_code, content, network.decode(), attempts, answered_at))
