"""The load generator: a process of its own with keep-alive connections, each with one request under way.

It must cost much less than the servers that it drives. So there is no task, no future and no queue per request: the
next request leaves in the callback of the parser that has seen the end of the answer, of which nothing but the status
is looked at.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple, cast

import httptools
import uvloop

from benchmarks.elsewhere import in_same_process
from benchmarks.load import Address, LoadError, Requests
from benchmarks.watching import cpu, percentile

WARM_UP = 0.1  # of the seconds that are counted, before them
PATIENCE = 60.0  # seconds for the answers that are still to come in the end


class Load(NamedTuple):
    """What was answered: how many per second, milliseconds that half and 99 % of them took at most.

    `server` is how many microseconds of CPU the server took for each (None if its process is not known), `driver` the
    share of its core that the load generator took, `sent` how many were sent in all, the warm-up included.
    """

    rate: float
    p50: float
    p99: float
    server: float | None
    driver: float
    sent: int


class Job(NamedTuple):
    """Requests in turn for so many seconds, or (None) each of them once; `process` is that of the server."""

    address: Address
    requests: Sequence[Requests]
    connections: int
    seconds: float | None
    process: int | None = None


async def load(
    address: Address, requests: Sequence[Requests], connections: int, seconds: float, process: int | None = None
) -> Load:
    """What so many connections get answered when each sends these requests in turn, one after another."""
    return await in_same_process(_carry_out, Job(address, requests, connections, seconds, process))


async def for_each(address: Address, requests: Sequence[Requests], connections: int = 16) -> Load:
    """The same for each of these requests once."""
    return await in_same_process(_carry_out, Job(address, requests, connections, None))


def _carry_out(job: Job) -> Load:
    return uvloop.run(_measure(job))


class _Moment(NamedTuple):
    """Where the clocks and the counter of answers stand."""

    time: float
    own: float
    server: float
    answers: int


async def _measure(job: Job) -> Load:
    run = _Run(job)
    begin = run.now()
    for _ in range(job.connections):
        await run.connect()
    if job.seconds is None:
        await run.finished
        return run.load(begin, run.now())
    await run.ended_within(job.seconds * WARM_UP)
    begin = end = run.now()
    while end.answers < begin.answers + job.connections and end.time < begin.time + PATIENCE:  # longer for slow servers
        await run.ended_within(job.seconds)
        end = run.now()
    run.turns = iter(())
    await asyncio.wait_for(run.finished, PATIENCE)
    return run.load(begin, end)


class _Run:
    """A job while it is carried out. A connection that finds no further request in `turns` is done."""

    def __init__(self, job: Job) -> None:
        self.latencies: list[float] = []
        self.turns: Iterator[Requests] = iter(job.requests) if job.seconds is None else cycle(job.requests)
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._job, self._open = job, job.connections
        self._reconnecting: set[asyncio.Task[None]] = set()

    def now(self) -> _Moment:
        server = cpu([self._job.process]) if self._job.process else 0.0
        return _Moment(time.perf_counter(), time.process_time(), server, len(self.latencies))

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: _Connection(self), *self._job.address)

    def connect_again(self) -> None:
        """After an answer with which the server has closed the connection."""
        task = asyncio.create_task(self.connect())
        self._reconnecting.add(task)
        task.add_done_callback(self._reconnecting.discard)

    def leave(self) -> None:
        self._open -= 1
        if not self._open and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, error: LoadError) -> None:
        self.turns = iter(())
        if not self.finished.done():
            self.finished.set_exception(error)

    async def ended_within(self, seconds: float) -> None:
        """Wait so long; at once raise why the run has failed."""
        done, _ = await asyncio.wait([self.finished], timeout=seconds)
        for future in done:
            future.result()

    def load(self, begin: _Moment, end: _Moment) -> Load:
        counted = self.latencies[begin.answers : end.answers]
        if not counted:
            raise LoadError(f"nothing was answered within {end.time - begin.time:.1f} s")
        seconds = end.time - begin.time
        server = 1e6 * (end.server - begin.server) / len(counted) if self._job.process else None
        p50, p99 = (1000 * percentile(counted, share) for share in (0.5, 0.99))
        return Load(len(counted) / seconds, p50, p99, server, (end.own - begin.own) / seconds, len(self.latencies))


class _Connection(asyncio.Protocol):
    """One connection; `on_message_complete` is httptools' callback."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: Requests | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        self._data = data
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting is not None:
            self._run.fail(LoadError(f"the server closed the connection: {error or 'no reason given'}"))

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._run.latencies.append(now - self._begun)
        assert self._waiting is not None
        status = self._parser.get_status_code()
        if status != self._waiting.status:
            self._refused(self._waiting, status)
        elif self._parser.should_keep_alive():
            self._send(now)
        else:
            self._close()
            self._run.connect_again()

    def _send(self, now: float) -> None:
        self._waiting = next(self._run.turns, None)
        if self._waiting is None:
            self._close()
            self._run.leave()
            return
        self._begun = now
        self._transport.write(next(self._waiting))

    def _close(self) -> None:
        self._waiting = None
        self._transport.close()

    def _refused(self, requests: Requests, status: int) -> None:
        self._close()
        try:
            requests.check(status, self._data)
        except LoadError as error:
            self._run.fail(error)
