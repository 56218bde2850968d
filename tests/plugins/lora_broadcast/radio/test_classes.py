"""Who hears what, by class: the whole radio network, with one gateway unless said otherwise."""

from dataclasses import replace

import pytest

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.codec import REQUEST_PORT
from plugins.lora_broadcast.network_server import (
    Completed,
    Drop,
    Dropped,
    GroupFacts,
    Membership,
    MulticastDownlink,
    Queued,
    Sent,
    SetGroup,
    UnicastDownlink,
)
from plugins.lora_broadcast.radio.gateway import Gateway, Job
from plugins.lora_broadcast.radio.ping_slots import LONGEST_WITHOUT_BEACON, is_slot
from plugins.lora_broadcast.radio.session_setup import PING_SLOTS
from plugins.lora_broadcast.radio.sessions import SESSION_LENGTH
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
from plugins.lora_broadcast.regions import EU868
from tests.plugins.lora_broadcast.kit import (
    DAY_MS,
    GROUP,
    Recorder,
    answered,
    build_meters,
    memberships,
    message,
    one_gateway,
)

FIRST = dev_eui(1)


class Scene:
    """A simulation with its events and the downlinks that are put on the air, with their times."""

    def __init__(self, scenario: Scenario, count: int = 1, **options: float) -> None:
        self.meters = build_meters(count, **options)
        self.simulation = Simulation(scenario, self.meters)
        self.recorder = Recorder(self.simulation)
        self.downlinks: list[tuple[int, Job]] = []
        self.uplink_ends: list[tuple[int, int]] = []
        for gateway in self.simulation.medium.gateways:
            gateway._transmit = self._transmit
        self._receive, self.simulation.medium.uplink = self.simulation.medium.uplink, self._uplink

    def _transmit(self, gateway: Gateway, job: Job) -> None:
        self.downlinks.append((self.simulation.kernel.now, replace(job)))
        self.simulation.medium.send_down(gateway, job)

    def _uplink(self, device, frame, channel, receivers) -> None:  # type: ignore[no-untyped-def]
        self.uplink_ends.append((self.simulation.kernel.now, channel))
        self._receive(device, frame, channel, receivers)

    def unicast(self, identifier: str = "u", campaign: int = 1, size: int = 0, lifetime: int = DAY_MS) -> None:
        payload = message(campaign, 2) + bytes(max(0, size - len(message(campaign, 2))))
        self.simulation.handle(UnicastDownlink(identifier, FIRST, REQUEST_PORT, payload, lifetime))

    def multicast(self, identifier: str = "m", campaign: int = 1) -> None:
        self.simulation.handle(MulticastDownlink(identifier, GROUP, REQUEST_PORT, message(campaign, 4), DAY_MS))

    def join(self, *, switch_class_a: bool = False, seconds: float = 600) -> None:
        self.simulation.handle(SetGroup(GROUP, tuple(self.meters), switch_class_a))
        self.simulation.run(seconds)

    @property
    def executions(self) -> list[int]:
        return [meter.executions for meter in self.meters.values()]

    @property
    def joined(self) -> set[str]:
        return {eui for eui, state in memberships(self.recorder).items() if state is Membership.JOINED}


ASLEEP = replace(one_gateway(), class_a=frozenset({FIRST}))
SLOTTED = replace(one_gateway(), class_b=frozenset({FIRST}))


def test_a_device_of_class_a_is_told_in_the_first_window_after_its_next_uplink() -> None:
    scene = Scene(ASLEEP, interval=600)
    scene.unicast()
    assert scene.recorder.of(Queued) == [Queued("u")]
    scene.simulation.run(700)
    (time, job), (end, channel) = scene.downlinks[0], scene.uplink_ends[0]
    assert time == end + SECOND
    assert job.channel == EU868.first_window(channel, 5)
    assert scene.recorder.of(Completed) == [Completed("u")]
    assert (scene.executions, answered(scene.recorder, 1)) == ([1], {FIRST})


def test_when_the_gateway_is_busy_in_the_first_window_the_second_is_used() -> None:
    scene = Scene(ASLEEP, interval=600)
    (gateway,) = scene.simulation.medium.gateways
    device = scene.simulation.medium.devices[FIRST]
    band = EU868.band(EU868.uplink_channels[0]), EU868.band(EU868.uplink_channels[3])
    for one in band:
        gateway._ledger.record(one, 0, 36 * SECOND)
    scene.unicast()
    scene.simulation.run(700)
    (time, job), (end, _) = scene.downlinks[0], scene.uplink_ends[0]
    assert (time, job.channel) == (end + 2 * SECOND, EU868.second_window)
    assert device.data_rate == 5
    assert scene.executions == [1]


def test_what_is_too_long_for_the_second_window_waits_for_another_uplink() -> None:
    scene = Scene(ASLEEP, interval=600)
    (gateway,) = scene.simulation.medium.gateways
    for channel in EU868.uplink_channels:
        if gateway._ledger.left(EU868.band(channel), 0):
            gateway._ledger.record(EU868.band(channel), 0, 36 * SECOND)
    scene.unicast(size=100)
    scene.simulation.run(3000)
    assert scene.downlinks == []
    scene.simulation.run(3000)
    assert len(scene.downlinks) == 1
    assert scene.downlinks[0][1].channel.frequency in EU868.uplink_channels


def test_one_uplink_brings_one_downlink() -> None:
    scene = Scene(ASLEEP, interval=600)
    for number in (1, 2, 3):
        scene.unicast(f"u{number}", number)
    scene.simulation.run(1900)
    starts = [time for time, _ in scene.downlinks]
    ends = [end for end, _ in scene.uplink_ends]
    assert len(starts) == 3
    assert {start - SECOND for start in starts} <= set(ends)
    assert scene.executions == [3]


def test_a_device_of_class_a_hears_nothing_at_other_times() -> None:
    scene = Scene(ASLEEP)
    device, (gateway,) = scene.simulation.medium.devices[FIRST], scene.simulation.medium.gateways
    for channel in (EU868.second_window, EU868.second_window._replace(data_rate=5)):
        job = Job(REQUEST_PORT, message(1), channel, 0, lambda *sent: None, lambda reason: None, FIRST)
        scene.simulation.medium.send_down(gateway, job)
        scene.simulation.run(10)
    assert device.meter.executions == 0


def test_what_waits_for_a_device_that_says_nothing_expires() -> None:
    scene = Scene(ASLEEP)
    scene.unicast(lifetime=60_000)
    scene.simulation.run(61)
    (dropped,) = scene.recorder.of(Dropped)
    assert (dropped.id, dropped.reason) == ("u", Drop.EXPIRED)


def test_few_downlinks_wait_for_one_device() -> None:
    scene = Scene(ASLEEP)
    for number in range(9):
        scene.unicast(f"u{number}", number)
    assert [event.id for event in scene.recorder.of(Dropped)] == ["u8"]
    assert len(scene.recorder.of(Queued)) == 8


def test_what_is_handed_over_again_before_the_device_has_said_anything_is_sent_once() -> None:
    scene = Scene(ASLEEP, interval=600)
    for number in range(3):
        scene.unicast(f"u{number}", 1)
    assert [(event.id, event.reason) for event in scene.recorder.of(Dropped)] == [
        ("u0", Drop.REPEATED),
        ("u1", Drop.REPEATED),
    ]
    scene.simulation.run(3000)
    assert [event.id for event in scene.recorder.of(Completed)] == ["u2"]
    assert len(scene.downlinks) == 1


# Class B.


def test_a_device_of_class_b_is_told_in_its_ping_slots() -> None:
    scene = Scene(SLOTTED)
    address = scene.simulation.medium.devices[FIRST].address
    for number in (1, 2, 3):
        scene.unicast(f"u{number}", number)
    scene.simulation.run(200)
    assert len(scene.downlinks) == 3
    assert all(is_slot(time, address, PING_SLOTS) for time, _ in scene.downlinks)
    assert scene.executions == [3]
    assert answered(scene.recorder, 3) == {FIRST}


def test_a_device_of_class_b_hears_nothing_outside_its_slots() -> None:
    scene = Scene(SLOTTED)
    (gateway,) = scene.simulation.medium.gateways
    scene.simulation.run(5)
    channel = EU868.second_window._replace(data_rate=5)
    job = Job(REQUEST_PORT, message(1), channel, 0, lambda *sent: None, lambda reason: None, FIRST)
    scene.simulation.medium.send_down(gateway, job)
    scene.simulation.run(10)
    assert scene.executions == [0]


def test_beacons_cost_airtime_and_nothing_is_sent_over_them() -> None:
    scene = Scene(SLOTTED, 3)
    scene.join(seconds=0)
    for number in range(300):
        scene.simulation.handle(
            UnicastDownlink(f"u{number}", dev_eui(2), REQUEST_PORT, message(1) + bytes(100), DAY_MS)
        )
    scene.simulation.run(3599)
    assert scene.simulation.medium.airtime["beacon"] == 29 * 152_576
    assert scene.simulation.medium.gateways[0].budget == 360 * SECOND - sum(scene.simulation.medium.airtime.values())
    for time, job in scene.downlinks:
        begun = time % (128 * SECOND)
        assert 2_120_000 <= begun <= 128 * SECOND - scene.simulation.medium.gateways[0].airtime(job)


def test_without_a_beacon_for_long_a_device_falls_back_to_class_a_and_the_network_server_learns_it() -> None:
    scene = Scene(SLOTTED, interval=600)
    meter = scene.meters[FIRST]
    meter.faults.deaf = True
    scene.simulation.run(LONGEST_WITHOUT_BEACON / SECOND + 1500)
    device = scene.simulation.medium.devices[FIRST]
    assert device.receiver.mode(scene.simulation.kernel.now) == "A"
    meter.faults.deaf = False
    scene.unicast()
    assert scene.recorder.of(Queued) == [Queued("u")]
    scene.simulation.run(700)
    assert scene.executions == [1]
    assert device.receiver.mode(scene.simulation.kernel.now) == "B"


def test_a_group_of_both_classes_takes_a_transmission_for_each() -> None:
    scene = Scene(replace(one_gateway(), class_b=frozenset({FIRST, dev_eui(2)})), 4)
    scene.join()
    facts = scene.recorder.of(GroupFacts)[-1]
    assert (facts.gateways, facts.slot_ms) == (("gateway-1", "gateway-1"), 16_000)
    assert len(scene.joined) == 4
    scene.downlinks.clear()
    scene.multicast()
    scene.simulation.run(60)
    assert len(scene.recorder.of(Sent)) == 2
    assert {job.counter for _, job in scene.downlinks} == {0}
    assert is_slot(scene.downlinks[1][0], facts.address, PING_SLOTS)
    assert scene.executions == [1, 1, 1, 1]


# Class A that is switched to class C for a session.


@pytest.fixture
def switched() -> Scene:
    scene = Scene(replace(one_gateway(), class_a=frozenset({FIRST})), 3, interval=600)
    scene.join(switch_class_a=True, seconds=1300)
    return scene


def test_a_device_of_class_a_takes_part_when_it_is_switched(switched: Scene) -> None:
    assert switched.joined == set(switched.meters)
    switched.multicast()
    switched.simulation.run(60)
    assert switched.executions == [1, 1, 1]


def test_its_session_is_renewed_before_it_ends(switched: Scene) -> None:
    switched.simulation.run(3 * SESSION_LENGTH / SECOND)
    assert switched.joined == set(switched.meters)
    switched.multicast()
    switched.simulation.run(60)
    assert switched.executions == [1, 1, 1]


def test_a_session_that_cannot_be_renewed_ends(switched: Scene) -> None:
    switched.meters[FIRST].faults.deaf = True
    switched.simulation.run(SESSION_LENGTH / SECOND)
    assert memberships(switched.recorder)[FIRST] is Membership.INVITED
    switched.meters[FIRST].faults.deaf = False
    switched.multicast()
    switched.simulation.run(10)
    assert switched.executions == [0, 1, 1]


def test_without_being_switched_it_is_left_out() -> None:
    scene = Scene(replace(one_gateway(), class_a=frozenset({FIRST})), 3, interval=600)
    scene.join(seconds=1300)
    assert scene.joined == {dev_eui(2), dev_eui(3)}


# Frame counters.


def test_who_joins_later_takes_part_from_the_next_frame_on() -> None:
    scene = Scene(one_gateway(), 3)
    scene.simulation.handle(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    scene.simulation.run(60)
    scene.multicast("m1", 1)
    scene.simulation.run(60)
    scene.join(seconds=60)
    scene.multicast("m2", 2)
    scene.simulation.run(60)
    assert [job.counter for _, job in scene.downlinks if not job.device] == [0, 1]
    assert scene.executions == [2, 2, 1]


def test_provisioned_devices_need_no_set_up() -> None:
    scene = Scene(replace(one_gateway(), provisioned=True), 20)
    scene.join(seconds=0)
    assert scene.joined == set(scene.meters)
    scene.multicast()
    scene.simulation.run(60)
    assert (set(scene.executions), len(scene.downlinks)) == ({1}, 1)
