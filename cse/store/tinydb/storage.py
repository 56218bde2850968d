"""TinyDB's storage over a snapshot and the journal beside it.

With TinyDB's own tables it is there to look at what a server has: `TinyDB(path, storage=JournalStorage)`. They would
copy everything at each write; the tables of this engine add to the journal.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import copymode
from typing import Any

import orjson
from tinydb.storages import Storage

from cse.store.tinydb import snapshot
from cse.store.tinydb.disk import sync_folder
from cse.store.tinydb.journal import Journal, Part, part_path, parts
from cse.store.tinydb.lines import Change, Damaged
from cse.store.tinydb.snapshot import Content

ATTEMPTS = 100  # to read files that a server goes on writing


class JournalStorage(Storage):
    """One server at a time may write. ConfigurationError if the files are not as they were written."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._journal: Journal | None = None

    def load(self) -> Content:
        """Everything that was acknowledged; the files may be a running server's."""
        for _ in range(ATTEMPTS - 1):
            before = self.state()
            try:
                return self._load()[0]
            except (Damaged, FileNotFoundError):
                if self.state() == before:
                    raise
        return self._load()[0]

    def state(self) -> list[tuple[str, int, int, int]]:
        """It differs whenever something has been written."""
        files = [self._path, *(part.path for part in parts(self._path))]
        return [(file.name, on.st_ino, on.st_size, on.st_mtime_ns) for file, on in _existing(files)]

    def open(self) -> Content:
        """Everything that was acknowledged; from now on it can be added to. Creates what is missing."""
        self._new.unlink(missing_ok=True)
        found = parts(self._path)
        if not found and not self._path.exists():
            self._put_in_place(Content())
        content, newest = self._load()
        self._journal = self._continue(content, newest)
        self._journal.repair()
        return content

    def append(self, changes: Iterable[Change]) -> None:
        """Write one commit; it is durable when this returns, and leaves nothing when this raises."""
        self._writable.append(changes)

    @property
    def journal_size(self) -> int:
        """The bytes that were written since the last call of `begin_part`, or are in the newest part when opened."""
        return self._writable.size

    @property
    def commit(self) -> int:
        """The number of the last one."""
        return self._writable.commit

    @property
    def is_compact(self) -> bool:
        """Whether the snapshot has everything."""
        return not any(part.path.stat().st_size for part in parts(self._path))

    def begin_part(self) -> None:
        """Commits go to another file from now on; if this raises, they go where they went before."""
        begun = self._begun(self._writable.commit)
        self._writable.close()
        self._journal = begun

    def replace(self, content: Content) -> None:
        """Make this the snapshot and remove what the journal has of it; any thread may, one at a time."""
        self._put_in_place(content)
        for part in parts(self._path):
            if part.first <= content.commit:
                part.path.unlink()
        sync_folder(self._path.parent)

    def read(self) -> dict[str, dict[str, Any]]:
        tables = self.load().tables.items()
        return {name: {str(key): orjson.loads(text) for key, text in texts.items()} for name, texts in tables}

    def write(self, data: Mapping[str, Mapping[Any, Any]]) -> None:
        """Replace everything; `open` must have been called."""
        tables = {
            name: {int(key): orjson.dumps(document) for key, document in documents.items()}
            for name, documents in data.items()
        }
        self.begin_part()
        self.replace(Content(tables, self.load().last, self.commit))

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    @property
    def _writable(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("the store is not open for writing")
        return self._journal

    @property
    def _new(self) -> Path:
        return self._path.with_name(f"{self._path.name}.new")

    def _load(self) -> tuple[Content, Part | None]:
        """What there is, and the newest part of the journal."""
        content, part = snapshot.read(self._path), None
        for part in parts(self._path):
            if part.first > content.commit + 1:
                raise Damaged(part.path, 1, f"commit {content.commit + 1} is missing: an earlier file is gone")
            for commit in part:
                if commit.number > content.commit:
                    for change in commit.changes:
                        content.apply(change)
                    content.commit = commit.number
        return content, part

    def _continue(self, content: Content, newest: Part | None) -> Journal:
        if newest is not None and newest.next == content.commit + 1:
            return Journal(newest.path, newest.intact, content.commit)
        return self._begun(content.commit)

    def _begun(self, commit: int) -> Journal:
        """A new part, for what comes behind this commit."""
        path = part_path(self._path, commit + 1)
        journal = Journal(path, 0, commit)
        try:
            copymode(self._path, path)
            sync_folder(self._path.parent)
        except BaseException:
            journal.close()
            raise
        return journal

    def _put_in_place(self, content: Content) -> None:
        try:
            snapshot.write(content, self._new)
            if self._path.exists():
                copymode(self._path, self._new)
            self._new.replace(self._path)
        except BaseException:
            self._new.unlink(missing_ok=True)
            raise
        sync_folder(self._path.parent)


def _existing(files: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for file in files:
        try:
            yield file, file.stat()
        except FileNotFoundError:
            continue
