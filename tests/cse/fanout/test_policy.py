"""What the policy of a network says is kept to, by all fan-outs together."""

import asyncio
from functools import partial

import pytest

from cse.config import ConfigurationError
from cse.network import Policy, Reason
from tests.cse.fanout.scenario import Scenario, items, refusing, scenario


def sent_to(city: Scenario, network: str, host: str) -> int:
    deliveries = getattr(city, network).deliveries
    return sum(delivery.hosts[0].id == host and not delivery.offer.broadcast for delivery in deliveries)


def _has_sent(city: Scenario, count: int) -> bool:
    return len(city.wire.deliveries) == count


async def test_after_its_attempts_a_member_fails_before_the_deadline() -> None:
    async with scenario() as city:
        city.wire.policy = Policy(attempts=3)
        city.wire.hears = lambda host, attempt: host != "Cm1"
        await city.group(await city.meters(2, "wire"))
        request = await city.start()  # a day
        began = city.clock.now()
        await city.finished(request)
        assert city.clock.now() - began < 60
        row = (await city.rows(request))["cse-in/m1"]
        assert (row.state, row.reason, row.attempts) == ("failed", "SILENT", 3)
        assert sent_to(city, "wire", "Cm1") == 3


async def test_the_next_network_has_attempts_of_its_own() -> None:
    async with scenario() as city:
        city.wire.policy, city.air.policy = Policy(attempts=2), Policy(attempts=1)
        city.wire.answers = city.air.answers = False
        await city.group([await city.meter("m", "wire://m", "air://m")])
        request = await city.start()
        await city.finished(request)
        assert (sent_to(city, "wire", "Cm"), sent_to(city, "air", "Cm")) == (2, 1)


async def test_a_member_waits_while_something_else_may_become_possible() -> None:
    async with scenario() as city:
        city.wire.policy = Policy(attempts=1)
        city.wire.answers, city.air.reason = False, Reason.OFFLINE
        await city.group([await city.meter("m", "wire://m", "air://m")])
        request = await city.start(request_expiration="600000")
        await city.clock.advance(100)
        assert (await city.rows(request))["cse-in/m"].state == "waiting"
        city.air.reason = None
        assert items((await city.finished(request))["ors"]["pc"]) == {"cse-in/m": 2000}


async def test_the_reason_of_the_last_attempt_is_told() -> None:
    async with scenario() as city:
        city.wire.policy = Policy(attempts=2)
        city.wire.failure = refusing()
        await city.group(await city.meters(1, "wire"))
        request = await city.start()
        await city.finished(request)
        assert (await city.rows(request))["cse-in/m0"].reason == "REFUSED"


async def test_a_code_that_is_retried_counts_when_nothing_better_comes() -> None:
    async with scenario() as city:
        city.wire.policy = Policy(attempts=3, retry_codes=("5103",))
        city.wire.answers = False
        await city.group(await city.meters(2, "wire"))
        request = await city.start()
        for number in range(3):
            await city.advance_until(partial(_has_sent, city, 2 * number + 2))
            identifier = city.wire.deliveries[0].request.request_identifier
            for host in ("Cm0", "Cm1"):
                if host == "Cm1" or number < 2:
                    city.wire.answer(identifier, host, 2000 if (host, number) == ("Cm1", 2) else 5103)
            rows = (await city.rows(request)).values()
            assert {row.state for row in rows} <= {"waiting", "answered"}
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == {"cse-in/m0": 5103, "cse-in/m1": 2000}
        assert (await city.report(request))["discarded"] == {}


async def test_who_answered_a_broadcast_with_such_a_code_is_asked_by_unicast() -> None:
    async with scenario() as city:
        city.air.policy = Policy(retry_codes=("5103",))
        city.air.answers = False
        await city.group(await city.meters(2, "air"))
        request = await city.start()
        await city.advance_until(lambda: bool(city.air.deliveries), step=0.1)
        identifier = city.air.deliveries[0].request.request_identifier
        city.air.answer(identifier, "Cm0", 5103)
        city.air.answer(identifier, "Cm1")
        await city.advance_until(lambda: len(city.air.deliveries) == 2)
        assert not city.air.deliveries[1].offer.broadcast
        city.air.answer(identifier, "Cm0", 2004)
        assert items((await city.finished(request))["ors"]["pc"]) == {"cse-in/m0": 2004, "cse-in/m1": 2000}


async def test_an_answer_that_is_asked_for_again_survives_a_restart(tmp_path: object) -> None:
    store = f"sqlite:///{tmp_path}/cse.sqlite"
    async with scenario(store, data_folder=str(tmp_path)) as city:
        city.wire.policy = Policy(retry_codes=("5103",))
        city.wire.answers = False
        await city.group(await city.meters(1, "wire"))
        request = await city.start(request_expiration="60000")
        await city.advance_until(lambda: bool(city.wire.deliveries), step=0.1)
        city.wire.answer(city.wire.deliveries[0].request.request_identifier, "Cm0", 5103)
    await city.clock.advance(60)
    async with scenario(store, city.clock, data_folder=str(tmp_path)) as again:
        again.identifiers = [""] * 100
        assert items((await again.finished(request))["ors"]["pc"]) == {"cse-in/m0": 5103}
        assert (await again.rows(request))["cse-in/m0"].state == "answered"


async def test_the_rate_is_that_of_all_fan_outs_together() -> None:
    async with scenario() as city:
        city.wire.policy = Policy(rate=2.0)
        moments: list[float] = []
        deliver = city.wire.deliver

        async def watched(delivery: object) -> None:
            moments.append(city.clock.now())
            await deliver(delivery)  # type: ignore[arg-type]

        city.wire.deliver = watched  # type: ignore[method-assign]
        members = await city.meters(12, "wire")
        await city.group(members[:6], "one")
        await city.group(members[6:], "two")
        requests = await asyncio.gather(city.start("one"), city.start("two"))
        began = city.clock.now()
        for request in requests:
            await city.finished(request)
        assert len(moments) == 12
        for index, moment in enumerate(sorted(moments)):
            assert index <= 2.0 * (moment - began) + 1e-3
        assert {moment - began >= 2.0 for moment in moments} == {True, False}


def test_retry_codes_are_response_status_codes() -> None:
    with pytest.raises(ConfigurationError, match="5103"):
        Policy(retry_codes=("many",))
