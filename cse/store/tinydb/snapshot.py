"""The file that TinyDB can read: all tables as they were after one of the commits, one document per line."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from cse.store.tinydb import disk
from cse.store.tinydb.lines import Change, Damaged, document_line, read_document

VERSION = 1
ABOUT = "store"  # the last table: what the file is
PIECE = 500  # documents that are written at once, lest other threads wait

_TABLE = re.compile(rb'"(\w+)":\{\n')
_OPEN, _NEXT, _CLOSE = b"{\n", b"},\n", b"}\n"


@dataclass
class Content:
    """Documents as JSON texts by table and number, the last number that each table has used, and the last commit."""

    tables: dict[str, dict[int, bytes]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    commit: int = 0

    def apply(self, change: Change) -> None:
        """Go on from there."""
        table, number, text = change
        texts = self.tables.setdefault(table, {})
        self.last[table] = max(number, self.last.get(table, 0))
        if text is None:
            texts.pop(number, None)
        else:
            texts[number] = text


def write(content: Content, path: Path) -> None:
    """Write it into a file of this name, durably but for the name."""
    with path.open("wb", buffering=0) as file:
        for piece in _pieces(content):
            disk.write(file.fileno(), piece)
        os.fsync(file.fileno())


def read(path: Path) -> Content:
    """ConfigurationError if it is not as it was written."""
    with path.open("rb") as file:
        reader = _Reader(path)
        for line in file:
            reader.take(line)
    return reader.finish()


def _pieces(content: Content) -> Iterator[bytes]:
    documents = sum(map(len, content.tables.values()))
    about = {"version": VERSION, "commit": content.commit, "documents": documents, "last": content.last}
    yield _OPEN
    for table, texts in content.tables.items():
        if texts:
            yield from _table(table, texts)
            yield _NEXT
    yield from _table(ABOUT, {1: orjson.dumps(about)})
    yield _CLOSE + _CLOSE


def _table(name: str, texts: Mapping[int, bytes]) -> Iterator[bytes]:
    separator = b'"%s":{\n' % name.encode()
    documents = iter(texts.items())
    while piece := list(islice(documents, PIECE)):
        yield separator + b",\n".join([document_line(name, number, text) for number, text in piece])
        separator = b",\n"
    yield b"\n"


class _Reader:
    """Takes line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._line = 0
        self._table = ""
        self._texts: dict[int, bytes] = {}
        self._tables: dict[str, dict[int, bytes]] = {}

    def take(self, line: bytes) -> None:
        self._line += 1
        try:
            found = read_document(self._table, line)
        except ValueError as error:
            raise self._damaged("the document is not as it was written") from error
        if found is not None:
            self._texts[found[0]] = found[1]
        elif match := _TABLE.fullmatch(line):
            self._table = match[1].decode()
            self._texts = self._tables.setdefault(self._table, {})
        elif line not in (_OPEN, _NEXT, _CLOSE):
            raise self._damaged("this is not a line that was written")

    def finish(self) -> Content:
        about = orjson.loads(self._tables.pop(ABOUT, {}).get(1, b"null"))
        if about is None:
            raise self._damaged("the end of the file is missing, or another program has written it")
        if about["version"] != VERSION:
            raise self._damaged(f"this is version {about['version']} of the format, this server reads {VERSION}")
        self._check_number(about)
        return Content(self._tables, about["last"], about["commit"])

    def _check_number(self, about: dict[str, Any]) -> None:
        documents = sum(map(len, self._tables.values()))
        if documents != about["documents"]:
            raise self._damaged(f"{about['documents']} documents were written, {documents} are there")

    def _damaged(self, what: str) -> Damaged:
        return Damaged(self._path, self._line, what)
