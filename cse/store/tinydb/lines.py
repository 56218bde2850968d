"""What the lines of the files look like. Each has a checksum, so that damage is noticed, and in which line it is.

A line of a snapshot is a document of TinyDB's: its number, and the document with the checksum as a field more. A line
of a journal is all that one commit has changed: table, number, and the document, or null if it is gone.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from cse.config import ConfigurationError

_DOCUMENT = re.compile(rb'"(\d+)":\{"checksum":"([0-9a-f]{8})",?(.*\}),?\n')
_COMMIT = re.compile(rb'\{"checksum":"([0-9a-f]{8})"(,"commit":(\d+),"changes":.*\})\n')


class Damaged(ConfigurationError):
    """A line is not what was written."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}, line {line}: {what}")


class Change(NamedTuple):
    """What became of a document; its text is JSON, None if it is gone."""

    table: str
    number: int
    text: bytes | None


class Commit(NamedTuple):
    """One line of a journal."""

    number: int
    changes: list[Change]


def document_line(table: str, number: int, text: bytes) -> bytes:
    """A document as it stands in a snapshot, without the comma or the end of the line."""
    comma = b"" if text == b"{}" else b","
    return b'"%d":{"checksum":"%08x"%s%s' % (number, _checksum(table, number, text), comma, text[1:])


def read_document(table: str, line: bytes) -> tuple[int, bytes] | None:
    """Number and text; None if the line is no document, ValueError if it is not as it was written."""
    match = _DOCUMENT.fullmatch(line)
    if match is None:
        return None
    number, text = int(match[1]), b"{" + match[3]
    if int(match[2], 16) != _checksum(table, number, text):
        raise ValueError
    return number, text


def commit_line(number: int, changes: Iterable[Change]) -> bytes:
    """A commit as it stands in a journal."""
    rows = b",".join(b'["%s",%d,%s]' % (table.encode(), key, text or b"null") for table, key, text in changes)
    rest = b',"commit":%d,"changes":[%s]}' % (number, rows)
    return b'{"checksum":"%08x"%s\n' % (crc32(rest), rest)


def read_commit(line: bytes) -> Commit | None:
    """None if the line is not as it was written."""
    match = _COMMIT.fullmatch(line)
    if match is None or int(match[1], 16) != crc32(match[2]):
        return None
    changes = orjson.loads(line)["changes"]
    return Commit(int(match[3]), [Change(table, number, as_text(document)) for table, number, document in changes])


def as_text(document: Any) -> bytes | None:
    """A document as JSON, None for None. It is a copy, because what orjson returns holds on to kilobytes."""
    return None if document is None else bytes(memoryview(orjson.dumps(document)))


def _checksum(table: str, number: int, text: bytes) -> int:
    """Of the text and of the place where it stands."""
    return crc32(text, crc32(b"%s/%d/" % (table.encode(), number)))
