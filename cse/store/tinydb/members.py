"""The members of fan-outs in TinyDB: one document per row, which names its campaign by sequence."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any

from cse.store import Row
from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Document, Sorted, Tally, Unique
from cse.store.tinydb.octets import original, readable


class Members:
    """The table `campaign_member`."""

    def __init__(self, database: Database) -> None:
        self._by_position = Unique(lambda document: [(document["campaign"], document["position"])])
        self._by_state = Sorted(lambda document: [(document["campaign"], document["state"], document["position"])])
        self._by_target = Sorted(lambda document: [(document["target"], document["state"], document["campaign"])])
        self._kinds = Tally(lambda document: [(document["campaign"], *(document[name] for name in _KIND))])
        self._table = database.add("campaign_member", self._by_position, self._by_state, self._by_target, self._kinds)

    def add(self, sequence: int, rows: Iterable[Row]) -> None:
        """Add members to a campaign."""
        self._table.insert_multiple({"campaign": sequence, **_fields(row)} for row in rows)

    def write(self, sequence: int, rows: Iterable[Row]) -> None:
        """Replace those at these positions, as far as there are any."""
        for row in rows:
            number = self._by_position.get(sequence, row.position)
            if number is not None:
                self._table.update(_fields(row), doc_ids=[number])

    def remove(self, sequence: int) -> None:
        """Forget all of a campaign."""
        self._table.remove(doc_ids=self._by_state.numbers(sequence))

    def rows(self, sequence: int, states: Sequence[str] = (), after: int = -1) -> Iterator[Row]:
        """In order of position, those in some states or in any; the store must not change meanwhile."""
        wanted = set(states) if states else self.states(sequence)
        spans = (self._by_state.span((sequence, state, after + 1), (sequence, f"{state}\0")) for state in wanted)
        entries = merge(*spans, key=lambda entry: entry[2])
        return (_row(document) for _, document in self._table.documents(entry[-1] for entry in entries))

    def states(self, sequence: int) -> set[str]:
        """All that members of this campaign are in."""
        return {state for _, state, *_ in self._kinds.of(sequence)}

    def counts(self, sequence: int) -> dict[tuple[str, str, str], int]:
        """How many there are per (network, state, reason)."""
        counted: Counter[tuple[str, str, str]] = Counter()
        for (network, state, reason, _), count in self._kinds.of(sequence).items():
            counted[network, state, reason] += count
        return dict(counted)

    def status_codes(self, sequence: int, state: str) -> dict[int, int]:
        """How many in this state there are per response status code."""
        counted: Counter[int] = Counter()
        for (_, found, _, code), count in self._kinds.of(sequence).items():
            if found == state:
                counted[code] += count
        return dict(counted)

    def concern(self, target: str, state: str) -> bool:
        """Whether one in this state has this target."""
        return self._by_target.first(target, state) is not None

    def have(self, sequence: int, target: str) -> bool:
        """Whether one of this campaign has this target."""
        return any(self._by_target.first(target, state, sequence) for state in self.states(sequence))


_KIND = ("network", "state", "reason", "status_code")


def _fields(row: Row) -> dict[str, Any]:
    return {**row._asdict(), "content": readable(row.content)}


def _row(document: Document) -> Row:
    fields = {name: document[name] for name in Row._fields}
    return Row(**{**fields, "content": original(document["content"])})
