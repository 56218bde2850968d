"""Files for the small document stores of networks."""

import os
from pathlib import Path
from typing import Any

import orjson
from tinydb.storages import MemoryStorage, Storage


def sync(path: Path) -> None:
    """Have on the disk what is in a file, or which files are in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class JsonFile(Storage):
    """TinyDB's file, written as a whole beside the old one and then put in its place: a crash leaves one of both.

    It is read once, since reading megabytes at every change would stop the whole server for as long.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        data = path.read_bytes() if path.exists() else b""
        self._data: dict[str, dict[str, Any]] | None = orjson.loads(data) if data else None

    def read(self) -> dict[str, dict[str, Any]] | None:
        return self._data

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        self._data = data
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        sync(self._path.parent)


class Folder:
    """One JSON file for each name; without a folder, everything is in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._in_memory: dict[str, MemoryStorage] = {}

    def storage(self, name: str) -> Storage:
        """What is kept under this name."""
        if self._path is None:
            return self._in_memory.setdefault(name, MemoryStorage())  # type: ignore[no-untyped-call]
        return JsonFile(self._path / f"{name}.json")

    def names(self) -> list[str]:
        """Those under which something is kept."""
        if self._path is None:
            return sorted(self._in_memory)
        return sorted(file.stem for file in self._path.glob("*.json"))
