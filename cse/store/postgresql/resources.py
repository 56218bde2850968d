"""The tree in PostgreSQL: one row per resource, its attributes as a JSON document."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import orjson

from cse.errors import Conflict, NotFound
from cse.store import Resource, Resources, Search
from cse.store.postgresql.pages import ordered, sorted_pages
from cse.store.postgresql.policies import naming, removing
from cse.store.postgresql.session import Session

_FIELDS = "path, creator, document"
_SELECT = f"SELECT {_FIELDS} FROM resource"  # noqa: S608
_TURN = (
    "turn AS MATERIALIZED (SELECT CASE WHEN %(polite)s THEN pg_try_advisory_xact_lock(%(turn)s) ELSE true END AS mine)"
)
_INSERT = (
    "INSERT INTO resource (ri, pi, parent, ty, depth, path, key, et, creator, document)"
    " VALUES (%(ri)s, %(pi)s, (SELECT seq FROM resource WHERE ri = %(pi)s), %(ty)s, %(depth)s, %(path)s, %(key)s,"
    " %(et)s, %(creator)s, %(document)s) ON CONFLICT DO NOTHING RETURNING seq"
)
_INSERT_MARKED = (
    f"WITH added AS ({_INSERT}), marked AS"  # noqa: S608
    " (INSERT INTO mark (digest, seq) SELECT DISTINCT digest, seq FROM added, unnest(%(marks)b::bytea[]) AS digest)"
    " SELECT seq FROM added"
)
_UPDATE = (
    f"WITH {_TURN}, changed AS"  # noqa: S608
    " (UPDATE resource SET et = %(et)s, document = %(document)s FROM turn WHERE ri = %(ri)s AND mine RETURNING seq),"
    " gone AS (DELETE FROM mark WHERE seq = (SELECT seq FROM changed) AND NOT digest = ANY(%(marks)b::bytea[])),"
    " added AS (INSERT INTO mark (digest, seq)"
    " SELECT DISTINCT digest, seq FROM changed, unnest(%(marks)b::bytea[]) AS digest"
    " ON CONFLICT DO NOTHING RETURNING digest)"
    " SELECT mine, (SELECT seq FROM changed), ARRAY(SELECT digest FROM added) FROM turn"
)
_REMOVE = (
    f"WITH {_TURN}, gone AS"  # noqa: S608
    " (DELETE FROM resource USING turn WHERE mine AND (path = %(path)s OR (path >= %(first)s AND path < %(end)s)))"
    " SELECT mine FROM turn"
)
_EXPIRED = f"{_SELECT} WHERE et <= %s ORDER BY et, seq LIMIT %s"
_IN_HAND = " FOR NO KEY UPDATE SKIP LOCKED"

# ASCII has "0" right behind "/", so this range is every path that starts with the root and a slash.
_BELOW = "path >= %(first)s AND path < %(end)s AND depth <= %(depth)s"
_MARKED = "SELECT DISTINCT seq FROM mark WHERE digest = ANY(%(marks)b::bytea[])"
_FOUND = f"SELECT seq FROM resource WHERE {_BELOW}"  # noqa: S608
_FOUND_BY_MARK = (
    f"WITH marked AS MATERIALIZED ({_MARKED}) SELECT seq FROM marked JOIN resource USING (seq) WHERE {_BELOW}"  # noqa: S608
)
_TYPES = " AND ty = ANY(%(types)b::bigint[])"
_CHILDREN = "SELECT seq FROM resource WHERE pi = %(ri)s"
_ANY_DEPTH = 2**31


class PostgreSQLResources(Resources):
    """The tables `resource` and `mark` in one session. Marks are what resources are found by: labels and policies."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, ri: str) -> Resource | None:
        row = self._session.one(f"{_SELECT} WHERE ri = %s", (ri,))
        return None if row is None else _resource(*row)

    def find(self, path: str) -> Resource | None:
        row = self._session.one(f"{_SELECT} WHERE path = %s", (path,))
        return None if row is None else _resource(*row)

    def insert(self, resource: Resource) -> None:
        values = _values(resource)
        self._session.subject = resource.pi
        if not self._session.one(_INSERT_MARKED if values["marks"] else _INSERT, values):
            raise _conflict(resource)
        if resource.attributes.get("acpi"):
            naming(self._session)

    def update(self, resource: Resource) -> None:
        _, there, added = self._session.change(_UPDATE, resource.ri, _values(resource)) or (True, None, [])
        if there is None:
            raise NotFound(f"there is no resource {resource.ri} any more")
        if not {*added}.isdisjoint(_digests("acpi", resource.attributes.get("acpi") or ())):
            naming(self._session)

    def remove(self, resource: Resource) -> None:
        values = {"path": resource.path, "first": f"{resource.path}/", "end": f"{resource.path}0"}
        self._session.change(_REMOVE, resource.ri, values)

    def has_child(self, ri: str, key: str) -> bool:
        return self._session.one("SELECT 1 FROM resource WHERE pi = %s AND key = %s", (ri, key)) is not None

    def children(self, ri: str, ty: int | None = None, *, newest_first: bool = False) -> Iterator[Resource]:
        if ty is None:
            rows = sorted_pages(self._session, _FIELDS, _CHILDREN, {"ri": ri}, descending=newest_first)
        else:
            condition = "pi = %(ri)s AND ty = %(ty)s"
            rows = ordered(self._session, _FIELDS, condition, {"ri": ri, "ty": ty}, descending=newest_first)
        return (_resource(*row) for row in rows)

    def search(self, search: Search) -> Iterator[Resource]:
        values = {
            "first": f"{search.root}/",
            "end": f"{search.root}0",
            "depth": _ANY_DEPTH if search.levels is None else search.root.count("/") + search.levels,
            "types": list(search.types),
            "marks": _digests("lbl", search.labels),
        }
        found = (_FOUND_BY_MARK if search.labels else _FOUND) + (_TYPES if search.types else "")
        return (_resource(*row) for row in sorted_pages(self._session, _FIELDS, found, values))

    def governed_by(self, policies: Sequence[str]) -> Iterator[Resource]:
        if self._session.writes:
            removing(self._session)
        values = {"marks": _digests("acpi", policies)}
        return (_resource(*row) for row in sorted_pages(self._session, _FIELDS, _MARKED, values))

    def expired(self, now: str, limit: int) -> list[Resource]:
        statement = _EXPIRED + _IN_HAND if self._session.writes else _EXPIRED
        return [_resource(*row) for row in self._session.rows(statement, (now, limit))]

    def next_expiration(self) -> str | None:
        row = self._session.one("SELECT et FROM resource WHERE et IS NOT NULL ORDER BY et LIMIT 1")
        return None if row is None else str(row[0].decode())

    def export(self) -> Iterator[tuple[Any, ...]]:
        for path, creator, document in self._session.stream(f"{_SELECT} ORDER BY seq"):
            yield path.decode(), creator.decode(), orjson.loads(document)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> None:
        added = [Resource(*row) for row in rows]
        results = self._session.many_rows(_INSERT_MARKED, [_values(resource) for resource in added])
        for resource, result in zip(added, results, strict=True):
            if not result:
                raise _conflict(resource)


def _conflict(resource: Resource) -> Conflict:
    return Conflict(f"there is a resource {resource.ri}, {resource.path} or with this key already: choose another name")


def _values(resource: Resource) -> dict[str, Any]:
    attributes = resource.attributes
    return {
        "ri": attributes["ri"],
        "pi": attributes["pi"],
        "ty": attributes["ty"],
        "depth": resource.path.count("/"),
        "path": resource.path,
        "key": attributes.get("_key"),
        "et": attributes.get("et"),
        "creator": resource.creator,
        "document": orjson.dumps(attributes),
        "marks": [digest for name in ("lbl", "acpi") for digest in _digests(name, attributes.get(name) or ())],
    }


def _digests(name: str, texts: Sequence[str]) -> list[bytes]:
    return [sha256(f"{name} {text}".encode()).digest() for text in texts]


def _resource(path: bytes, creator: bytes, document: bytes) -> Resource:
    return Resource(path.decode(), creator.decode(), orjson.loads(document))
