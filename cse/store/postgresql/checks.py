"""What can be wrong with the tables themselves; their content is others' task."""

from typing import cast

from cse.store import Transaction
from cse.store.postgresql.schema import INDEXES, TABLE_NAMES
from cse.store.postgresql.transaction import PostgreSQLTransaction

_MISSING = (
    "SELECT name FROM (SELECT convert_from(name, 'UTF8') AS name FROM unnest(%b::bytea[]) AS name) AS expected"
    " WHERE to_regclass(name) IS NULL ORDER BY name"
)
_INVALID = (
    "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
    " WHERE relnamespace = current_schema()::regnamespace AND NOT (indisvalid AND indisready)"
)
_LOST = {
    "marks of resources that are not there": "mark LEFT JOIN resource USING (seq) WHERE resource.seq IS NULL",
    "resources that are linked with a parent that is not theirs": (
        "resource JOIN resource AS above ON above.seq = resource.parent WHERE above.ri <> resource.pi"
    ),
    "members of campaigns that are not there": (
        "campaign_member LEFT JOIN campaign ON campaign.sequence = campaign_member.campaign"
        " WHERE campaign.sequence IS NULL"
    ),
    "claimed effects in a lane that another process has": (
        "effect JOIN lane USING (digest) WHERE effect.claimant <> lane.claimant"
    ),
}


def complaints(transaction: Transaction) -> list[str]:
    """One sentence each."""
    session = cast(PostgreSQLTransaction, transaction).session
    names = [*TABLE_NAMES, *INDEXES]
    missing = [f"{name} is missing" for (name,) in session.rows(_MISSING, (names,))]
    if missing:
        return missing
    invalid = [f"the index {name} is not valid: run REINDEX INDEX {name}" for (name,) in session.rows(_INVALID)]
    counts = {what: session.one(f"SELECT count(*) FROM {rows}") for what, rows in _LOST.items()}  # noqa: S608
    return invalid + [f"there are {row[0]} {what}" for what, row in counts.items() if row and row[0]]
