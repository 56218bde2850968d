"""Readings of devices become content instances below their AEs (interworking, TS-0001 clause 10.2.12)."""

import asyncio
import logging
from dataclasses import dataclass

import orjson

from cse.network import Engine
from cse.primitive import Content, Operation, Request

log = logging.getLogger(__name__)

CONTENT_INSTANCE = 4
CONTAINER = "readings"
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that the device of an AE reported; `identifier` is unique among all readings."""

    entity: str
    identifier: str
    value: Content

    def request(self) -> Request:
        """The CREATE of a content instance; text stays text, anything else becomes JSON."""
        if isinstance(self.value, str):
            instance = {"con": self.value}
        else:
            instance = {"cnf": "application/json:0", "con": orjson.dumps(self.value).decode()}
        return Request(
            Operation.CREATE,
            f"{self.entity}/{CONTAINER}",
            self.entity,
            self.identifier,
            resource_type=CONTENT_INSTANCE,
            content={"m2m:cin": instance},
            release_version="3",
        )


class ReadingStore:
    """Stores readings with a few workers; `refused` counts those that the tree did not take or that found no place."""

    def __init__(self, engine: Engine, parallel: int) -> None:
        self.refused = 0
        self._engine = engine
        self._waiting: asyncio.Queue[Reading] = asyncio.Queue(MOST_WAITING)
        self._workers = [asyncio.create_task(self._work()) for _ in range(max(1, parallel))]

    def put(self, reading: Reading) -> None:
        """Store it soon; when too many wait it is lost, as a reading on the air may be."""
        try:
            self._waiting.put_nowait(reading)
        except asyncio.QueueFull:
            self._refuse(reading, f"{MOST_WAITING} readings are waiting")

    async def stop(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._store(await self._waiting.get())

    async def _store(self, reading: Reading) -> None:
        try:
            response = await self._engine.request(reading.request())
        except Exception:
            log.exception("reading %s could not be stored", reading.identifier)
            self.refused += 1
            return
        if not response.succeeded:
            self._refuse(reading, f"{response.status_code} {response.content}")

    def _refuse(self, reading: Reading, why: str) -> None:
        self.refused += 1
        log.warning("reading %s of %s is lost: %s", reading.identifier, reading.entity, why)
