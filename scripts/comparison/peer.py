"""The other CSE: installed in an environment of its own, started on loopback with a configuration of ours."""

import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

START_UP = 60.0  # seconds
SHUT_DOWN = 20.0
PAUSE = 0.5
OPTIONS = ("--headless", "--no-remote-cse", "--no-coap", "--no-mqtt", "--no-ws", "--http")
HEADERS = {"X-M2M-Origin": "CAdmin", "X-M2M-RI": "ready", "X-M2M-RVI": "3", "Accept": "application/json"}

# In memory, on loopback only, with the names that the options of the conformance suite have by default.
CONFIGURATION = Template("""\
[basic.config]
cseType=IN
cseID=id-in
cseName=cse-in
adminID=CAdmin
serviceProviderID=//cse.example
networkInterface=127.0.0.1
cseHost=127.0.0.1
httpPort=$port
databaseType=memory
logLevel=error
consoleType=simple
secret=conformance
[cse]
checkExpirationsInterval=1
[cse.registration]
allowedCSROriginators=/id-conformance
""")


def install(package: str, folder: Path) -> Path:
    """The folder of the programs of a new environment with this package (`name==version`)."""
    programs = folder / "bin"
    if not programs.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", package], check=True)
    return programs


@contextmanager
def running(program: Path, folder: Path, port: int) -> Iterator[str]:
    """Start the CSE in a folder of its own; its address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "acme.ini").write_text(CONFIGURATION.substitute(port=port), encoding="utf-8")
    command: list[str | Path] = [program, "--config", "acme.ini", "--base-directory", folder, *OPTIONS]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/cse-in")
        yield url
    finally:
        process.terminate()
        process.wait(SHUT_DOWN)


def wait_for(base: str) -> None:
    """Until the CSEBase can be retrieved; TimeoutError if it never can."""
    deadline = time.monotonic() + START_UP
    while not is_there(base):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{base} can't be retrieved")
        time.sleep(PAUSE)


def is_there(base: str) -> bool:
    try:
        with urlopen(Request(base, headers=HEADERS), timeout=PAUSE * 10):
            return True
    except (HTTPError, URLError, TimeoutError, ConnectionError):
        return False
