"""The file that every commit is added to. A new one begins with every compaction; its name has its first commit."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cse.store.tinydb.disk import write
from cse.store.tinydb.lines import Change, Commit, Damaged, commit_line, read_commit

_DAMAGED = "the commit is not as it was written"
_LAST = " (if the power failed meanwhile, nothing in it was acknowledged: remove this line)"


class Part(Iterable[Commit]):
    """A file of commits for reading. `path` ends with the number of the first one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first = self.next = int(path.name.rpartition("-")[2])  # `next` is the one behind those that were read
        self.intact = 0  # how long the file is without what was torn off, as far as it was read

    def __iter__(self) -> Iterator[Commit]:
        """What stands behind the end of the last line was never acknowledged; any other damage raises."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    return
                commit = read_commit(line)
                if commit is None:
                    raise Damaged(self.path, number + 1, _DAMAGED + ("" if file.read(1) else _LAST))
                if commit.number != self.next:
                    raise Damaged(self.path, number + 1, f"commit {self.next} is missing")
                self.next += 1
                self.intact += len(line)
                yield commit


def part_path(snapshot: Path, first: int) -> Path:
    """Where the commits from this one on are, as long as they are not in the snapshot."""
    return snapshot.with_name(f"{snapshot.name}.journal-{first}")


def parts(snapshot: Path) -> list[Part]:
    """All that there are, oldest first."""
    name = re.compile(re.escape(snapshot.name) + r"\.journal-\d+")
    found = [Part(path) for path in snapshot.parent.iterdir() if name.fullmatch(path.name)]
    return sorted(found, key=lambda part: part.first)


class Journal:
    """The newest part, for writing."""

    def __init__(self, path: Path, size: int, commit: int) -> None:
        """Go on behind `size` bytes and the last commit."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self.size = size
        self.commit = commit
        self._torn = os.fstat(self._file).st_size != size

    def append(self, changes: Iterable[Change]) -> None:
        """Add a commit; when it returns it is durable, when it raises it is not there."""
        line = commit_line(self.commit + 1, changes)
        self.repair()
        self._torn = True
        try:
            write(self._file, line)
            os.fsync(self._file)
        except BaseException:
            self._try_to_repair()
            raise
        self._torn = False
        self.size += len(line)
        self.commit += 1

    def repair(self) -> None:
        """Cut off what an append has left that did not succeed."""
        if self._torn:
            os.ftruncate(self._file, self.size)
            os.fsync(self._file)
            self._torn = False

    def close(self) -> None:
        """Nothing can be added any more."""
        self._try_to_repair()
        os.close(self._file)

    def _try_to_repair(self) -> None:
        """If it fails, the next append tries again before it adds anything."""
        with suppress(OSError):
            self.repair()
