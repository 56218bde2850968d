"""Whole groups answering at once: no answer is lost."""

import pytest

from cse.coap.target import Endpoint
from cse.testing.meters import build_devices
from plugins.udp_multicast.sessions import Member, Sessions, State
from tests.plugins.udp_multicast.kit import GROUP, Bench, bench


async def provision(table: Bench, window: float) -> None:
    """Network and meters know of each other as if they had been set up long ago."""
    sessions = Sessions(table.engine.documents("udp-multicast"), table.settings)
    session = sessions.open(GROUP, len(table.devices))
    for host in table.hosts():
        ip, port = host.points_of_access[0].removeprefix("coap://").split(":")
        session.members[host.id] = Member(Endpoint(ip, int(port)), State.JOINED)
    await sessions.save(session)
    table.meters.provision(session.address, table.engine.cse_id, session.segment, window)
    await table.restart()


@pytest.mark.parametrize(("count", "window"), [(1_000, 1.0), (10_000, 0.0)])
async def test_all_answers_arrive(count: int, window: float, caplog: pytest.LogCaptureFixture) -> None:
    async with bench(build_devices("Cm", count)) as table:
        # Where the kernel allows no receive buffer that holds them all, they have to be spread.
        clipped = "raise net.core.rmem_max" in caplog.text
        await provision(table, max(window, 5.0) if clipped else window)
        await table.multicast(table.request())
        answers = await table.engine.answered(count, seconds=60)
        assert len({answer.originator for answer in answers}) == len(answers) == count
        assert table.engine.discards == {}
        assert table.executions == [1] * count
        assert table.sent == [1]


async def test_answers_that_are_lost_here_are_reported() -> None:
    async with bench(build_devices("Cm", 1_000), receive_queue=1, receive_buffer=4096) as table:
        await provision(table, window=0.0)
        await table.multicast(table.request())
        engine = table.engine
        await engine.until(lambda: len(engine.answers) + engine.discards.total() >= 1_000)
        assert len(engine.answers) + engine.discards["receive_buffer"] == 1_000  # type: ignore[index]
        assert engine.discards.total() > 0
