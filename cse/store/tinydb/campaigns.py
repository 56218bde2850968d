"""Fan-outs in TinyDB: a document per campaign, whose number is its sequence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import islice
from typing import Any

from tinydb.table import Document as Numbered

from cse.store import Campaign, Campaigns, Row
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Document, Sorted, Unique
from cse.store.tinydb.members import Members
from cse.store.tinydb.octets import original, readable

NOWHERE = 0  # no campaign has this sequence


class TinyDBCampaigns(Campaigns):
    """The table `campaign`, and the members."""

    def __init__(self, database: Database) -> None:
        self._by_id = Unique(lambda document: [(document["id"],)])
        self._by_state = Sorted(lambda document: [(document["state"],)])
        self._table = database.add("campaign", self._by_id, self._by_state)
        self._members = Members(database)

    def add(self, campaign: Campaign, rows: Iterable[Row]) -> None:
        self._table.insert(Numbered(_document(campaign), campaign.sequence))
        self._members.add(campaign.sequence, rows)

    def get(self, campaign_id: str) -> Campaign | None:
        return next(self._campaigns([self._sequence(campaign_id)]), None)

    def save(self, campaign: Campaign) -> None:
        sequence = self._sequence(campaign.id)
        self._table.update(_document(campaign) | {"sequence": sequence}, doc_ids=[sequence])

    def remove(self, campaign_id: str) -> None:
        sequence = self._sequence(campaign_id)
        self._members.remove(sequence)
        self._table.remove(doc_ids=[sequence])

    def all(self, *, state: str | None = None, limit: int | None = None) -> list[Campaign]:
        numbers = self._table.numbers() if state is None else self._by_state.numbers(state)
        return list(self._campaigns(islice(reversed(numbers), limit)))

    def last_sequence(self) -> int:
        return self._table.last

    def write(self, campaign_id: str, rows: Iterable[Row]) -> None:
        self._members.write(self._sequence(campaign_id), rows)

    def rows(
        self,
        campaign_id: str,
        *,
        states: Sequence[str] = (),
        reasons: Sequence[str] = (),
        after: int = -1,
        limit: int | None = None,
    ) -> list[Row]:
        found = self._members.rows(self._sequence(campaign_id), states, after)
        return list(islice((row for row in found if not reasons or row.reason in reasons), limit))

    def counts(self, campaign_id: str) -> dict[tuple[str, str, str], int]:
        return self._members.counts(self._sequence(campaign_id))

    def status_codes(self, campaign_id: str, state: str) -> dict[int, int]:
        return self._members.status_codes(self._sequence(campaign_id), state)

    def concern(self, target: str, state: str) -> bool:
        return self._members.concern(target, state)

    def others(self, campaign_id: str, state: str) -> list[tuple[str, Row]]:
        sequence = self._sequence(campaign_id)
        older = [campaign for campaign in reversed(self.all()) if campaign.sequence < sequence]
        return [
            (campaign.id, row)
            for campaign in older
            for row in self._members.rows(campaign.sequence, [state])
            if self._members.have(sequence, row.target)
        ]

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", self.last_sequence())
        for campaign in self._campaigns(self._table.numbers()):
            yield ("campaign", *(getattr(campaign, each.name) for each in fields(campaign)))
            yield from (("row", campaign.id, *row) for row in self._members.rows(campaign.sequence))

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for what, *values in rows:
            if what == "last":
                self._table.use_number(*values)
            elif what == "campaign":
                self.add(Campaign(*values), [])
            else:
                campaign_id, *row = values
                self._members.add(self._sequence(campaign_id), [Row(*row)])

    def _sequence(self, campaign_id: str) -> int:
        found = self._by_id.get(campaign_id)
        return NOWHERE if found is None else found

    def _campaigns(self, numbers: Iterable[int]) -> Iterator[Campaign]:
        return (_campaign(document) for _, document in self._table.documents(numbers))


def _document(campaign: Campaign) -> dict[str, Any]:
    return {**asdict(campaign), "request": readable(campaign.request)}


def _campaign(document: Document) -> Campaign:
    return Campaign(**{**document, "request": original(document["request"])})
