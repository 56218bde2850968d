"""The tables of the SQLite engine and how a connection to them is made."""

import sqlite3

from cse.config import ConfigurationError
from cse.store.sqlite import removal
from cse.store.sqlite.effects import CLAIMS
from cse.store.sqlite.migrations import migrate

VERSION = 6
CACHE_KIBIBYTES = 16 * 1024
READER_CACHE_KIBIBYTES = 8 * 1024  # there are several of them, and every commit makes their caches worthless

# Every index of a rowid table ends with the rowid, so (pi, ty) is in the order of creation within each type.
# Large columns come last: SQLite reads a row only as far as it must.
TABLES = """
CREATE TABLE resource (
    seq INTEGER PRIMARY KEY,
    ri TEXT NOT NULL UNIQUE,
    pi TEXT NOT NULL,
    ty INTEGER NOT NULL,
    path TEXT NOT NULL UNIQUE,
    key TEXT,
    et TEXT,
    creator TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX resource_parent ON resource (pi, ty);
CREATE INDEX resource_type ON resource (ty, path);
CREATE INDEX resource_expiration ON resource (et);
CREATE UNIQUE INDEX resource_key ON resource (pi, key) WHERE key IS NOT NULL;

CREATE TABLE label (
    label TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (label, seq)
) WITHOUT ROWID;
CREATE INDEX label_resource ON label (seq);

CREATE TABLE policy (
    address TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (address, seq)
) WITHOUT ROWID;
CREATE INDEX policy_resource ON policy (seq);

CREATE TABLE list_item (
    ri TEXT NOT NULL,
    position INTEGER NOT NULL,
    item TEXT NOT NULL,
    target TEXT,
    path TEXT,
    PRIMARY KEY (ri, position)
) WITHOUT ROWID;
CREATE INDEX list_item_target ON list_item (target) WHERE target IS NOT NULL;
CREATE INDEX list_item_path ON list_item (path) WHERE path IS NOT NULL;
CREATE INDEX list_item_elsewhere ON list_item (item) WHERE target IS NULL;

CREATE TABLE alarm (
    ri TEXT NOT NULL,
    name TEXT NOT NULL,
    due REAL NOT NULL,
    PRIMARY KEY (ri, name)
) WITHOUT ROWID;
CREATE INDEX alarm_due ON alarm (due);

CREATE TABLE queued (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ri TEXT NOT NULL,
    name TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX queued_resource ON queued (ri, name);

CREATE TRIGGER resource_new AFTER INSERT ON resource BEGIN
    UPDATE list_item SET path = NEW.path WHERE target = NEW.ri;
END;

CREATE TRIGGER resource_gone AFTER DELETE ON resource BEGIN
    DELETE FROM label WHERE seq = OLD.seq;
    DELETE FROM policy WHERE seq = OLD.seq;
    DELETE FROM list_item WHERE ri = OLD.ri;
    DELETE FROM alarm WHERE ri = OLD.ri;
    DELETE FROM queued WHERE ri = OLD.ri;
END;

CREATE TABLE campaign (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    of_group TEXT NOT NULL,
    request BLOB NOT NULL,
    request_resource TEXT NOT NULL,
    created REAL NOT NULL,
    deadline REAL NOT NULL,
    state TEXT NOT NULL,
    finished_at REAL,
    document BLOB NOT NULL
);
CREATE INDEX campaign_state ON campaign (state);

CREATE TABLE campaign_member (
    campaign INTEGER NOT NULL,
    position INTEGER NOT NULL,
    member TEXT NOT NULL,
    target TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    network TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    answered_at REAL NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (campaign, position)
) WITHOUT ROWID;
CREATE INDEX campaign_member_count ON campaign_member (campaign, state, network, reason);
CREATE INDEX campaign_member_target ON campaign_member (target, state, campaign);

CREATE TABLE effect (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX effect_lane ON effect (lane);
"""


def connect(database: str, *, uri: bool = False, cache_kibibytes: int = CACHE_KIBIBYTES) -> sqlite3.Connection:
    """A connection in autocommit mode that any one thread at a time may use; `:memory:` for a database of its own."""
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False, uri=uri)
    try:
        connection.execute(f"PRAGMA cache_size = -{cache_kibibytes}")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Make every commit durable, and create or migrate what is missing; ConfigurationError for a newer version."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(
            f"BEGIN; {TABLES} {removal.TABLE}; {removal.VIEW}; PRAGMA user_version = {VERSION}; COMMIT;"
        )
    elif version < VERSION:
        migrate(connection, version)
    elif version > VERSION:
        raise ConfigurationError(
            f"its tables have version {version}, this release reads up to {VERSION}; start the release that wrote it,"
            " or put a backup from before in its place"
        )
    connection.execute(CLAIMS)
