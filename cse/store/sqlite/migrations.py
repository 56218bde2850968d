"""Brings the tables of an earlier release up to date.

Each step is one transaction, in which the number of the version comes last: after a crash the file has the tables of
one version or of the next one, and the next start goes on from there. What is here never changes, whatever becomes of
the tables later: each step begins with what a release has left.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from cse.config import ConfigurationError

log = logging.getLogger(__name__)


class Step(NamedTuple):
    """From one version to the next: the statements to execute, and the functions by name that they need."""

    functions: dict[str, Callable[..., str]]
    statements: Sequence[str]


def _lane(kind: str, document: bytes) -> str:
    """Where version 5 puts an effect: those of one kind for one target, or one group, are carried out in order."""
    values = orjson.loads(document)
    return f"{kind} {values.get('target', values.get('group'))}"


TO_5 = Step(
    {"lane": _lane},
    (
        "ALTER TABLE effect RENAME TO effect_4",
        """CREATE TABLE effect (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    document BLOB NOT NULL
)""",
        "INSERT INTO effect SELECT id, kind, lane(kind, document), document FROM effect_4 ORDER BY id",
        "DELETE FROM sqlite_sequence WHERE name = 'effect'",
        "UPDATE sqlite_sequence SET name = 'effect' WHERE name = 'effect_4'",
        "DROP TABLE effect_4",
        "CREATE INDEX effect_lane ON effect (lane)",
        "ALTER TABLE list_item ADD COLUMN path TEXT",
        "UPDATE list_item SET path = (SELECT path FROM resource WHERE ri = target) WHERE target IS NOT NULL",
        "CREATE INDEX list_item_path ON list_item (path) WHERE path IS NOT NULL",
        "CREATE INDEX list_item_elsewhere ON list_item (item) WHERE target IS NULL",
        """CREATE TRIGGER resource_new AFTER INSERT ON resource BEGIN
    UPDATE list_item SET path = NEW.path WHERE target = NEW.ri;
END""",
        """CREATE TABLE gone (
    root TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID""",
        "CREATE VIEW present AS SELECT * FROM resource WHERE NOT EXISTS (SELECT 1 FROM gone"
        " WHERE path > root || '/' AND path < root || '0' AND seq <= last)",
    ),
)
TO_6 = Step(
    {},
    (
        "DROP TRIGGER resource_gone",
        "ALTER TABLE label RENAME TO label_5",
        """CREATE TABLE label (
    label TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (label, seq)
) WITHOUT ROWID""",
        "INSERT INTO label SELECT label, seq FROM label_5 JOIN resource USING (ri) ORDER BY label, seq",
        "DROP TABLE label_5",
        "CREATE INDEX label_resource ON label (seq)",
        "ALTER TABLE policy RENAME TO policy_5",
        """CREATE TABLE policy (
    address TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (address, seq)
) WITHOUT ROWID""",
        "INSERT INTO policy SELECT address, seq FROM policy_5 JOIN resource USING (ri) ORDER BY address, seq",
        "DROP TABLE policy_5",
        "CREATE INDEX policy_resource ON policy (seq)",
        """CREATE TRIGGER resource_gone AFTER DELETE ON resource BEGIN
    DELETE FROM label WHERE seq = OLD.seq;
    DELETE FROM policy WHERE seq = OLD.seq;
    DELETE FROM list_item WHERE ri = OLD.ri;
    DELETE FROM alarm WHERE ri = OLD.ri;
    DELETE FROM queued WHERE ri = OLD.ri;
END""",
    ),
)
STEPS = {4: TO_5, 5: TO_6}  # by the version from which they go


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Go on from this version to the present one; ConfigurationError if it is older than everything known here."""
    if version not in STEPS:
        raise ConfigurationError(
            f"its tables have version {version}, this release reads {min(STEPS)} and later; start a release in between"
            " once, which brings it up to date"
        )
    while step := STEPS.get(version):
        log.warning("the tables of the store are brought from version %d to %d", version, version + 1)
        _take(connection, step, version + 1)
        version += 1


def _take(connection: sqlite3.Connection, step: Step, version: int) -> None:
    for name, function in step.functions.items():
        connection.create_function(name, -1, function)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in step.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
