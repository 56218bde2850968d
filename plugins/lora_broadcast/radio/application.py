"""The firmware of a meter: requests, set-up of sessions, fragments, and its regular readings."""

import contextlib
from dataclasses import dataclass, field
from functools import partial
from random import Random

import cbor2

from cse.primitive import Response
from cse.protection import Refusal, Refused, Trust
from cse.protection.trust import NOBODY
from cse.testing.device import SimulatedDevice
from plugins.lora_broadcast import fragments
from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.codec import (
    READING_PORT,
    REQUEST_PORT,
    WITH_READING,
    AnswerMessage,
    CampaignMessage,
    Malformed,
)
from plugins.lora_broadcast.radio import session_setup
from plugins.lora_broadcast.radio.assemblies import Assemblies
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.radio.receiver import Receiver
from plugins.lora_broadcast.radio.transmitter import Transmitter
from plugins.lora_broadcast.signing import SIGNED_PORT, verified

# Set-ups are acknowledged within this many seconds.
SETUP_BACKOFF = 4
# With fewer bytes than this a reading goes without the names of its values.
ROOM_FOR_NAMES = 32


@dataclass(slots=True, eq=False)
class Application:
    """`meter` decides what a request does and how often there is a reading.

    With `trust` in somebody it takes only broadcasts that are signed.
    """

    kernel: Kernel
    meter: SimulatedDevice
    sender: Transmitter
    receiver: Receiver
    random: Random
    trust: Trust = NOBODY
    _newest_campaign: int = -1
    _reporting: int = 0
    _power: int = field(init=False)
    _riding: AnswerMessage | None = None
    _assemblies: Assemblies = field(default_factory=Assemblies)

    def __post_init__(self) -> None:
        self._power = Random(f"{self.meter.seed}/{self.meter.id}/power").randrange(200, 800)  # noqa: S311 - a simulation
        self.meter.configured = lambda interval: self.report()
        self.report()

    def report(self) -> None:
        """Place the next reading within one interval from now; later ones follow one interval apart."""
        self._reporting += 1
        phase = self.random.random() * self.meter.interval
        self.kernel.after(int(phase * SECOND), partial(self._read, self._reporting))

    def receive(self, port: int, payload: bytes, address: int) -> None:
        """A downlink has come through; a multicast has the address of its group, a unicast 0."""
        with contextlib.suppress(Malformed, fragments.Malformed):
            if port == session_setup.PORT:
                self._set_up(session_setup.decode(payload))
            elif port in (REQUEST_PORT, SIGNED_PORT):
                self._take(port, payload, address)
            elif port == fragments.PORT:
                self._assemble(fragments.decode(payload), address)

    def _take(self, port: int, payload: bytes, address: int) -> None:
        """A request has come through: carry it out if it comes from somebody that the meter trusts."""
        try:
            bare = verified(port, payload, address, self.trust) if address else payload
            self._carry_out(CampaignMessage.decode(bare), multicast=address > 0)
        except Refused as refused:
            self.meter.refused[refused.refusal] += 1

    def _set_up(self, request: session_setup.Setup | session_setup.Deletion) -> None:
        if isinstance(request, session_setup.Setup):
            self.receiver.join(request, self.kernel.now)
        else:
            self.receiver.sessions.pop(request.slot, None)
        self._send_within(SETUP_BACKOFF, session_setup.PORT, request.acknowledgement())

    def _assemble(self, message: fragments.Downlink, address: int) -> None:
        if isinstance(message, fragments.StatusRequest):
            if status := self._assemblies.status(message.session):
                self._send_within(16 << message.delay, fragments.PORT, status.encode())
        elif block := self._assemblies.add(message, again=not address):
            self._take(block[0], block[1:], address)

    def _carry_out(self, message: CampaignMessage, *, multicast: bool) -> None:
        repeated = message.campaign <= self._newest_campaign
        if self.trust and multicast and message.campaign < self._newest_campaign:
            raise Refused(Refusal.REPLAYED)
        if self.receiver.address in message.excluded or (multicast and repeated):
            return
        self._newest_campaign = max(self._newest_campaign, message.campaign)
        response = self.meter.receive(f"{message.campaign}", f"{message.campaign:010}", message.content)
        if response is not None:
            self._answer(message, response)

    def _answer(self, message: CampaignMessage, response: Response) -> None:
        """Answer by a frame of its own within the window, or with the next reading."""
        answer = AnswerMessage(message.campaign, response)
        for _ in range(1 + self.meter.faults.duplicates):
            if not self.meter.sends():
                continue
            if message.window_exponent == WITH_READING:
                self._riding = answer
            else:
                self._send_within(1 << message.window_exponent, REQUEST_PORT, self._fitting(answer))

    def _fitting(self, answer: AnswerMessage) -> bytes:
        """The answer on the air: without its content, then without the reading, where these do not fit."""
        bare = answer.without_content()
        forms = (answer.encode(), bare.encode(), bare.with_reading(None).encode())
        payload = next((form for form in forms if len(form) <= self.sender.room), forms[-1])
        faults = self.meter.faults
        if faults.rubbish and self.random.random() < faults.rubbish:
            payload = self.random.randbytes(len(payload))
        return payload

    def _read(self, reporting: int) -> None:
        """Send a reading, unless the previous one still waits: then there is no time for it."""
        if reporting != self._reporting:
            return
        self.kernel.after(int(self.meter.interval * SECOND), partial(self._read, reporting))
        if self._riding:
            answer, self._riding = self._riding, None
            self.sender.submit(REQUEST_PORT, self._fitting(answer.with_reading(self._reading())))
        elif not self.sender.waits(READING_PORT):
            self.sender.submit(READING_PORT, cbor2.dumps(self._reading()))

    def _reading(self) -> dict[str, float] | list[float]:
        """What the meter shows: energy in watt hours at its constant power, and its interval in seconds.

        Without the names where these do not fit.
        """
        interval = int(self.meter.interval) if self.meter.interval % 1 == 0 else self.meter.interval
        energy = self._power * self.kernel.now // HOUR
        return {"wh": energy, "interval": interval} if self.sender.room >= ROOM_FOR_NAMES else [energy, interval]

    def _send_within(self, seconds: int, port: int, payload: bytes) -> None:
        """Send at a random moment: pure ALOHA."""
        delay = int(self.random.random() * seconds * SECOND)
        self.kernel.after(delay, partial(self.sender.submit, port, payload))
