"""How the file of a store is opened: by one server at a time, and never a new one in place of one that is damaged."""

import os
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

from cse.config import ConfigurationError
from cse.store.sqlite.schema import READER_CACHE_KIBIBYTES, VERSION, connect, prepare

CHECKED_AT_START = 32 * 2**20  # bytes: half a second; `cse store check` is for larger files
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
DENIED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
UNFINISHED = "A server works with the file beside this one, or has stopped without closing it.\n"


def open_for_writing(path: Path, held: AsyncExitStack) -> sqlite3.Connection:
    """Whoever closes `held` closes it and gives the file free. ConfigurationError if it can't be used."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_whole(path, was_used=_beside(path, ".lock").exists())
        held.callback(_lock(path).close)
        connection = _prepared(path)
        held.callback(connection.close)
        _mark(connection, path, held)
    except (OSError, sqlite3.Error, ConfigurationError) as error:
        raise ConfigurationError(f"store in [server]: cannot use {path}: {_remedy(error)}") from error
    return connection


def open_for_reading(path: Path, held: AsyncExitStack) -> sqlite3.Connection:
    """The same for a connection that writes nothing, beside a server or where nothing can be written."""
    try:
        path.stat()
        connection = _reading(path)
        held.callback(connection.close)
    except (OSError, sqlite3.Error, ConfigurationError) as error:
        raise ConfigurationError(f"store in [server]: cannot read {path}: {_remedy(error)}") from error
    return connection


def copy(path: Path, file: Path) -> None:
    """Write what is in a store now, and nothing that is to go, into a new file. OSError if it can't be written."""
    with closing(_reading(path)) as connection:
        connection.execute("PRAGMA query_only = OFF")  # which has VACUUM refused even where it writes another file
        try:
            connection.execute("VACUUM INTO ?", (str(file),))
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from error


def _lock(path: Path) -> sqlite3.Connection:
    """A connection that keeps every other server out until it is closed or its process ends, however it ends.

    The lock is on a file of its own, because an exclusive lock on the store would keep our own reader out too.
    """
    connection = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise ConfigurationError("another server has it open; stop that one or choose another file") from error
    return connection


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_whole(path: Path, *, was_used: bool) -> None:
    """SQLite would begin with an empty store where the file is missing, and without the last commits where those are.

    Commits are in the -wal file until they are copied to the other, and that is there until the store is closed. Who
    removes the file of a store that has been closed wants to begin anew.
    """
    log, unfinished = _beside(path, "-wal"), _beside(path, ".unfinished")
    if _size(path) == 0 and (_size(log) or unfinished.exists() or (was_used and path.exists())):
        raise ConfigurationError(
            f"it is missing or empty, but it was not: put it back, or a backup; to begin anew, remove {path.name} and"
            f" all files whose names begin with that"
        )
    if unfinished.exists() and _size(log) == 0:
        raise ConfigurationError(
            f"the server was not stopped, and {log.name} with its last commits is missing; put it back. If it is lost,"
            f" or the file is a backup, remove {unfinished.name} to go on without"
        )


def _prepared(path: Path) -> sqlite3.Connection:
    """Nothing is left of a file that could not be made, on a full disk for example."""
    is_new = _size(path) == 0
    connection = connect(str(path))
    try:
        _require_sound(connection, path)
        prepare(connection)
    except BaseException:
        connection.close()
        if is_new:
            path.unlink(missing_ok=True)
        raise
    return connection


def _require_sound(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and not version:
        raise ConfigurationError("it is a database of another program; choose another file")
    if _size(path) <= CHECKED_AT_START:
        (first,), *_ = connection.execute("PRAGMA quick_check(1)")
        if first != "ok":
            raise sqlite3.DatabaseError(first)


def _mark(connection: sqlite3.Connection, path: Path, held: AsyncExitStack) -> None:
    """From here on until the store is closed there is a file that says so; before, a commit, to have a -wal file."""
    unfinished = _beside(path, ".unfinished")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    with unfinished.open("w") as file:
        file.write(UNFINISHED)
        file.flush()
        os.fsync(file.fileno())
    held.callback(unfinished.unlink, missing_ok=True)


def _reading(path: Path) -> sqlite3.Connection:
    try:
        return _reader(path, "mode=ro")
    except sqlite3.OperationalError as error:
        # Readers note in a file beside it what they read. Where nobody can write one, nobody can change the other.
        if error.sqlite_errorcode & 0xFF not in DENIED:
            raise
        log = _beside(path, "-wal")
        if _size(log):
            raise ConfigurationError(f"copy it with {log.name} to a folder that can be written: {error}") from error
        return _reader(path, "immutable=1")


def _reader(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{how}"
    connection = connect(uri, uri=True, cache_kibibytes=READER_CACHE_KIBIBYTES)
    try:
        connection.execute("PRAGMA query_only = ON")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            sentence = f"its tables have version {version}, not {VERSION}; start the server once, or the other release"
            raise ConfigurationError(sentence)
    except BaseException:
        connection.close()
        raise
    return connection


def _remedy(error: Exception) -> str:
    """The error, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.DatabaseError) and (code is None or code & 0xFF in DAMAGED):
        return (
            f"it is damaged ({error}): cse store check may say more; keep it elsewhere, with all files whose names"
            " begin with its name, and put a backup in its place"
        )
    if code is not None and code & 0xFF in DENIED:
        return f"{error}: let the server write to the file and its folder, or choose another one"
    return str(error)
