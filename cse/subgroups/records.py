"""Which groups this CSE has made at others."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

from tinydb import TinyDB, where
from tinydb.queries import QueryInstance


@dataclass(frozen=True, slots=True)
class SubGroup:
    """A group at the CSE `cse` for the members of our `group` that are there.

    `address` and that of its `policy` are SP-relative; `digest` stands for its members as they were set last.
    """

    group: str
    cse: str
    address: str
    policy: str
    digest: str


def digest_of(members: Sequence[str]) -> str:
    """Something short that is the same for the same members only."""
    return hashlib.sha256("\n".join(members).encode()).hexdigest()


class Records:
    """The sub-groups of all groups; they survive restarts."""

    def __init__(self, documents: TinyDB) -> None:
        self._documents = documents

    def of(self, group: str) -> dict[str, SubGroup]:
        """Those of one group, by CSE-ID."""
        found = self._documents.search(where("group") == group)
        return {document["cse"]: SubGroup(**document) for document in found}

    def all(self) -> list[SubGroup]:
        """Those of all groups."""
        return [SubGroup(**document) for document in self._documents.all()]

    def put(self, subgroup: SubGroup) -> None:
        """It is there, or has other members than before."""
        self._documents.upsert(asdict(subgroup), _is(subgroup.group, subgroup.cse))

    def remove(self, subgroup: SubGroup) -> None:
        """It is gone."""
        self._documents.remove(_is(subgroup.group, subgroup.cse))


def _is(group: str, cse: str) -> QueryInstance:
    return cast(QueryInstance, (where("group") == group) & (where("cse") == cse))
