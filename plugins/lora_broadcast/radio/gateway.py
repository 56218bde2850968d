"""The transmitting side of a gateway: a queue that keeps to the duty cycle and leaves time to listen."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from plugins.lora_broadcast.network_server import LISTENING_PAUSE, Drop
from plugins.lora_broadcast.radio.air import Concentrator
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.ledger import DutyCycleLedger
from plugins.lora_broadcast.radio.ping_slots import BEACON_PERIOD, BEACON_RESERVED
from plugins.lora_broadcast.regions import Channel, Region

QUEUE_LENGTH = 20_000
APPLICATION, SETUP = 0, 1


@dataclass(slots=True, eq=False)
class Job:
    """One transmission that a gateway is to make before `expires`; application data goes before set-up.

    `device` is the DevEUI of the receiver, "" for a multicast to `address`; `counter` is the frame counter, for a
    multicast the same on every gateway. `sent(gateway, airtime)` is called when it is over, `dropped(reason)` when it
    will not be made; `wanted` is asked before it is made.
    """

    port: int
    payload: bytes
    channel: Channel
    expires: int
    sent: Callable[[int, int], None]
    dropped: Callable[[Drop], None]
    device: str = ""
    address: int = 0
    counter: int = 0
    priority: int = APPLICATION
    wanted: Callable[[], bool] = lambda: True
    settled: bool = field(default=False, init=False)

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

    `occupied` is shared by all gateways of a network: until when each downlink channel is in use at each data rate. Two
    gateways that sent at the same data rate at a time would drown each other out for devices between them. With
    `beacons`, nothing is sent over the beginning of a beacon period.
    """

    def __init__(
        self,
        kernel: Kernel,
        region: Region,
        concentrator: Concentrator,
        transmit: Callable[["Gateway", Job], None],
        occupied: dict[Channel, int],
    ) -> None:
        self.index = concentrator.index
        self.name = f"gateway-{self.index + 1}"
        self.concentrator = concentrator
        self.beacons = False
        self._kernel = kernel
        self._region = region
        self._transmit = transmit
        self._occupied = occupied
        self._ledger = DutyCycleLedger()
        self._ties = itertools.count()
        self._queue: list[tuple[int, int, Job]] = []
        self._busy_until = 0
        self._ready_at = 0
        self._wake_at = -1

    @property
    def budget(self) -> int:
        """Microseconds of airtime left in this hour, where broadcasts are sent."""
        return self._ledger.left(self._region.downlink_band, self._kernel.now)

    def airtime(self, job: Job) -> int:
        """Microseconds that a job takes."""
        return self._region.data_rates[job.channel.data_rate].airtime(len(job.payload), uplink=False)

    def submit(self, job: Job) -> None:
        """Queue a job; it is sent or dropped before it expires."""
        if len(self._queue) >= QUEUE_LENGTH:
            job.drop(Drop.QUEUE_FULL)
            return
        heapq.heappush(self._queue, (job.priority, next(self._ties), job))
        self._kernel.at(job.expires, partial(self.expire, job))
        self._serve()

    def submit_at(self, job: Job, time: int, missed: Callable[[], None]) -> None:
        """Send a job at this very time; `missed` is called then if that is impossible."""
        self._kernel.at(time, partial(self._send_now, job, missed))

    def expire(self, job: Job) -> None:
        """Drop a job whose time is over."""
        job.drop(Drop.EXPIRED if self.budget >= self.airtime(job) else Drop.DUTY_CYCLE)

    def beacon(self) -> bool:
        """Send a beacon now if that is allowed; whether it is sent."""
        now, airtime = self._kernel.now, self._region.beacon_airtime
        band = self._region.band(self._region.slot_frequency(0, now // BEACON_PERIOD))
        if self._busy_until > now or self._ledger.earliest(band, airtime, now) > now:
            return False
        self._ledger.record(band, now, airtime)
        self._occupy(now + airtime)
        return True

    def _send_now(self, job: Job, missed: Callable[[], None]) -> None:
        if job.settled or not job.wanted():
            return
        legal = max(self._legal(job), self._occupied.get(job.channel, 0), self._busy_until)
        if legal > self._kernel.now:
            missed()
        else:
            self._send(job)

    def _serve(self) -> None:
        """Send the first job that is still wanted, now or when the gateway may."""
        while job := self._first():
            legal = self._legal(job)
            start = self._clear_of_beacons(max(self._ready_at, legal, self._occupied.get(job.channel, 0)), job)
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

    def _legal(self, job: Job) -> int:
        """When the duty cycle allows a job."""
        return self._ledger.earliest(self._region.band(job.channel.frequency), self.airtime(job), self._kernel.now)

    def _clear_of_beacons(self, start: int, job: Job) -> int:
        """The first time from `start` at which the job does not run into a beacon."""
        beacon = start // BEACON_PERIOD * BEACON_PERIOD
        if not self.beacons:
            return start
        if start + self.airtime(job) > beacon + BEACON_PERIOD:
            beacon += BEACON_PERIOD
        return max(start, beacon + BEACON_RESERVED)

    def _wake(self, time: int) -> None:
        if self._wake_at <= self._kernel.now or time < self._wake_at:
            self._wake_at = time
            self._kernel.at(time, self._serve)

    def _send(self, job: Job) -> None:
        now, airtime = self._kernel.now, self.airtime(job)
        job.settled = True
        self._ledger.record(self._region.band(job.channel.frequency), now, airtime)
        self._occupied[job.channel] = now + airtime
        self._occupy(now + airtime + (LISTENING_PAUSE if job.device else 0), now + airtime)
        self._transmit(self, job)

    def _occupy(self, ready_at: int, until: int | None = None) -> None:
        """The gateway transmits up to `until` and takes the next job from its queue at `ready_at`."""
        self._busy_until = ready_at if until is None else until
        self._ready_at = max(self._ready_at, ready_at)
        self.concentrator.deafen(self._busy_until)
