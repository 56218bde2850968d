"""What would be on the disk if everything stopped between any two system calls.

There are two answers: all that was written (the process is killed), and no more than what was synchronised: the content
of files by the last fsync of the file, and their names by the last fsync of the folder (the power fails).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import pytest

Image = dict[str, bytes]


class Recorder:
    """Wraps the system calls; `images` are what may be left, each with the number that `acknowledged` was then."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.acknowledged = 0
        self.images: list[tuple[int, Image]] = []
        self._folder = folder
        self._contents: dict[int, bytes] = {}  # by inode
        self._names: dict[str, int] = {}
        self.held = ExitStack()  # a file that is open keeps its inode from being used again
        self._lock = RLock()
        self._write = os.write
        for name in ("fsync", "replace", "rename", "unlink", "ftruncate"):
            patch.setattr(os, name, self._wrapped(getattr(os, name)))
        patch.setattr(os, "write", self._write_in_halves)

    def _write_in_halves(self, file: int, data: Any) -> int:
        half = len(data) // 2
        with self._lock:
            count = self._write(file, data[:half]) if half else 0
            self._record()
            count += self._write(file, data[half:])
            self._record()
        return count

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self._hold()
                result = call(*arguments, **options)
                if call.__name__ == "fsync":
                    self._synchronised(arguments[0])
                self._record()
            return result

        return wrapper

    def _synchronised(self, file: int) -> None:
        status = os.fstat(file)
        if status.st_ino == self._folder.stat().st_ino:
            self._names = {path.name: path.stat().st_ino for path in self._folder.iterdir()}
        else:
            self._contents[status.st_ino] = Path(f"/proc/self/fd/{file}").read_bytes()

    def _hold(self) -> None:
        for path in self._folder.iterdir():
            if path.is_file():
                self.held.enter_context(path.open("rb"))

    def _record(self) -> None:
        written = {path.name: path.read_bytes() for path in self._folder.iterdir() if path.is_file()}
        synchronised = {name: self._contents.get(inode, b"") for name, inode in self._names.items()}
        for image in (written, synchronised):
            if not self.images or (self.acknowledged, image) not in self.images[-2:]:
                self.images.append((self.acknowledged, image))


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """Of what happens in this folder meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder(folder, patch)
        with recorder.held:
            yield recorder
