"""Programs of benchmarks/ are run, and what they print is looked at."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def output(*command: str) -> str:
    """What a module of benchmarks prints when it succeeds."""
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def missing(lines: list[str], *command: str) -> list[str]:
    """Those of these lines (regular expressions) that it does not print."""
    text = output(*command)
    return [line for line in lines if not re.search(line, text)]
