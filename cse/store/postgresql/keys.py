"""Which advisory locks stand for what. PostgreSQL keeps them per database, we keep them per schema as well."""

from zlib import crc32

SETUP, PRESENCE = "setup", "presence"


def lock_class(schema: str, purpose: str) -> int:
    """What the locks for a purpose have in common: their `classid` in pg_locks."""
    return crc32(f"cse {schema} {purpose}".encode())


def lock_key(schema: str, purpose: str, number: int = 0) -> int:
    """The key of a lock; the number, which has 32 bits, is its `objid` in pg_locks."""
    key = lock_class(schema, purpose) << 32 | number
    return key - (key & 1 << 63) * 2


def turn_key(subject: str) -> int:
    """Of the lock for changing a resource. Where two resources have the same, they just wait for each other."""
    return lock_key("", "turn", crc32(subject.encode()))
