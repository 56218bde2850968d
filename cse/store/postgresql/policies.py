"""What keeps a resource from naming a policy that another process is just removing.

Whoever removes policies has a turn for that since before its transaction, so it sees every name that has been written;
whoever writes names then has to wait, and notices if policies have been removed since its own transaction began.
"""

from cse.store.postgresql.keys import turn_key
from cse.store.postgresql.session import Session

SUBJECT = "accessControlPolicyIDs"
_NAMING = "SELECT pg_try_advisory_xact_lock_shared(%s) FROM policy_change FOR KEY SHARE"
_REMOVING = "UPDATE policy_change SET number = number + 1"


def naming(session: Session) -> None:
    """A resource gets names of policies."""
    row = session.one(_NAMING, (turn_key(SUBJECT),))
    if row is None or not row[0]:
        raise session.collision(SUBJECT)


def removing(session: Session) -> None:
    """Policies are going to be removed, and their names with them."""
    session.require_turn(SUBJECT)
    session.run(_REMOVING)
