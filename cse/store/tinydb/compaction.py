"""A journal that has outgrown what it leads to is replaced by a new snapshot, in a thread, while the server goes on."""

import logging
from threading import Thread

from cse.store.tinydb.database import Database
from cse.store.tinydb.snapshot import Content

MINIMUM = 4 * 1024 * 1024  # bytes of a journal that is left alone

_log = logging.getLogger(__name__)


class Compaction:
    """Use it as the tables are used: one thread at a time, between transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._storage = database.storage
        self._not_before = 0  # bytes of the journal after which one that could not begin is tried again
        self._thread = Thread()

    def consider(self) -> None:
        """Begin if it is time."""
        size = self._storage.journal_size
        if size > max(MINIMUM, self._database.size, self._not_before) and not self._thread.is_alive():
            try:
                self._start()
            except (OSError, RuntimeError) as error:  # no space, no file or no thread
                self._not_before = 2 * size
                _log.warning("the journal of the store cannot be compacted now: %s", error)

    def finish(self) -> None:
        """End what is under way and put everything into the snapshot, as far as the disk takes it."""
        self.wait()
        if not self._storage.is_compact:
            self._compact(self._database.copy())

    def wait(self) -> None:
        """Until nothing is under way."""
        if self._thread.is_alive():
            self._thread.join()

    def _start(self) -> None:
        self._storage.begin_part()
        self._not_before = 0
        self._thread = Thread(target=self._compact, args=(self._database.copy(),), name="store compaction")
        self._thread.start()

    def _compact(self, content: Content) -> None:
        """If it fails the journal has everything: nothing is lost, and the next one will do its work too."""
        try:
            self._storage.replace(content)
        except OSError as error:
            _log.warning("the journal of the store could not be compacted: %s", error)
