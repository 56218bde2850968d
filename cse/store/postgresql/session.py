"""What the tables see of a connection: statements that are carried out, and whether all can still be saved."""

import itertools
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from cse.store.postgresql.keys import turn_key
from cse.store.worker import TransactionLost

Values = Sequence[Any] | dict[str, Any]
Tuple = tuple[Any, ...]

ATTEMPTS, PAUSE = 20, 0.5  # at a server that does not answer, and seconds between two

MOST_TURNS = 50  # in one transaction

_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# How far a session has come says what became of its last transaction, if the answer to the COMMIT is lost. PostgreSQL's
# own number of the transaction would not: when it crashes and the record of it is lost, another one gets that number.
_BEGIN_WRITING = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO progress (session, number) VALUES ('{}'::bytea, 1)"
    " ON CONFLICT (session) DO UPDATE SET number = progress.number + 1, moment = now() RETURNING number::text"
)
_REACHED = "SELECT number FROM progress WHERE session = %s FOR UPDATE"  # waits for a transaction that is under way

# Somebody else has changed what this transaction had read or wants to change: it can be run again.
COLLISIONS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
    errors.ForeignKeyViolation,
)


class Collision(TransactionLost):
    """Another process has been in the way; nothing of the transaction is left and its units may be run again.

    `subject` is the identifier of the resource that both wanted to change, as far as that is known.
    """

    def __init__(self, message: str, subject: str) -> None:
        super().__init__(message)
        self.subject = subject


class Disconnected(TransactionLost):
    """The connection has broken; nothing of the transaction is left and its units may be run again."""


class Unreachable(Exception):
    """The database has not answered for a while."""


class Unknown(Exception):
    """The connection broke during a commit, and nobody can say whether that has taken place."""


class Session:
    """One connection after the other, as they break, and their transactions. One thread uses it.

    `writes` says whether transactions may write. `age` changes when what units have left open has come to its end.
    `subject` is the identifier of the resource that is being changed.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection], *, writes: bool) -> None:
        self.writes = writes
        self.age = 0
        self.subject = ""
        self._turns: set[int] = set()
        self._changed: set[str] = set()
        self.lost: TransactionLost | None = None
        self._number: int | None = None
        self._connect = connect
        self._name = secrets.token_hex(8)
        self._begin = _BEGIN_WRITING.format(self._name) if writes else _BEGIN_READING
        self._names = itertools.count()
        self.connect()

    def connect(self) -> None:
        """Take a new connection."""
        self.connection = self._connect()
        self._cursor = self.connection.cursor(binary=True)

    def recover(self) -> None:
        """Be ready for a transaction: wait some seconds for a server that has gone; Unreachable if it does not come."""
        self.lost = None
        for attempt in range(ATTEMPTS):
            if not self.connection.closed:
                return
            time.sleep(PAUSE * (attempt > 0))
            try:
                self.connect()
            except psycopg.OperationalError as error:
                failure = error
        raise Unreachable(f"the database cannot be reached: {failure}".strip()) from failure

    def take_turn(self, subject: str) -> None:
        """Between two transactions: wait until nobody else changes this, nor what turns were taken for before.

        They are taken in the order of their keys, so that nobody waits in a circle.
        """
        self.end_turns()
        self.recover()
        self._turns.add(turn_key(subject))
        for key in sorted(self._turns):
            self.run("SELECT pg_advisory_lock(%s)", (key,))

    def end_turns(self, *, forget: bool = False) -> None:
        """Give them to the next ones."""
        if self._turns:
            with suppress(psycopg.Error):
                self.connection.execute("SELECT pg_advisory_unlock_all()")
        if forget:
            self._turns.clear()

    def require_turn(self, subject: str) -> None:
        """Collide unless this session has had the turn for a subject since before its transaction has begun."""
        if turn_key(subject) not in self._turns:
            raise self.collision(subject)

    def collision(self, subject: str) -> Collision:
        """From now on this transaction is lost; it will be run again when it is its turn for the subject."""
        self.lost = Collision(f"another process is just changing {subject}", subject)
        return self.lost

    def change(self, statement: str, subject: str, values: dict[str, Any]) -> Tuple | None:
        """A statement that changes a resource when it is this session's turn, and returns a row that begins with that.

        Nobody else is waited for in the middle of a transaction: whoever comes second lines up and begins anew. That
        is for few resources, as locks have their room, and only saves work: PostgreSQL sees what is really changed.
        """
        self.subject = subject
        polite = len(self._changed) < MOST_TURNS
        self._changed.add(subject)
        row = self.one(statement, values | {"polite": polite, "turn": turn_key(subject)})
        if row is not None and not row[0]:
            raise self.collision(subject)
        return row

    def begin(self) -> None:
        """Start a transaction, all of which sees the database at this moment."""
        try:
            cursor = self.connection.execute(self._begin, prepare=False)
            row = cursor.fetchone() if self.writes and cursor.nextset() else None
        except psycopg.Error as error:
            raise self._meaning(error) from error
        self._number = int(row[0]) if row else None
        self._changed.clear()

    def commit(self) -> None:
        """End it durably. An answer that got lost is asked for again: Disconnected if nothing was done, or Unknown."""
        self.require_sound()
        try:
            self.connection.execute("COMMIT")
        except psycopg.Error as error:
            lost = self._meaning(error)
            if not (isinstance(lost, Disconnected) and self._number and self._committed(self._number)):
                raise lost from error

    def rollback(self) -> None:
        """Undo it, if there is one."""
        try:
            self.connection.rollback()
        except psycopg.Error:
            self.connection.close()

    def undo(self, savepoint: str) -> None:
        """Go back to a savepoint, and forget it."""
        self.require()
        self.run(f"ROLLBACK TO {savepoint}")
        self.run(f"RELEASE {savepoint}")

    def require(self) -> None:
        """Whoever has caught what says that the transaction is lost gets it again."""
        if self.lost is not None:
            raise self.lost

    def require_sound(self) -> None:
        """Refuse to go on after a statement that failed, whoever has caught its error."""
        self.require()
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            raise RuntimeError("a statement has failed in this unit of work, so that nothing of it can be kept")

    def close(self) -> None:
        self.connection.close()

    def rows(self, statement: str, values: Values = ()) -> list[Tuple]:
        """All that a statement returns."""
        return self._execute(statement, values).fetchall()

    def one(self, statement: str, values: Values = ()) -> Tuple | None:
        """The first row, if there is one."""
        return self._execute(statement, values).fetchone()

    def run(self, statement: str, values: Values = ()) -> int:
        """How many rows a statement has changed."""
        return self._execute(statement, values).rowcount

    def many(self, statement: str, values: Iterable[Values]) -> None:
        """A statement with each of these values."""
        try:
            self._cursor.executemany(statement, values)
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def many_rows(self, statement: str, values: Sequence[Values]) -> list[list[Tuple]]:
        """What a statement returns for each of these values."""
        try:
            self._cursor.executemany(statement, values, returning=True)
            return [results.fetchall() for results in self._cursor.results()]
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def copy(self, statement: str, rows: Iterable[Tuple]) -> None:
        """Add many rows by a COPY in binary form."""
        try:
            with self._cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def stream(self, statement: str) -> Iterator[Tuple]:
        """What a statement returns, a part of it in memory at a time."""
        try:
            with self.connection.cursor(f"stream{next(self._names)}", binary=True) as cursor:
                cursor.itersize = 1000
                yield from cursor.execute(statement)
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def _execute(self, statement: str, values: Values) -> psycopg.Cursor[Tuple]:
        try:
            return self._cursor.execute(statement, values)
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def _committed(self, number: int) -> bool:
        """Whether the transaction with which this session reached a number has taken place, once that is settled."""
        for _ in range(ATTEMPTS):
            try:
                self.recover()
                return self.connection.execute(_REACHED, (self._name,)).fetchone() == (number,)
            except errors.LockNotAvailable:
                continue
            except (psycopg.Error, Unreachable) as error:
                raise Unknown(
                    "the connection to the database broke during a commit, and it cannot be reached to ask whether"
                    " that took place"
                ) from error
        raise Unknown("the connection to the database broke during a commit that is still under way")

    def _meaning(self, error: psycopg.Error) -> Exception:
        if self.lost is not None:
            return self.lost
        if self.connection.closed:
            self.lost = Disconnected(f"the connection to the database has broken: {error}".strip())
        elif isinstance(error, COLLISIONS):
            self.lost = Collision(str(error), self.subject)
        elif isinstance(error, errors.ReadOnlySqlTransaction):
            return PermissionError("a unit that only reads has to be run by `run`, as this is a readonly transaction")
        return self.lost or error
