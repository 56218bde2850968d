"""Units of work in the thread of the event loop, on what is known there; the file hears of them in batches.

A unit that concerns few resources needs neither another thread nor a statement of SQL of its own. It runs at once, on a
cache of what is in the file (`cache`) and on what earlier units did that is not there yet (`overlay`). What units have
done is collected; while one batch is written and synchronised, the next one is collected (`batch`). A caller hears of
his unit when everything that it did, and has seen, is durable.

Whatever a unit wants that is not there (long lists, searches, subtrees, alarms ...) raises `OrdinaryWay`: it is undone,
and runs again in the thread that writes, or one of those that read. One that writes there runs alone: it sees every
batch before it, and those behind it begin when the cache has forgotten what it has changed (`way`).

A batch that can't be written, because the disk is full or a name is taken after all, is none: cache and overlay forget
everything, and its units run again, one by one, the ordinary way.
"""


class OrdinaryWay(BaseException):
    """The unit has to run in another thread. Not an Exception, since units catch those."""


def require_plain(*texts: str) -> None:
    """Go on only without U+0000: batches are JSON, and SQLite ends a text in JSON there."""
    if any("\x00" in text for text in texts):
        raise OrdinaryWay
