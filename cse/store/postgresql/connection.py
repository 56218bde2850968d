"""Connections to PostgreSQL: how they are made, and how long one waits for a server that restarts."""

from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper

from cse.config import ConfigurationError

# Every table is read by its indexes, whatever statistics there are; statements are planned once.
SETTINGS = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "synchronous_commit": "on",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "8s",  # a process that hangs must not keep others out
}
# What libpq gets if the URL says nothing else: whoever is cut off has to learn it.
DEFAULTS = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
BYTEA = 17


class TextDumper(Dumper):
    """Texts go to the server as the bytes of their UTF-8."""

    oid = BYTEA
    format = Format.BINARY

    def dump(self, obj: str) -> bytes:
        return obj.encode()


def parameters(url: str) -> dict[str, Any]:
    """For a connection; ConfigurationError without the URL, which has a password, if it can't be read."""
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise ConfigurationError(
            "store in [server] is no URL for PostgreSQL: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None
    options = [*filter(None, [given.get("options")]), *(f"-c {name}={value}" for name, value in SETTINGS.items())]
    fixed = {"client_encoding": "UTF8", "options": " ".join(map(str, options))}
    return {**DEFAULTS, "application_name": "cse", **given, **fixed}


def adapt(connection: psycopg.Connection | psycopg.AsyncConnection) -> None:
    """Make values travel in one form each, so that every statement is prepared once."""
    connection.adapters.register_dumper(str, TextDumper)
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.prepare_threshold = 0
    connection.prepared_max = None


def connect(given: dict[str, Any]) -> psycopg.Connection:
    """A connection in autocommit mode."""
    connection = psycopg.connect(**given, autocommit=True)
    adapt(connection)
    return connection
