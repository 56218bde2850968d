"""Who takes part in the demonstration: applications over HTTP, a listener, and programs of their own."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

CSE = str(Path(sys.executable).with_name("cse"))


class Client:
    """An application entity, or the operator, over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, base: str, originator: str) -> None:
        self.base = base
        self._session = session
        self._originator = originator
        self._count = 0

    async def send(
        self, method: str, path: str, content: Any = None, ty: int | None = None, expires: float | None = None
    ) -> Any:
        """The answer's content; RuntimeError with what the server says if it is an error."""
        self._count += 1
        headers = {"X-M2M-Origin": self._originator, "X-M2M-RI": f"demo-{self._count}", "X-M2M-RVI": "3"}
        if content is not None:
            headers["Content-Type"] = "application/json" + (f";ty={ty}" if ty else "")
        if expires is not None:
            headers["X-M2M-RET"] = f"{expires * 1000:.0f}"
        body = None if content is None else orjson.dumps(content)
        async with self._session.request(method, f"{self.base}/{path}", data=body, headers=headers) as response:
            data = await response.read()
            if response.status >= 400:
                raise RuntimeError(f"{method} {path}: {response.status} {data.decode()[:300]}")
            return orjson.loads(data) if data else None


class Listener:
    """The head-end's own web server: takes the notifications about its request."""

    def __init__(self) -> None:
        self.states: list[int] = []

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/notify", self._notified)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/notify"
        finally:
            await runner.cleanup()

    async def _notified(self, request: web.Request) -> web.Response:
        notification = orjson.loads(await request.read())["m2m:sgn"]
        if "nev" in notification:
            self.states.append(notification["nev"]["rep"]["m2m:req"]["rs"])
        return web.Response(headers={"X-M2M-RSC": "2000", "X-M2M-RI": request.headers["X-M2M-RI"]})


class Programs:
    """Processes that are stopped in the end, whatever happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, *arguments: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                CSE, *arguments, cwd=self._folder, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )
        self._running[name] = process

    async def output(self, *arguments: str) -> str:
        """What a command prints that ends by itself; RuntimeError if it fails."""
        process = await asyncio.create_subprocess_exec(
            CSE, *arguments, cwd=self._folder, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        printed, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"cse {' '.join(arguments)} failed")
        return printed.decode().strip()

    def kill(self, name: str) -> None:
        """At once, as by a power failure; it is not expected to run any longer."""
        self._running.pop(name).kill()

    async def stop(self) -> None:
        for process in reversed(self._running.values()):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

    def check(self) -> None:
        """RuntimeError with the end of its log if one has ended by itself."""
        for process in self._running.values():
            if process.returncode is not None:
                raise RuntimeError(f"a program ended with exit code {process.returncode}:\n{self.logs()}")

    def logs(self) -> str:
        """The end of what each program has said."""
        return "\n".join(f"{path.stem}: {path.read_text()[-1000:]}" for path in sorted(self._folder.glob("*.log")))


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
