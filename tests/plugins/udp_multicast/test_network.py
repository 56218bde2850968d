"""The network with its meters, on real sockets."""

import asyncio

import pytest

from cse.config import ConfigurationError
from cse.network import DeliveryFailed, Discard, Host, Reason, Unreachable, Way
from cse.primitive import OK, Operation
from cse.testing.clock import ManualClock, settle
from cse.testing.device import Faults, SimulatedDevice
from cse.testing.engine import RecordingEngine
from cse.testing.meters import build_devices
from plugins.udp_multicast.invitation import Outcome
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.outbox import TICK
from plugins.udp_multicast.sessions import State
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.kit import GROUP, Bench, bench, device_request, way


async def joined(bench: Bench) -> int:
    hosts = bench.hosts()
    reaches = await bench.network.offers(hosts, bench.request(), GROUP)
    return sum(isinstance(reach[1], Way) for reach in reaches)


async def test_set_up_multicast_and_answers() -> None:
    async with bench(build_devices("Cm", 50)) as table:
        assert await joined(table) == 0
        await table.join()
        assert await joined(table) == 50
        assert all(table.meters.listens(device) for device in table.devices)
        assert table.network.set_ups.progress[GROUP].transmissions == 50
        assert table.network.set_up(GROUP) == (50, 0.0)
        assert table.network.set_up("another") == (0, 0.0)
        await table.multicast(table.request("r-1", 900))
        answers = await table.engine.answered(50)
        assert {answer.originator for answer in answers} == {device.id for device in table.devices}
        assert {(answer.request_identifier, answer.network) for answer in answers} == {("r-1", "udp-multicast")}
        assert all(answer.response.status_code == OK for answer in answers)
        assert answers[0].response.content == {"m2m:cin": {"con": '{"interval":900.0}'}}
        assert table.executions == [1] * 50
        assert table.sent == [1]


async def test_the_same_datagram_again_reaches_only_those_that_missed_it() -> None:
    async with bench(build_devices("Cm", 20)) as table:
        await table.join()
        request = table.request()
        for device in table.devices[:5]:
            device.faults.deaf = True
        await table.multicast(request)
        await table.engine.answered(15)
        for device in table.devices:
            device.faults.deaf = False
        await table.multicast(request, attempt=2)
        answers = await table.engine.answered(20)
        assert {answer.originator for answer in answers[15:]} == {device.id for device in table.devices[:5]}
        assert table.executions == [1] * 20


async def test_a_unicast_repeat_is_answered_from_memory() -> None:
    async with bench(build_devices("Cm", 3)) as table:
        await table.join()
        request = table.request()
        await table.multicast(request)
        await table.engine.answered(3)
        await table.unicast(request, table.devices[1])
        answers = await table.engine.answered(4)
        assert answers[3].originator == "Cm0002"
        assert answers[3].response.status_code == OK
        assert table.executions == [1, 1, 1]


async def test_unicast_needs_no_session() -> None:
    async with bench(build_devices("Cm", 64)) as table:
        request = table.request()
        await asyncio.gather(*(table.unicast(request, device) for device in table.devices))
        assert len(table.engine.answers) == 64
        assert table.executions == [1] * 64
        assert table.sent == [1] * 64


async def test_lost_unicast_requests_are_sent_again_and_counted() -> None:
    devices = build_devices("Cm", 20, seed=3, request_loss=0.3, answer_loss=0.2)
    async with bench(devices, ack_timeout=0.02, max_retransmissions=8) as table:
        request = table.request()
        await asyncio.gather(*(table.unicast(request, device) for device in table.devices))
        assert {answer.originator for answer in table.engine.answers} == {device.id for device in devices}
        assert table.executions == [1] * 20
        assert len(table.sent) > 20


async def test_a_member_that_has_forgotten_its_group_is_told_again() -> None:
    async with bench(build_devices("Cm", 3)) as table:
        await table.join()
        table.meters.forget(table.devices[1])
        request = table.request()
        await table.multicast(request)
        await table.engine.answered(2)
        assert table.executions == [1, 0, 1]
        await table.unicast(request, table.devices[1])
        await table.network.refresher.settled()
        assert table.network.refresher.progress.outcomes == {Outcome.DONE: 1}
        await table.multicast(table.request("r-2"))
        await table.engine.answered(6)
        assert table.executions == [2, 2, 2]


async def test_nobody_else_executes() -> None:
    devices = build_devices("Cm", 12)
    async with bench(devices) as table:
        await table.join(devices[:10])
        await table.multicast(table.request("r-1"), devices[:8])
        await table.engine.answered(8)
        await table.unicast(table.request("r-2"), devices[0])
        await table.engine.answered(9)
        assert table.executions == [2] + [1] * 7 + [0] * 4
        assert not table.engine.discards


async def test_a_device_set_up_later_ignores_an_older_request() -> None:
    devices = build_devices("Cm", 4)
    async with bench(devices) as table:
        await table.join(devices[:3])
        request = table.request()
        hosts = table.hosts(devices[:3])
        offered = way((await table.network.offers(hosts, request, GROUP))[0], broadcast=True)
        await table.join(devices)
        await table.network.deliver(table.delivery(request, offered, hosts))
        await table.engine.answered(3)
        await table.unicast(request, devices[0])
        assert table.executions == [1, 1, 1, 0]


async def test_whoever_leaves_is_not_joined_at_once_and_hears_of_it() -> None:
    devices = build_devices("Cm", 5)
    async with bench(devices) as table:
        await table.join()
        await table.network.prepare(GROUP, table.hosts(devices[:3]))
        assert await joined(table) == 3
        await table.network.set_ups.settled()
        assert [table.meters.listens(device) for device in devices] == [True] * 3 + [False] * 2
        await table.network.prepare(GROUP, [])
        await table.network.set_ups.settled()
        assert await joined(table) == 0
        assert not any(table.meters.listens(device) for device in devices)
        assert GROUP not in table.network.set_ups.progress


async def test_a_member_that_does_not_hear_its_farewell_is_named_in_requests() -> None:
    devices = build_devices("Cm", 4)
    async with bench(devices, ack_timeout=0.001) as table:
        await table.join()
        devices[3].faults.deaf = True
        await table.join(devices[:3])
        devices[3].faults.deaf = False
        await table.multicast(table.request(), devices[:3])
        await table.engine.answered(3)
        assert table.meters.listens(devices[3])
        await table.unicast(table.request("r-2"), devices[0])
        assert table.executions == [2, 1, 1, 0]


async def test_too_many_unheard_farewells_move_the_group_to_a_new_segment() -> None:
    devices = build_devices("Cm", 5)
    async with bench(devices, ack_timeout=0.001, max_exclusions=1) as table:
        await table.join()
        for device in devices[3:]:
            device.faults.deaf = True
        await table.join(devices[:3])
        for device in devices[3:]:
            device.faults.deaf = False
        request = table.request()
        offered = way((await table.network.offers(table.hosts(devices[:3]), request, GROUP))[0], broadcast=True)
        assert "except" not in offered.address
        await table.multicast(request, devices[:3])
        await table.engine.answered(3)
        await table.unicast(table.request("r-2"), devices[0])
        assert table.executions == [2, 1, 1, 0, 0]


async def test_a_request_offered_for_an_older_segment_is_not_sent() -> None:
    async with bench(build_devices("Cm", 2)) as table:
        await table.join()
        request = table.request()
        offered = way((await table.network.offers(table.hosts(), request, GROUP))[0], broadcast=True)
        await table.network.prepare(GROUP, [])
        await table.network.set_ups.settled()
        with pytest.raises(DeliveryFailed, match="has changed"):
            await table.network.deliver(table.delivery(request, offered, table.hosts()))
        assert table.sent == []


async def test_silent_members_are_asked_again() -> None:
    async with bench(build_devices("Cm", 10, deaf=2, seed=1), ack_timeout=0.2, setup_attempts=2) as table:
        await table.join()
        progress = table.network.set_ups.progress[GROUP]
        assert await joined(table) == 8
        assert progress.outcomes == {Outcome.DONE: 8, Outcome.SILENT: 4}
        # Once for each that hears, twice three times for each that does not.
        assert progress.transmissions == 8 + 2 * 2 * 3


async def test_lossy_set_up() -> None:
    devices = build_devices("Cm", 30, seed=2, request_loss=0.2, answer_loss=0.2)
    async with bench(devices, ack_timeout=0.02) as table:
        await table.join()
        assert await joined(table) == 30


async def test_a_closed_port_refuses() -> None:
    async with bench(build_devices("Cm", 2)) as table:
        ghost = Host("Cghost", ("coap://127.7.99.1:9",))
        await table.network.prepare(GROUP, [*table.hosts(), ghost])
        await table.network.set_ups.settled()
        assert table.network.set_ups.progress[GROUP].refusers == {"Cghost"}
        request = table.request()
        offered = way((await table.network.offers([ghost], request, ""))[0], broadcast=False)
        with pytest.raises(DeliveryFailed, match=r"127\.7\.99\.1:9") as failure:
            await table.network.deliver(table.delivery(request, offered, [ghost]))
        assert failure.value.refused
        # The device that refuses has not joined, so the others may be sent to without naming it.
        assert (
            "except" not in way((await table.network.offers(table.hosts(), request, GROUP))[0], broadcast=True).address
        )


async def test_refusals_of_some_do_not_harm_others() -> None:
    async with bench(build_devices("Cm", 20)) as table:
        request = table.request()
        ghosts = [Host(f"Cghost{number}", (f"coap://127.7.99.{number}:9",)) for number in range(1, 21)]
        hosts = [host for pair in zip(ghosts, table.hosts(), strict=True) for host in pair]
        reaches = await table.network.offers(hosts, request, "")
        deliveries = [
            table.network.deliver(table.delivery(request, way(reach, broadcast=False), [host]))
            for host, reach in zip(hosts, reaches, strict=True)
        ]
        outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
        assert [isinstance(outcome, DeliveryFailed) for outcome in outcomes] == [True, False] * 20
        assert table.executions == [1] * 20


async def test_faulty_answers_are_counted() -> None:
    devices = [
        SimulatedDevice("Chonest"),
        SimulatedDevice("Ctwice", faults=Faults(duplicates=2)),
        SimulatedDevice("Cliar", faults=Faults(lies=1.0)),
        SimulatedDevice("Crubbish", faults=Faults(rubbish=1.0)),
    ]
    async with bench(devices) as table:
        await table.join()
        await table.multicast(table.request())
        answers = await table.engine.answered(4)
        await table.engine.until(lambda: table.engine.discards.total() == 2)
        assert sorted(answer.originator for answer in answers) == ["Chonest", "Ctwice", "Ctwice", "Ctwice"]
        assert table.engine.discards == {Discard.WRONG_ADDRESS: 1, Discard.MALFORMED: 1}


async def test_answers_from_a_strangers_address_do_not_count() -> None:
    async with bench(build_devices("Cm", 5)) as table:
        await table.join()
        table.meters.wrong_address = 1.0
        await table.multicast(table.request())
        await table.engine.until(lambda: table.engine.discards[Discard.WRONG_ADDRESS] == 5)
        assert table.engine.answers == []


async def test_answers_after_a_restart_still_count() -> None:
    devices = build_devices("Cm", 6)
    clock = ManualClock()
    async with bench(devices, engine=RecordingEngine(clock), min_window=8.0) as table:
        await table.join()
        request = table.request()
        await table.multicast(request)
        await settle()
        await table.restart()
        await clock.advance(8.0 + TICK)
        answers = await table.engine.answered(6)
        assert {answer.request_identifier for answer in answers} == {"r-1"}
        assert await joined(table) == 6
        await table.multicast(request)
        await settle()
        await clock.advance(8.0 + TICK)
        await table.engine.answered(12)
        assert table.executions == [1] * 6


async def test_an_interrupted_set_up_is_taken_up_again() -> None:
    devices = build_devices("Cm", 4)
    async with bench(devices) as table:
        devices[3].faults.deaf = True
        await table.network.prepare(GROUP, table.hosts())
        while (await joined(table)) < 3:
            await settle()
        devices[3].faults.deaf = False
        await table.restart()
        await table.network.set_ups.settled()
        assert await joined(table) == 4


async def test_what_is_not_carried() -> None:
    async with bench(build_devices("Cm", 1)) as table:
        hosts = [
            *table.hosts(),
            Host("Chttp", ("http://127.0.0.1:1",)),
            Host("Cfar", ("coap://192.0.2.1:5683",)),
            Host("Codd", ("coap://127.0.0.1:99999",)),
        ]
        reaches = await table.network.offers(hosts, table.request(), GROUP)
        assert isinstance(reaches[0][0], Way)
        reasons = [reach[0].reason for reach in reaches[1:] if isinstance(reach[0], Unreachable)]
        assert reasons == [Reason.NO_POA, Reason.NOT_ALLOWED, Reason.NO_POA]
        update = table.request().derive(operation=Operation.UPDATE)
        (reach,) = await table.network.offers(table.hosts(), update, GROUP)
        assert [entry.reason for entry in reach if isinstance(entry, Unreachable)] == [Reason.OPERATION]


async def test_a_single_device_is_no_group() -> None:
    async with bench(build_devices("Cm", 2)) as table:
        await table.join(table.devices[:1])
        assert await joined(table) == 0


async def test_without_permission_nobody_is_set_up() -> None:
    engine = RecordingEngine()
    network = UdpMulticast(UdpMulticastSettings(interface="0.0.0.0"))
    await network.start(engine)
    try:
        await network.prepare(GROUP, [Host(f"C{number}", (f"coap://127.7.0.{number}:9",)) for number in (1, 2)])
        assert network.set_ups.progress == {}
        (reach,) = await network.offers([Host("C1", ("coap://127.7.0.1:9",))], device_request(), GROUP)
        assert [entry.reason for entry in reach if isinstance(entry, Unreachable)] == [Reason.SECURITY]
    finally:
        await network.stop()


def test_wrong_settings_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError, match="must be multicast"):
        UdpMulticast(UdpMulticastSettings(group_addresses="127.0.0.0/8"))


async def test_a_delivery_that_cannot_be_understood() -> None:
    async with bench(build_devices("Cm", 1)) as table:
        request = table.request()
        offered = way((await table.network.offers(table.hosts(), request, ""))[0], broadcast=False)
        with pytest.raises(DeliveryFailed, match="no address of this network"):
            await table.network.deliver(table.delivery(request, offered._replace(address="x"), table.hosts()))


async def test_a_member_with_another_port_refuses_to_join() -> None:
    async with bench(build_devices("Cm", 2), group_port=1) as table:
        await table.join()
        assert table.network.set_ups.progress[GROUP].outcomes == {Outcome.REFUSED: 2}
        assert table.network._sessions.get(GROUP).count(State.JOINED) == 0  # type: ignore[union-attr]
