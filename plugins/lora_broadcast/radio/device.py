"""A class C device: when it may send, what it does with what it hears, and its regular readings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

import cbor2

from cse.primitive import Response
from cse.protection import Refusal, Refused, Trust
from cse.protection.trust import NOBODY
from cse.testing.device import SimulatedDevice
from plugins.lora_broadcast.airtime import DATA_RATES, SECOND, UPLINK_CHANNELS, sub_band
from plugins.lora_broadcast.codec import READING_PORT, REQUEST_PORT, AnswerMessage, CampaignMessage, Malformed
from plugins.lora_broadcast.radio import session_setup
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.radio.ledger import DutyCycleLedger
from plugins.lora_broadcast.radio.propagation import DEVICE_POWER, SENSITIVITIES
from plugins.lora_broadcast.signing import SIGNED_PORT, verified

# Set-ups are acknowledged within this many seconds.
SETUP_BACKOFF = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """An application payload of one device, numbered by its frame counter."""

    counter: int
    port: int
    payload: bytes


@dataclass(slots=True, eq=False)
class RadioDevice:
    """`meter` decides what a request does; `losses` are in dB to each gateway; `transmit` puts a frame on a channel.

    `sessions` are the multicast sessions it has been given: slot -> (address, data rate). With `trust` in somebody it
    takes only broadcasts that are signed.
    """

    kernel: Kernel
    eui: str
    meter: SimulatedDevice
    losses: tuple[float, ...]
    data_rate: int
    transmit: Callable[["RadioDevice", Frame, int, int], None]
    device_class: str = "C"
    trust: Trust = NOBODY
    sessions: dict[int, tuple[int, int]] = field(default_factory=dict)
    sending_until: int = 0
    _counter: int = 0
    _newest_campaign: int = -1
    _reading_waits: bool = False
    _reporting: int = 0
    _ledger: DutyCycleLedger = field(default_factory=DutyCycleLedger)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.meter.seed}/{self.eui}/radio")  # noqa: S311 - a simulation
        self.meter.configured = lambda interval: self.report()
        self.report()

    @property
    def address(self) -> int:
        """Its DevAddr."""
        return 0x26000000 | int(self.eui, 16) & 0x1FFFFFF

    @property
    def hearing(self) -> list[int]:
        """The gateways that hear it, best first. Its downlinks, which are stronger, come through from all of them."""
        limit = DEVICE_POWER - SENSITIVITIES[self.data_rate]
        audible = [index for index, loss in enumerate(self.losses) if loss <= limit]
        return sorted(audible, key=lambda index: self.losses[index])

    def listens(self, address: int, data_rate: int) -> bool:
        """Whether it has a multicast session like this."""
        return (address, data_rate) in self.sessions.values()

    def report(self) -> None:
        """Place the next reading within one interval from now; later ones follow one interval apart."""
        self._reporting += 1
        phase = self._random.random() * self.meter.interval
        self.kernel.after(int(phase * SECOND), partial(self._read, self._reporting))

    def receive(self, port: int, payload: bytes, *, multicast: bool, address: int = 0) -> None:
        """A downlink has come through; a multicast has the address of its group."""
        if not self.meter.hears():
            return
        if port == session_setup.PORT:
            self._set_up(session_setup.decode(payload))
        elif port in (REQUEST_PORT, SIGNED_PORT):
            self._take(port, payload, address, multicast)

    def _take(self, port: int, payload: bytes, address: int, multicast: bool) -> None:
        try:
            bare = verified(port, payload, address, self.trust) if multicast else payload
            self._carry_out(CampaignMessage.decode(bare), multicast)
        except Refused as refused:
            self.meter.refused[refused.refusal] += 1
        except Malformed:
            return

    def _set_up(self, request: session_setup.Setup | session_setup.Deletion) -> None:
        if isinstance(request, session_setup.Setup):
            self.sessions[request.slot] = (request.address, request.data_rate)
        else:
            self.sessions.pop(request.slot, None)
        self._send_within(SETUP_BACKOFF, session_setup.PORT, request.acknowledgement())

    def _carry_out(self, message: CampaignMessage, multicast: bool) -> None:
        repeated = message.campaign <= self._newest_campaign
        if self.trust and multicast and message.campaign < self._newest_campaign:
            raise Refused(Refusal.REPLAYED)
        if self.address in message.excluded or (multicast and repeated):
            return
        self._newest_campaign = max(self._newest_campaign, message.campaign)
        response = self.meter.receive(f"{message.campaign}", f"{message.campaign:010}", message.content)
        if response is not None:
            self._answer(message, response)

    def _answer(self, message: CampaignMessage, response: Response) -> None:
        payload = AnswerMessage(message.campaign, response).encode()
        if len(payload) > DATA_RATES[self.data_rate].max_payload:
            payload = AnswerMessage(message.campaign, Response(response.status_code)).encode()
        faults = self.meter.faults
        if faults.rubbish and self._random.random() < faults.rubbish:
            payload = self._random.randbytes(len(payload))
        for _ in range(1 + faults.duplicates):
            if self.meter.sends():
                self._send_within(1 << message.window_exponent, REQUEST_PORT, payload)

    def _read(self, reporting: int) -> None:
        if reporting != self._reporting:
            return
        self.kernel.after(int(self.meter.interval * SECOND), partial(self._read, reporting))
        if not self._reading_waits:
            self._reading_waits = True
            self._send(Frame(self._count(), READING_PORT, cbor2.dumps(self._reading())))

    def _reading(self) -> dict[str, float]:
        """What the meter shows: energy in watt hours at its constant power, and its interval in seconds."""
        power = Random(f"{self.meter.seed}/{self.meter.id}/power").randrange(200, 800)  # noqa: S311 - a simulation
        interval = self.meter.interval
        return {"wh": power * self.kernel.now // HOUR, "interval": int(interval) if interval % 1 == 0 else interval}

    def _send_within(self, seconds: int, port: int, payload: bytes) -> None:
        """Send at a random moment: pure ALOHA."""
        delay = int(self._random.random() * seconds * SECOND)
        self.kernel.after(delay, partial(self._send, Frame(self._count(), port, payload)))

    def _count(self) -> int:
        self._counter += 1
        return self._counter

    def _send(self, frame: Frame) -> None:
        """Transmit on a free channel; wait while the device itself sends or every duty cycle is used up."""
        now = self.kernel.now
        airtime = DATA_RATES[self.data_rate].airtime(len(frame.payload), uplink=True)
        starts = {channel: self._ledger.earliest(sub_band(channel), airtime, now) for channel in UPLINK_CHANNELS}
        earliest = max(min(starts.values()), self.sending_until)
        if earliest > now:
            self.kernel.at(earliest, partial(self._send, frame))
            return
        channel = self._random.choice([channel for channel, start in starts.items() if start <= now])
        self._ledger.record(sub_band(channel), now, airtime)
        self.sending_until = now + airtime
        self._reading_waits = self._reading_waits and frame.port != READING_PORT
        self.transmit(self, frame, channel, airtime)
