"""Work side by side: a queue per lane, and a bounded number of workers that empty it."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import cast

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


class Lanes:
    """No task per job: a worker lives as long as the queue of its lane has something. A job that raises is logged."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._queues: defaultdict[str, deque[Job]] = defaultdict(deque)
        self._workers: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)

    def add(self, lane: str, job: Job) -> None:
        """Do this after what is in the lane already, as soon as one of its workers is free."""
        self._queues[lane].append(job)
        workers = self._workers[lane]
        if len(workers) < self._parallel:
            workers.add(asyncio.create_task(self._work(lane), name=f"lane {lane}"))

    async def stop(self) -> None:
        """Forget what has not begun and cancel what has."""
        workers = [worker for lane in self._workers.values() for worker in lane]
        for queue in self._queues.values():
            queue.clear()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, lane: str) -> None:
        queue = self._queues[lane]
        try:
            while queue:
                await _carry_out(queue.popleft(), lane)
        finally:
            self._leave(lane)

    def _leave(self, lane: str) -> None:
        workers = self._workers[lane]
        workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        if not workers:
            del self._workers[lane]
            self._queues.pop(lane, None)


async def _carry_out(job: Job, lane: str) -> None:
    try:
        await job()
    except Exception:
        log.exception("a job in lane %s failed", lane)
