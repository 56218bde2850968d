"""The sending side of a device: one frame after the other, when and where the duty cycle allows (pure ALOHA)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.ledger import DutyCycleLedger
from plugins.lora_broadcast.regions import SECOND_WINDOW_DELAY, Region

# Before it repeats a frame a device waits for its receive windows and a random time between these.
SHORTEST_REPEAT, LONGEST_REPEAT = SECOND, 3 * SECOND
# A receive window is over this long after it began, if nothing comes.
WINDOW_LENGTH = SECOND // 10


@dataclass(frozen=True, slots=True)
class Frame:
    """An application payload of one device, numbered by its frame counter."""

    counter: int
    port: int
    payload: bytes


@dataclass(slots=True, eq=False)
class Transmitter:
    """`on_air(frame, channel, airtime)` sends at `data_rate`. Every frame goes out `transmissions` times (NbTrans).

    `listens_between` is whether the receive windows after a frame must be over before the next one is sent.
    """

    kernel: Kernel
    region: Region
    data_rate: int
    random: Random
    on_air: Callable[[Frame, int, int], None]
    transmissions: int = 1
    listens_between: bool = False
    sending_until: int = 0
    _ready_at: int = 0
    _counter: int = 0
    _left: int = 0
    _frame: Frame | None = None
    _wakes: bool = False
    _waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    _ledger: DutyCycleLedger = field(default_factory=DutyCycleLedger)

    def submit(self, port: int, payload: bytes) -> None:
        """Send this after what waits already."""
        self._waiting.append((port, payload))
        if not self._wakes:
            self._serve()

    def waits(self, port: int) -> bool:
        """Whether something on this port has not been sent yet."""
        return any(port == waiting for waiting, _ in self._waiting)

    @property
    def room(self) -> int:
        """The largest payload."""
        return self.region.data_rates[self.data_rate].max_payload

    def airtime(self, payload: bytes) -> int:
        """Microseconds of a frame with this payload."""
        return self.region.data_rates[self.data_rate].airtime(len(payload), uplink=True)

    def _serve(self) -> None:
        """Transmit on a free channel; wait while the device itself sends or every duty cycle is used up."""
        self._wakes = False
        if self._frame is None and self._waiting and self._ready_at <= self.kernel.now:
            self._counter += 1
            self._frame = Frame(self._counter, *self._waiting.popleft())
            self._left = self.transmissions
        if self._frame is not None:
            self._transmit(self._frame)
        elif self._waiting:
            self._wake(self._ready_at)

    def _transmit(self, frame: Frame) -> None:
        now, airtime = self.kernel.now, self.airtime(frame.payload)
        starts = [
            (self._ledger.earliest(band, airtime, now), band, channels) for band, channels in self.region.uplink_bands
        ]
        earliest = max(min(start for start, _, _ in starts), self._ready_at)
        if earliest > now:
            self._wake(earliest)
            return
        free = [(channel, band) for start, band, channels in starts if start <= now for channel in channels]
        channel, band = free[int(self.random.random() * len(free))]
        self._ledger.record(band, now, airtime)
        self.sending_until = now + airtime
        self._finish()
        self.on_air(frame, channel, airtime)

    def _finish(self) -> None:
        """One transmission is under way: when the next may follow."""
        self._left -= 1
        self._ready_at = self.sending_until
        if self._left or self.listens_between:
            self._ready_at += SECOND_WINDOW_DELAY + WINDOW_LENGTH
        if self._left:
            self._ready_at += self.random.randint(SHORTEST_REPEAT, LONGEST_REPEAT)
        else:
            self._frame = None
        if self._frame or self._waiting:
            self._wake(self._ready_at)

    def _wake(self, time: int) -> None:
        self._wakes = True
        self.kernel.at(time, self._serve)
