"""One request to one entity: the cheapest way first, then the next, and an answer from that entity only."""

import asyncio
from collections.abc import Callable

import pytest

from cse.errors import TargetNotReachable
from cse.exchange import Exchange
from cse.network import Delivery, DeliveryFailed, Discard
from cse.primitive import OK, Operation, Response
from cse.resource import Outgoing
from tests.cse.fanout.scenario import Scenario, eventually, scenario

CONTENT = {"m2m:sgn": {"sur": "cse-in/city"}}


def exchange(city: Scenario) -> Exchange:
    return Exchange(city.server.core, city.server.door, city.server.switchboard)


async def asking(city: Scenario, target: str = "cse-in/both") -> "asyncio.Task[Response]":
    return asyncio.create_task(exchange(city).notify(Outgoing(target, CONTENT, "2")))


async def test_the_cheapest_unicast_and_in_our_own_name() -> None:
    async with scenario() as city:
        await city.meter("both", "air://both", "wire://both")
        assert (await exchange(city).notify(Outgoing("cse-in/both", CONTENT, "2"))).status_code == OK
        (delivery,) = [*city.air.deliveries, *city.wire.deliveries]
        assert (delivery.request.originator, delivery.request.event_category) == ("/id-in", "2")
        assert delivery.request.content == CONTENT
        assert not delivery.offer.broadcast


async def test_identifiers_are_never_the_same() -> None:
    async with scenario() as city:
        for _ in range(3):
            await exchange(city).notify(Outgoing("wire://display", CONTENT))
        assert len({delivery.request.request_identifier for delivery in city.wire.deliveries}) == 3


@pytest.mark.parametrize("failure", [DeliveryFailed("connection refused"), RuntimeError("broken plugin")])
async def test_the_next_way_when_one_fails(failure: Exception) -> None:
    async with scenario() as city:
        await city.meter("both", "air://both", "wire://both")
        city.air.failure = failure
        assert (await exchange(city).notify(Outgoing("cse-in/both", CONTENT))).status_code == OK
        assert (len(city.air.deliveries), len(city.wire.deliveries)) == (1, 1)


async def test_the_next_way_when_one_stays_silent() -> None:
    async with scenario() as city:
        await city.meter("both", "air://both", "wire://both")
        city.air.answers = False
        task = await asking(city)
        await eventually(lambda: city.air.deliveries)
        await city.clock.advance(5.1)
        assert (await task).status_code == OK


@pytest.mark.parametrize(("expires", "code"), [("2000", 4008), ("20000", 5103)])
async def test_a_request_that_expires_is_waited_for_no_longer(expires: str, code: int) -> None:
    async with scenario() as city:
        await city.meter("app", "wire://app")
        city.wire.answers = False
        asking = city.ask(Operation.NOTIFY, "cse-in/app", content=CONTENT, request_expiration=expires)
        task = asyncio.create_task(asking)
        await eventually(lambda: city.wire.deliveries)
        await city.clock.advance(1.9)
        assert not task.done()
        await city.clock.advance(0.2 if code == 4008 else 4.0)
        assert (await task).status_code == code


async def test_an_answer_by_the_first_way_while_the_second_is_tried() -> None:
    async with scenario() as city:
        await city.meter("both", "air://both", "wire://both")
        city.air.answers = city.wire.answers = False
        task = await asking(city)
        await eventually(lambda: city.air.deliveries)
        await city.clock.advance(5.1)
        city.air.answer(city.air.deliveries[0].request.request_identifier, "Cboth", 2004)
        assert (await task).status_code == 2004


async def test_an_answer_before_the_delivery_failed_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scenario() as city:

        async def answering(delivery: Delivery) -> None:
            city.wire.answer(delivery.request.request_identifier, delivery.hosts[0].id)
            raise DeliveryFailed("connection closed")

        monkeypatch.setattr(city.wire, "deliver", answering)
        assert (await exchange(city).notify(Outgoing("wire://display", CONTENT))).status_code == OK


@pytest.mark.parametrize(
    ("prepare", "target", "sentence"),
    [
        (lambda city: None, "cse-in/nowhere", "neither a URL nor a registered AE"),
        (lambda city: None, "/", "neither a URL nor a registered AE"),
        (lambda city: None, "pigeon://loft", "no pigeon|NO_POA"),
        (lambda city: setattr(city.wire, "failure", DeliveryFailed("connection refused")), "wire://x", "refused"),
    ],
)
async def test_nobody_to_reach(prepare: Callable[[Scenario], None], target: str, sentence: str) -> None:
    async with scenario() as city:
        prepare(city)
        with pytest.raises(TargetNotReachable, match=sentence):
            await exchange(city).notify(Outgoing(target, CONTENT))


async def test_only_the_asked_entity_can_answer_and_only_while_it_is_asked() -> None:
    async with scenario() as city:
        await city.meter("both", "wire://both")
        city.wire.answers = False
        task = await asking(city)
        await eventually(lambda: city.wire.deliveries)
        identifier = city.wire.deliveries[0].request.request_identifier
        city.wire.answer(identifier, "Cstranger")
        city.wire.engine.discard(identifier, Discard.MALFORMED)
        await city.clock.advance(1)
        assert not task.done()
        await city.clock.advance(5)
        with pytest.raises(TargetNotReachable, match="no answer within 5 seconds"):
            await task
        city.wire.answer(identifier, "Cboth")
        assert city.server.door.strays == 1


async def test_a_group_as_target_is_notified_member_by_member() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        response = await exchange(city).notify(Outgoing("cse-in/city/fopt", CONTENT))
        assert response.status_code == OK
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Cm0", "Cm1"]
        assert (await exchange(city).notify(Outgoing("cse-in/village/fopt", CONTENT))).status_code == 4004


async def test_a_group_without_an_answer_can_be_reached_later() -> None:
    async with scenario(blocking_deadline=1.0) as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.answers = False
        task = asyncio.create_task(exchange(city).notify(Outgoing("cse-in/city/fopt", CONTENT)))
        await city.advance_until(task.done)
        with pytest.raises(TargetNotReachable, match="no member answered"):
            await task


async def test_a_notification_has_the_same_identifier_whenever_it_is_sent() -> None:
    async with scenario() as city:
        await city.meter("m0", "wire://m0")
        for _ in range(2):
            await exchange(city).notify(Outgoing("Cm0", CONTENT, identifier="ntf1"))
            await exchange(city).notify(Outgoing("Cm0", CONTENT))
        identifiers = [delivery.request.request_identifier for delivery in city.wire.deliveries]
        assert identifiers[::2] == ["ntf1", "ntf1"]
        assert len(set(identifiers)) == 3


async def test_members_of_a_group_get_the_same_identifier_again() -> None:
    async with scenario(blocking_deadline=1.0) as city:
        await city.group(await city.meters(2, "wire"))
        for identifier in 2 * ["ntf0123456789abcdef"] + ["r-1"]:
            await exchange(city).notify(Outgoing("cse-in/city/fopt", CONTENT, identifier=identifier))
        first, second, other = (
            {delivery.request.request_identifier for delivery in city.wire.deliveries[start : start + 2]}
            for start in (0, 2, 4)
        )
        assert first == second == {"ntf0123456789abcdef"}
        assert len(other) == 1
        assert not other & {"r-1", *first}
