"""Effects in PostgreSQL.

A claim is the name of a process in a row, and it is good as long as this process is present. A lane belongs to the
process that has claimed something in it: a row of the table `lane`, which two cannot add at the same time.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import orjson

from cse.store import Effect, Effects
from cse.store.postgresql.counted import last, restore
from cse.store.postgresql.session import Session

_FIELDS = "id, kind, document, lane"
_ADD = "INSERT INTO effect (kind, document, lane) VALUES (%s, %s, %s) RETURNING id"
_PENDING = f"SELECT {_FIELDS} FROM effect WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608
_IN_LANES = (
    "SELECT id FROM effect WHERE digest IN (SELECT sha256(lane) FROM unnest(%b::bytea[]) AS given (lane)) ORDER BY id"
)
_PRESENT = "SELECT id FROM effect WHERE id = ANY(%b::bigint[])"
_RESTORE = f"INSERT INTO effect ({_FIELDS}) VALUES (%s, %s, %s, %s)"  # noqa: S608

# Whoever takes this process off the list of those that are there waits until this unit has ended.
_THERE = "SELECT 1 FROM process WHERE id = %s FOR KEY SHARE"

# What another process is just claiming is locked and passed over, and with it whatever follows it in its lane.
_CLAIM = """
WITH candidate AS (
    SELECT id, digest, lane <> '' AS ordered FROM effect
    WHERE claimant IS NULL {kinds} AND NOT EXISTS (
        SELECT 1 FROM lane WHERE lane.digest = effect.digest AND lane.claimant <> %(process)s
    )
    ORDER BY id LIMIT %(limit)s FOR UPDATE OF effect SKIP LOCKED
), free AS (
    SELECT id, digest, ordered FROM candidate WHERE NOT ordered OR NOT EXISTS (
        SELECT 1 FROM effect AS earlier
        WHERE earlier.digest = candidate.digest AND earlier.id < candidate.id AND earlier.claimant IS NULL
        AND earlier.id NOT IN (SELECT id FROM candidate)
    )
), taken AS (
    INSERT INTO lane (digest, claimant)
    SELECT DISTINCT digest, %(process)s::bytea FROM free WHERE ordered
    ON CONFLICT (digest) DO UPDATE SET claimant = EXCLUDED.claimant WHERE lane.claimant = EXCLUDED.claimant
), claimed AS (
    UPDATE effect SET claimant = %(process)s WHERE id IN (SELECT id FROM free)
    RETURNING id, kind, document, lane
)
SELECT id, kind, document, lane FROM claimed ORDER BY id
"""
_OF_KINDS = "AND kind = ANY(%(kinds)b::bytea[])"
_REMOVE = """
WITH gone AS (
    DELETE FROM effect WHERE id = ANY(%(ids)b::bigint[]) RETURNING digest
)
DELETE FROM lane WHERE digest IN (SELECT digest FROM gone) AND NOT EXISTS (
    SELECT 1 FROM effect
    WHERE effect.digest = lane.digest AND claimant IS NOT NULL AND NOT id = ANY(%(ids)b::bigint[])
)
"""


class PostgreSQLEffects(Effects):
    """The table `effect` in one session of a process."""

    def __init__(self, session: Session, process: str) -> None:
        self._session = session
        self._process = process

    def add(self, kind: str, document: dict[str, Any], *, lane: str = "") -> int:
        row = self._session.one(_ADD, (kind, orjson.dumps(document), lane))
        return int(row[0]) if row else 0

    def claim(self, limit: int, *, kinds: Collection[str] = ()) -> list[Effect]:
        if not self._session.one(_THERE, (self._process,)):
            raise LookupError("this process must not claim effects: others have taken it for dead")
        values = {"process": self._process, "limit": limit, "kinds": list(kinds)}
        statement = _CLAIM.format(kinds=_OF_KINDS if kinds else "")
        return [_effect(*row) for row in self._session.rows(statement, values)]

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Effect]:
        return [_effect(*row) for row in self._session.rows(_PENDING, (after, limit))]

    def in_lanes(self, lanes: Collection[str]) -> list[int]:
        return [number for (number,) in self._session.rows(_IN_LANES, (list(lanes),))]

    def present(self, ids: Collection[int]) -> list[int]:
        return [number for (number,) in self._session.rows(_PRESENT, (list(ids),))]

    def remove(self, ids: Iterable[int]) -> None:
        self._session.run(_REMOVE, {"ids": list(ids)})

    def export(self) -> Iterator[tuple[Any, ...]]:
        yield ("last", last(self._session, "effect_id_seq"))
        for row in self._session.stream(f"SELECT {_FIELDS} FROM effect ORDER BY id"):  # noqa: S608
            yield ("effect", *_effect(*row))

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        restore(self._session, "effect_id_seq", _RESTORE, rows, _values)


def _effect(number: int, kind: bytes, document: bytes, lane: bytes) -> Effect:
    return Effect(number, kind.decode(), orjson.loads(document), lane.decode())


def _values(number: int, kind: str, document: Any, lane: str) -> tuple[Any, ...]:
    return number, kind, orjson.dumps(document), lane
