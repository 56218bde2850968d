from typing import Any

import cbor2
import pytest

from cse.testing.device import Faults, SimulatedDevice
from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.codec import READING_PORT, REQUEST_PORT, AnswerMessage, CampaignMessage, decode_reading
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Job
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.radio.session_setup import PORT, Deletion, Setup
from plugins.lora_broadcast.radio.simulation import dev_eui
from plugins.lora_broadcast.radio.transmitter import Frame
from plugins.lora_broadcast.regions import EU868, Channel
from tests.plugins.lora_broadcast.kit import instruction


class Scene:
    """A device whose transmissions are noted."""

    def __init__(self, *, interval: float = 1e9, data_rate: int = 5, **faults: Any) -> None:
        self.kernel = Kernel()
        self.meter = SimulatedDevice("Clora1", interval, Faults(**faults))
        self.sent: list[tuple[int, Frame]] = []
        self.airtimes: list[tuple[int, int, int]] = []
        self.device = RadioDevice(self.kernel, dev_eui(1), self.meter, (100.0,), data_rate, self._transmit)

    def _transmit(self, device: RadioDevice, frame: Frame, channel: int, airtime: int) -> None:
        self.sent.append((self.kernel.now, frame))
        self.airtimes.append((self.kernel.now, channel, airtime))

    def receive(self, port: int, payload: bytes, *, multicast: bool) -> None:
        """A downlink that comes through at the application."""
        self.device.application.receive(port, payload, 1 if multicast else 0)

    def hear(self, campaign: int, *, multicast: bool, interval: int = 900, excluded: tuple[int, ...] = ()) -> None:
        message = CampaignMessage(campaign, 4, instruction(interval), excluded)
        self.receive(REQUEST_PORT, message.encode(), multicast=multicast)
        self.kernel.run(self.kernel.now + 60 * SECOND)

    def job(self, payload: bytes, counter: int) -> Job:
        """A unicast downlink to the device."""
        channel = Channel(869_525_000, self.device.downlink_rate)
        nothing: Any = None
        return Job(REQUEST_PORT, payload, channel, 0, nothing, nothing, self.device.eui, counter=counter)

    def answers(self) -> list[tuple[int, int]]:
        messages = [AnswerMessage.decode(frame.payload) for _, frame in self.sent if frame.port == REQUEST_PORT]
        return [(message.campaign, message.response.status_code) for message in messages]


def test_a_request_is_carried_out_once_and_answered_within_its_window() -> None:
    scene = Scene()
    scene.hear(7, multicast=True)
    assert scene.answers() == [(7, 2000)]
    assert 0 <= scene.sent[0][0] < 16 * SECOND
    assert (scene.meter.executions, scene.meter.interval) == (1, 900)


def test_a_repeated_broadcast_is_ignored_and_a_repeated_unicast_answered_from_memory() -> None:
    scene = Scene()
    scene.hear(7, multicast=True)
    scene.hear(7, multicast=True)
    assert scene.answers() == [(7, 2000)]
    scene.hear(7, multicast=False)
    assert scene.answers() == [(7, 2000), (7, 2000)]
    assert scene.meter.executions == 1


def test_a_broadcast_after_a_unicast_of_the_same_campaign_is_a_repeat() -> None:
    scene = Scene()
    scene.hear(7, multicast=False)
    scene.hear(7, multicast=True)
    assert scene.answers() == [(7, 2000)]


@pytest.mark.parametrize("multicast", [True, False])
def test_an_older_request_is_ignored(multicast: bool) -> None:
    scene = Scene()
    scene.hear(10, multicast=True, interval=600)
    scene.hear(9, multicast=multicast, interval=60)
    assert scene.answers() == [(10, 2000)]
    assert scene.meter.interval == 600


def test_numbers_are_compared_as_numbers() -> None:
    scene = Scene()
    for campaign in (9, 10, 100):
        scene.hear(campaign, multicast=False, interval=campaign)
    assert scene.answers() == [(9, 2000), (10, 2000), (100, 2000)]


def test_an_excluded_device_does_nothing_until_it_is_meant() -> None:
    scene = Scene()
    scene.hear(7, multicast=True, excluded=(1, scene.device.address))
    assert (scene.answers(), scene.meter.executions) == ([], 0)
    scene.hear(7, multicast=True, excluded=(1, 2))
    assert scene.answers() == [(7, 2000)]


def test_a_refusal_that_does_not_fit_the_data_rate_goes_without_its_sentence() -> None:
    slow, fast = Scene(data_rate=0), Scene(data_rate=5)
    for scene in (slow, fast):
        scene.hear(7, multicast=True, interval=0)
        assert scene.answers() == [(7, 4000)]
    assert len(slow.sent[0][1].payload) < 10
    assert b"interval" in fast.sent[0][1].payload


@pytest.mark.parametrize("payload", [b"", b"\xff\xff", cbor2.dumps([1, 2])])
def test_rubbish_is_ignored(payload: bytes) -> None:
    scene = Scene()
    scene.receive(REQUEST_PORT, payload, multicast=True)
    scene.receive(99, payload, multicast=True)
    scene.kernel.run(HOUR)
    assert scene.sent == []


def test_faults() -> None:
    deaf, mute, chatty, broken = Scene(deaf=True), Scene(answer_loss=1.0), Scene(duplicates=2), Scene(rubbish=1.0)
    deaf.device.receive(deaf.job(CampaignMessage(7, 4, instruction(900)).encode(), 1))
    deaf.kernel.run(60 * SECOND)
    for scene in (mute, chatty, broken):
        scene.hear(7, multicast=True)
    assert (deaf.sent, deaf.meter.executions) == ([], 0)
    assert (mute.sent, mute.meter.executions) == ([], 1)
    assert chatty.answers() == [(7, 2000)] * 3
    assert len({time for time, _ in chatty.sent}) == 3
    assert len(broken.sent) == 1
    assert broken.sent[0][1].payload != chatty.sent[0][1].payload


def test_sessions_are_set_up_and_deleted_with_an_acknowledgement() -> None:
    scene = Scene()
    setup, deletion = Setup(2, 0xFF000001, 3), Deletion(2)
    scene.receive(PORT, setup.encode(), multicast=False)
    assert [session.setup for session in scene.device.receiver.sessions.values()] == [setup]
    scene.receive(PORT, deletion.encode(), multicast=False)
    assert scene.device.receiver.sessions == {}
    scene.kernel.run(10 * SECOND)
    assert {frame.payload for _, frame in scene.sent} == {setup.acknowledgement(), deletion.acknowledgement()}


def test_a_frame_that_several_gateways_send_is_lost_or_heard_once() -> None:
    """The loss is the device's: more gateways do not make it hear better."""
    heard = 0
    for number in range(400):
        scene = Scene(request_loss=0.5)
        scene.meter.random.seed(number)
        for _ in range(4):
            scene.device.receive(scene.job(CampaignMessage(1, 4, instruction()).encode(), 1))
        heard += scene.meter.executions
    assert 160 < heard < 240


def test_readings_come_at_the_interval_and_a_new_interval_counts_at_once() -> None:
    scene = Scene(interval=600)
    scene.kernel.run(HOUR)
    assert len(scene.sent) == 6
    assert scene.sent[1][0] - scene.sent[0][0] == 600 * SECOND
    scene.sent.clear()
    scene.hear(1, multicast=True, interval=60)
    scene.kernel.run(2 * HOUR)
    readings = [decode_reading(frame.payload) for _, frame in scene.sent if frame.port == READING_PORT]
    assert 59 <= len(readings) <= 61
    assert {reading["interval"] for reading in readings} == {60}
    energy = [reading["wh"] for reading in readings]
    assert energy == sorted(energy)
    assert energy[-1] > energy[0]


def test_frames_are_counted() -> None:
    scene = Scene(interval=600)
    scene.kernel.run(HOUR)
    assert [frame.counter for _, frame in scene.sent] == [1, 2, 3, 4, 5, 6]


def test_a_device_keeps_to_the_duty_cycle_of_both_sub_bands_and_drops_readings_it_has_no_time_for() -> None:
    scene = Scene(interval=1, data_rate=0)
    scene.kernel.run(2 * HOUR)
    for end in range(HOUR, 2 * HOUR, 60 * SECOND):
        spent: dict[str, int] = {}
        for start, channel, airtime in scene.airtimes:
            if end - HOUR <= start < end - airtime:
                name = EU868.band(channel).name
                spent[name] = spent.get(name, 0) + airtime
        assert max(spent.values()) <= 36 * SECOND
        assert sum(spent.values()) > 60 * SECOND


def test_a_device_sends_one_frame_at_a_time() -> None:
    scene = Scene(interval=5, data_rate=0, duplicates=9)
    scene.hear(1, multicast=True, interval=5)
    ends = [start + airtime for start, _, airtime in scene.airtimes]
    starts = [start for start, _, _ in scene.airtimes]
    assert all(start >= end for start, end in zip(starts[1:], ends, strict=False))
    assert scene.device.sender.sending_until == ends[-1]
