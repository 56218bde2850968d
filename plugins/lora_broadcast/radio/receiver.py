"""The listening side of a device: when it hears what, by its class."""

from dataclasses import dataclass, field

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.radio.gateway import Job
from plugins.lora_broadcast.radio.ping_slots import BEACON_PERIOD, LONGEST_WITHOUT_BEACON, is_slot
from plugins.lora_broadcast.radio.session_setup import PING_SLOTS, Setup
from plugins.lora_broadcast.regions import FIRST_WINDOW_DELAY, SECOND_WINDOW_DELAY, Channel, Region

NEVER = 1 << 62


@dataclass(slots=True)
class Session:
    """A multicast session: `heard` is the newest frame counter, `until` when it ends."""

    setup: Setup
    until: int
    heard: int

    def takes(self, region: Region, job: Job, start: int) -> bool:
        """Whether a device that listens by this session hears a multicast that began at `start`."""
        if job.address != self.setup.address or start >= self.until:
            return False
        return job.channel == session_channel(region, self.setup, start) and (
            self.setup.device_class == "C" or is_slot(start, job.address, PING_SLOTS)
        )


def session_channel(region: Region, setup: Setup, start: int) -> Channel:
    """Where a session's multicasts are at this time."""
    if setup.device_class == "C":
        return Channel(region.second_window.frequency, setup.data_rate)
    return slot_channel(region, setup.address, setup.data_rate, start)


def slot_channel(region: Region, address: int, data_rate: int, start: int) -> Channel:
    """Where the ping slots of an address are at this time."""
    return Channel(region.slot_frequency(address, start // BEACON_PERIOD), data_rate)


@dataclass(slots=True, eq=False)
class Receiver:
    """`address` is the DevAddr, `beacon_at` when the latest beacon was heard, `window_from` when an uplink ended."""

    region: Region
    address: int
    device_class: str
    sessions: dict[int, Session] = field(default_factory=dict)
    beacon_at: int = 0
    _window_from: int = -NEVER
    _uplink: Channel = Channel(0, 0)  # noqa: RUF009 - immutable
    _heard: int = -1

    def mode(self, now: int) -> str:
        """The class in which it works: B falls back to A when no beacon has been heard for long."""
        if self.device_class == "B" and now - self.beacon_at > LONGEST_WITHOUT_BEACON:
            return "A"
        return self.device_class

    def open_windows(self, end: int, channel: int, data_rate: int) -> None:
        """An uplink of this channel and data rate ends at `end`."""
        self._window_from = end
        self._uplink = Channel(channel, data_rate)

    def join(self, setup: Setup, now: int) -> None:
        """Listen to a multicast group; a device of class A works as class C until the session ends."""
        until = now + (SECOND << setup.time_out) if self.device_class == "A" else NEVER
        self.sessions[setup.slot] = Session(setup, until, setup.first_counter - 1)

    def takes(self, job: Job, start: int, data_rate: int) -> bool:
        """Whether it is tuned to a downlink that began at `start`; `data_rate` is that of downlinks to it."""
        if not job.device:
            return any(session.takes(self.region, job, start) for session in self._sessions(start))
        return self._in_window(job, start) or self._in_slot(job, start, data_rate) or self._always(job, data_rate)

    def is_new(self, job: Job) -> bool:
        """Note a frame; whether it is newer than all before to its address. Gateways repeat frames."""
        if job.device:
            new, self._heard = job.counter > self._heard, max(job.counter, self._heard)
            return new
        session = next(session for session in self.sessions.values() if session.setup.address == job.address)
        new, session.heard = job.counter > session.heard, max(job.counter, session.heard)
        return new

    def _sessions(self, now: int) -> list[Session]:
        """Those that it can listen to: by ping slots only while it has the beacon."""
        return [
            session for session in self.sessions.values() if session.setup.device_class == "C" or self.mode(now) == "B"
        ]

    def _in_window(self, job: Job, start: int) -> bool:
        """RX1 or RX2 after its latest uplink."""
        since = start - self._window_from
        return (since == FIRST_WINDOW_DELAY and job.channel == self.region.first_window(*self._uplink)) or (
            since == SECOND_WINDOW_DELAY and job.channel == self.region.second_window
        )

    def _in_slot(self, job: Job, start: int, data_rate: int) -> bool:
        return (
            self.mode(start) == "B"
            and job.channel == slot_channel(self.region, self.address, data_rate, start)
            and is_slot(start, self.address, PING_SLOTS)
        )

    def _always(self, job: Job, data_rate: int) -> bool:
        """RX2 all the time, at the rate that the network server has set for it."""
        return self.device_class == "C" and job.channel == Channel(self.region.second_window.frequency, data_rate)
