"""The transmitting side of a gateway: a queue that keeps to the duty cycle and leaves time to listen."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from plugins.lora_broadcast.airtime import DATA_RATES, DOWNLINK_BAND
from plugins.lora_broadcast.network_server import LISTENING_PAUSE, Drop
from plugins.lora_broadcast.radio.air import Concentrator
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.ledger import DutyCycleLedger

QUEUE_LENGTH = 20_000
APPLICATION, SETUP = 0, 1


@dataclass(slots=True, eq=False)
class Job:
    """One transmission that a gateway is to make before `expires`; application data goes before set-up.

    `device` is the DevEUI of the receiver, "" for a multicast to `address`. `sent(gateway, airtime)` is called when it
    is over, `dropped(reason)` when it will not be made; `wanted` is asked before it is made.
    """

    port: int
    payload: bytes
    data_rate: int
    expires: int
    sent: Callable[[int, int], None]
    dropped: Callable[[Drop], None]
    device: str = ""
    address: int = 0
    priority: int = APPLICATION
    wanted: Callable[[], bool] = lambda: True
    settled: bool = field(default=False, init=False)

    @property
    def airtime(self) -> int:
        return DATA_RATES[self.data_rate].airtime(len(self.payload), uplink=False)

    @property
    def purpose(self) -> str:
        """What the airtime is spent on."""
        return "set-up" if self.priority == SETUP else "unicast" if self.device else "multicast"

    def drop(self, reason: Drop) -> None:
        """It is not sent, unless that has been decided already."""
        if not self.settled:
            self.settled = True
            self.dropped(reason)


class Gateway:
    """`transmit(gateway, job)` puts a job on the air.

    `occupied` is shared by all gateways of a network: until when each data rate is in use on the downlink channel. Two
    gateways that sent at the same data rate at a time would drown each other out for devices between them.
    """

    def __init__(
        self, kernel: Kernel, index: int, transmit: Callable[["Gateway", Job], None], occupied: dict[int, int]
    ) -> None:
        self.index = index
        self.name = f"gateway-{index + 1}"
        self.concentrator = Concentrator(index)
        self._kernel = kernel
        self._transmit = transmit
        self._occupied = occupied
        self._ledger = DutyCycleLedger()
        self._ties = itertools.count()
        self._queue: list[tuple[int, int, Job]] = []
        self._ready_at = 0
        self._wake_at = -1

    @property
    def budget(self) -> int:
        """Microseconds of airtime left in this hour."""
        return self._ledger.left(DOWNLINK_BAND, self._kernel.now)

    def submit(self, job: Job) -> None:
        """Queue a job; it is sent or dropped before it expires."""
        if len(self._queue) >= QUEUE_LENGTH:
            job.drop(Drop.QUEUE_FULL)
            return
        heapq.heappush(self._queue, (job.priority, next(self._ties), job))
        self._kernel.at(job.expires, partial(self._expire, job))
        self._serve()

    def _expire(self, job: Job) -> None:
        job.drop(Drop.EXPIRED if self.budget >= job.airtime else Drop.DUTY_CYCLE)

    def _serve(self) -> None:
        """Send the first job that is still wanted, now or when the gateway may."""
        while job := self._first():
            legal = self._ledger.earliest(DOWNLINK_BAND, job.airtime, self._kernel.now)
            start = max(self._ready_at, legal, self._occupied.get(job.data_rate, 0))
            if start <= self._kernel.now:
                heapq.heappop(self._queue)
                self._send(job)
            elif start > job.expires:
                heapq.heappop(self._queue)
                job.drop(Drop.DUTY_CYCLE if legal > job.expires else Drop.EXPIRED)
            else:
                self._wake(start)
                return

    def _first(self) -> Job | None:
        """The job that is next; those that nobody waits for any more are removed."""
        while self._queue:
            job = self._queue[0][2]
            if not job.settled and job.wanted():
                return job
            heapq.heappop(self._queue)
        return None

    def _wake(self, time: int) -> None:
        if self._wake_at <= self._kernel.now or time < self._wake_at:
            self._wake_at = time
            self._kernel.at(time, self._serve)

    def _send(self, job: Job) -> None:
        now, airtime = self._kernel.now, job.airtime
        job.settled = True
        self._ledger.record(DOWNLINK_BAND, now, airtime)
        self._occupied[job.data_rate] = now + airtime
        self._ready_at = now + airtime + (LISTENING_PAUSE if job.device else 0)
        self.concentrator.deafen(now + airtime)
        self._transmit(self, job)
