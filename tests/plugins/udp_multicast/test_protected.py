"""The network with keys, and meters that want signatures, on real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cse.config import ConfigurationError
from cse.network import Discard, Host, Reason, Unreachable, Way
from cse.primitive import OK
from cse.protection import Keys, Refusal, Trust
from cse.testing.engine import RecordingEngine
from cse.testing.meters import build_devices
from plugins.udp_multicast.invitation import Outcome
from plugins.udp_multicast.network import UdpMulticast
from plugins.udp_multicast.settings import UdpMulticastSettings
from tests.plugins.udp_multicast.keys import KEYS, secret_of
from tests.plugins.udp_multicast.kit import GROUP, Bench, bench, device_request, way

TRUST = Trust.of("/id-in", [KEYS.public])
SIGNATURE = 68  # bytes: the option's head and the signature


@asynccontextmanager
async def guarded(
    count: int, *, keys: Keys = KEYS, without: tuple[str, ...] = (), **settings: Any
) -> AsyncIterator[Bench]:
    """Meters that trust the keys of this file; all but the one `without` have their secret."""
    devices = build_devices("Cm", count)
    secrets = {device.id: secret_of(device.id) for device in devices if device.id != without}
    async with bench(devices, engine=RecordingEngine(keys=keys), trust=TRUST, secrets=secrets, **settings) as table:
        yield table


@pytest.mark.parametrize("encrypt", [False, True])
async def test_set_up_multicast_and_unicast(encrypt: bool) -> None:
    async with guarded(20, encrypt=encrypt) as table:
        await table.join()
        await table.multicast(table.request("r-1"))
        await table.engine.answered(20)
        await table.unicast(table.request("r-2"), table.devices[3])
        answers = await table.engine.answered(21)
        assert {answer.response.status_code for answer in answers} == {OK}
        assert table.executions == [1, 1, 1, 2, *[1] * 16]
        assert table.engine.discards == {}
        assert not any(device.refused for device in table.devices)


async def test_a_restarted_server_goes_on_with_the_same_request() -> None:
    async with guarded(3, encrypt=True) as table:
        await table.join()
        request = table.request()
        await table.multicast(request)
        await table.engine.answered(3)
        await table.restart()
        await table.multicast(request, attempt=2)
        await table.engine.answered(6)
        assert table.executions == [1, 1, 1]


async def test_the_planner_sees_the_signed_length() -> None:
    async with guarded(2) as signed, bench(build_devices("Cm", 2)) as plain, guarded(2, encrypt=True) as secret:
        lengths = []
        for table in (plain, signed, secret):
            await table.join()
            request = device_request(now=table.engine.clock.now())
            (reach, _) = await table.network.offers(table.hosts(), request, GROUP)
            lengths.append([way(reach, broadcast).offer.payload for broadcast in (False, True)])
        assert lengths[1] == [length + SIGNATURE for length in lengths[0]]
        assert all(more > less for more, less in zip(lengths[2], lengths[1], strict=True))


async def test_a_signed_request_may_be_too_large() -> None:
    async with guarded(2) as table:
        (reach, _) = await table.network.offers(table.hosts(), table.request(), "")
        assert isinstance(reach[0], Way)
        limit = reach[0].offer.payload - 1
    async with guarded(2, max_datagram=limit) as table:
        (reach, _) = await table.network.offers(table.hosts(), table.request(), "")
        assert isinstance(reach[0], Way)
        assert reach[0].offer.payload > reach[0].offer.max_payload


async def test_members_that_trust_another_cse_take_nothing() -> None:
    stranger = Keys.parse(f'signing = "{bytes(32).hex()}"')
    async with guarded(2, keys=stranger, ack_timeout=0.01, setup_attempts=1) as table:
        await table.join()
        assert table.network.set_ups.progress[GROUP].outcomes == {Outcome.SILENT: 2}
        await table.unicast(table.request(), table.devices[0])
        assert table.executions == [0, 0]
        assert table.devices[0].refused[Refusal.FORGED] > 0


async def test_answers_without_a_code_do_not_count_for_devices_that_have_a_secret() -> None:
    async with guarded(3, without="Cm0002", ack_timeout=0.01, setup_attempts=1) as table:
        await table.join()
        assert table.network.set_ups.progress[GROUP].outcomes == {Outcome.DONE: 2, Outcome.SILENT: 1}
        await table.unicast(table.request(), table.devices[1])
        await table.engine.until(lambda: table.engine.discards[Discard.FORGED] > 0)
        assert table.engine.answers == []


async def test_answers_with_a_wrong_code_do_not_count() -> None:
    async with guarded(2) as table:
        table.meters._by_device["Cm0001"].guard.secret = secret_of("Cm0002")
        await table.unicast(table.request(), table.devices[0])
        await table.engine.until(lambda: table.engine.discards[Discard.FORGED] == 1)
        assert table.engine.answers == []


async def test_devices_without_a_secret_are_not_reached_where_requests_are_encrypted() -> None:
    async with guarded(2, encrypt=True) as table:
        strangers = [Host("Cstranger", table.hosts()[0].points_of_access)]
        (reach,) = await table.network.offers(strangers, table.request(), GROUP)
        assert [(item.reason, "secret" in item.detail) for item in reach if isinstance(item, Unreachable)] == [
            (Reason.SECURITY, True)
        ]
        await table.network.prepare(GROUP, [*strangers, table.hosts()[0]])
        await table.network.set_ups.settled()
        assert table.network.set_ups.progress == {}


async def test_encryption_without_a_master_key_is_reported_at_the_start() -> None:
    network = UdpMulticast(UdpMulticastSettings(encrypt=True))
    with pytest.raises(ConfigurationError, match="needs a master key"):
        await network.start(RecordingEngine())


async def test_who_has_left_cannot_read_what_is_encrypted() -> None:
    async with guarded(4, encrypt=True) as table:
        await table.join()
        # Whatever it is told, it goes on listening.
        leaver, others = table.devices[0], table.devices[1:]
        await table.join(others)
        assert table.meters.listens(leaver)
        await table.multicast(table.request(), others)
        await table.engine.answered(3)
        assert table.executions == [0, 1, 1, 1]
        assert leaver.refused == {Refusal.UNREADABLE: 1}
