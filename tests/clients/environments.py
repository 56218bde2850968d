"""Environments of client packages, made once for each list of versions and kept in `.clients`, which git ignores."""

import fcntl
import hashlib
import shutil
import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".clients"


def interpreter(package: str) -> Path:
    """The Python of an environment with the versions that `PACKAGE.txt` in this folder names."""
    requirements = HERE / f"{package}.txt"
    folder = KEPT / f"{package}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _make(folder, requirements)
    return folder / "bin" / "python"


def _make(folder: Path, requirements: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [folder / "bin" / "pip", "install", "--quiet", "--requirement", requirements]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "complete").touch()
