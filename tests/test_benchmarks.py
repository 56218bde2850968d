"""The benchmark runs and prints every line; what it measures is not judged."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = [
    r"CPU .*\d+ cores",
    r"memory .*GiB",
    r"versions .*python \d.*cse \d.*starlette \d.*uvicorn \d.*orjson \d",
    *(rf"reference: bare POST .* {count} .*requests/s" for count in (1, 16)),
    *(
        rf"{what} .* {store} .* {count} .*requests/s .*\(at {count}\)"
        for what in ("create contentInstance", "retrieve container", "retrieve latest")
        for store in ("sqlite", "memory")
        for count in (1, 16)
    ),
    *(
        rf"fan-out to 20 members: {operation} .* {store} .*{unit}"
        for operation in ("create", "retrieve")
        for store in ("sqlite", "memory")
        for unit in ("members/s", "s/request")
    ),
    *(rf"campaign to 20 UDP meters .*{unit}" for unit in ("s until all answered", "answers/s", "transmissions")),
]

pytestmark = pytest.mark.long


def test_the_quick_run_prints_every_line() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert [line for line in LINES if not re.search(line, result.stdout)] == []
