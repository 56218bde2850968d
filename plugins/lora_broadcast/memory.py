"""What must survive a restart: campaign numbers, who owns which device, which devices each group has."""

from typing import Any

from tinydb import TinyDB
from tinydb.table import Document

# A later answer to an older campaign is stray.
REMEMBERED_CAMPAIGNS = 1000


class Campaigns:
    """Numbers on the air for request identifiers. A number is on the disk before it is on the air."""

    def __init__(self, documents: TinyDB) -> None:
        self._table = documents.table("campaigns")
        self._numbers: dict[str, int] = {row["request_identifier"]: row.doc_id for row in self._table}
        self._identifiers = {number: identifier for identifier, number in self._numbers.items()}

    def peek(self, request_identifier: str) -> int:
        """The number of this request, or the one that it would get."""
        return self._numbers.get(request_identifier, max(self._identifiers, default=0) + 1)

    def number(self, request_identifier: str) -> int:
        """The number of this request, a new and higher one if it has none; devices ignore lower numbers."""
        number = self.peek(request_identifier)
        if request_identifier not in self._numbers:
            self._table.insert(Document({"request_identifier": request_identifier}, doc_id=number))
            self._numbers[request_identifier] = number
            self._identifiers[number] = request_identifier
            self._forget()
        return number

    def identifier(self, number: int) -> str | None:
        """The request identifier behind a number."""
        return self._identifiers.get(number)

    def _forget(self) -> None:
        """Drop the oldest, a tenth at a time, because every change writes the whole file."""
        if len(self._identifiers) > REMEMBERED_CAMPAIGNS:
            oldest = sorted(self._identifiers)[: REMEMBERED_CAMPAIGNS // 10]
            self._table.remove(doc_ids=oldest)
            for number in oldest:
                del self._numbers[self._identifiers.pop(number)]


class Mapping:
    """A dictionary that is written as one document when `save` finds it changed."""

    def __init__(self, documents: TinyDB, name: str) -> None:
        self._table = documents.table(name)
        self.values: dict[str, Any] = next((row["values"] for row in self._table), {})
        self._changed = False

    def put(self, key: str, value: Any) -> None:
        """Set a value, or with None remove it."""
        if self.values.get(key) == value:
            return
        self._changed = True
        if value is None:
            del self.values[key]
        else:
            self.values[key] = value

    def save(self) -> None:
        """Write it if it has changed."""
        if self._changed:
            self._changed = False
            self._table.upsert(Document({"values": self.values}, doc_id=1))
