from plugins.lora_broadcast.codec import REQUEST_PORT
from plugins.lora_broadcast.network_server import (
    GroupFacts,
    MemberFacts,
    Membership,
    MulticastDownlink,
    SetGroup,
    SetupSent,
)
from plugins.lora_broadcast.radio.simulation import Scenario, Simulation, dev_eui
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


def test_a_group_holds_devices_that_can_hear_it() -> None:
    meters = build_meters(3)
    simulation = Simulation(Scenario(class_a=frozenset({dev_eui(3)})), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (*meters, dev_eui(99))))
    assert memberships(recorder).keys() == {dev_eui(1), dev_eui(2)}
    assert set(memberships(recorder).values()) == {Membership.INVITED}


def test_a_device_that_leaves_hears_no_more_once_it_has_acknowledged() -> None:
    meters = build_meters(3)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(120)
    simulation.handle(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    assert memberships(recorder)[dev_eui(3)] is Membership.LEAVING
    simulation.run(120)
    assert memberships(recorder)[dev_eui(3)] is Membership.GONE
    simulation.handle(MulticastDownlink("m", GROUP, REQUEST_PORT, message(1, 4), DAY_MS))
    simulation.run(60)
    assert [meter.executions for meter in meters.values()] == [1, 1, 0]


def test_a_device_that_has_gone_deaf_stays_leaving_and_can_be_invited_again() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(60)
    meters[dev_eui(2)].faults.deaf = True
    simulation.handle(SetGroup(GROUP, (dev_eui(1),)))
    simulation.run(3600)
    assert memberships(recorder)[dev_eui(2)] is Membership.LEAVING
    meters[dev_eui(2)].faults.deaf = False
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    assert memberships(recorder)[dev_eui(2)] is Membership.INVITED
    simulation.run(60)
    assert memberships(recorder)[dev_eui(2)] is Membership.JOINED


def test_the_attempts_of_a_set_up_become_rarer() -> None:
    simulation = Simulation(one_gateway(), build_meters(1, deaf=1))
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (dev_eui(1),)))
    simulation.run(86_400)
    assert 20 < len(recorder.of(SetupSent)) < 40


def test_a_slower_member_slows_the_whole_group_down_and_everybody_is_set_up_again() -> None:
    meters = build_meters(3)
    simulation = Simulation(one_gateway(), meters)
    simulation.medium.devices[dev_eui(3)].data_rate = 2
    recorder = Recorder(simulation)
    simulation.handle(SetGroup(GROUP, (dev_eui(1), dev_eui(2))))
    simulation.run(60)
    assert recorder.of(GroupFacts)[-1].data_rate == 5
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    assert recorder.of(GroupFacts)[-1].data_rate == 2
    assert set(memberships(recorder).values()) == {Membership.INVITED}
    simulation.run(60)
    assert set(memberships(recorder).values()) == {Membership.JOINED}
    simulation.handle(MulticastDownlink("m", GROUP, REQUEST_PORT, message(1, 4), DAY_MS))
    simulation.run(60)
    assert len(answered(recorder, 1)) == 3


def test_setting_the_same_group_again_changes_nothing() -> None:
    meters = build_meters(3)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    for _ in range(2):
        simulation.handle(SetGroup(GROUP, tuple(meters)))
        simulation.run(60)
    assert len(recorder.of(SetupSent)) == 3


def test_an_emptied_group_is_forgotten() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    simulation.handle(SetGroup(GROUP, tuple(meters)))
    simulation.run(60)
    simulation.handle(SetGroup(GROUP, ()))
    simulation.handle(SetGroup("never seen", ()))
    simulation.run(60)
    assert not [event for event in simulation.facts() if isinstance(event, GroupFacts | MemberFacts)]


def test_a_device_takes_part_in_four_groups() -> None:
    meters = build_meters(2)
    simulation = Simulation(one_gateway(), meters)
    recorder = Recorder(simulation)
    for number in range(5):
        simulation.handle(SetGroup(f"g{number}", tuple(meters)))
    simulation.run(300)
    joined = {event.group for event in recorder.of(MemberFacts) if event.membership is Membership.JOINED}
    assert joined == {"g0", "g1", "g2", "g3"}
