"""Answers after the end are counted, in bounded memory."""

import pytest

from cse.fanout import late
from cse.fanout.late import LateAnswers
from cse.network import Discard
from cse.primitive import OK, Response
from cse.store import Campaign
from tests.cse.fanout.scenario import Scenario, eventually, scenario


async def over(city: Scenario, *names: str, request_resource: str = "req1") -> LateAnswers:
    answers = LateAnswers(city.server.core, city.server.door)
    for number, name in enumerate(names):
        campaign = Campaign(name, number + 1, "g", b"{}", request_resource, 0.0, 1.0, "finished")
        await city.server.core.run(lambda work, new=campaign: work.transaction.campaigns.add(new, []))  # type: ignore[misc]
        answers.count_for(campaign, {"C0", "C1"}, {"C0"})
    return answers


async def counted(city: Scenario, name: str) -> dict[str, int]:
    campaign = await city.server.core.read(lambda work: work.transaction.campaigns.get(name))
    assert campaign is not None
    found: dict[str, int] = campaign.document.get("discarded", {})
    return found


async def test_they_are_counted_by_what_is_known_of_their_sender() -> None:
    async with scenario() as city:
        await over(city, "c1")
        for sender in ("C0", "C1", "C1", "Cnobody"):
            city.wire.answer("c1", sender)
        city.wire.engine.discard("c1", Discard.RECEIVE_BUFFER, 5)
        await city.clock.advance(0.1)
        assert await counted(city, "c1") == {"duplicate": 1, "late": 2, "stray": 1, "receive_buffer": 5}


async def test_many_at_once_are_saved_together_and_none_is_missed() -> None:
    async with scenario() as city:
        await over(city, "c1")
        for i in range(300):
            city.server.door.answer("c1", "C1", Response(OK), "wire")
            if i % 100 == 0:
                await city.clock.advance(0)
        await city.clock.advance(0.1)
        assert await counted(city, "c1") == {"late": 300}


@pytest.mark.parametrize(("limit", "value"), [("CAMPAIGNS", 2), ("HOSTS", 5)])
async def test_the_oldest_campaigns_are_forgotten(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(late, limit, value)
    async with scenario() as city:
        await over(city, "c1", "c2", "c3")
        for name in ("c1", "c2", "c3"):
            city.wire.answer(name, "C1")
        await city.clock.advance(0.1)
        assert [await counted(city, name) for name in ("c1", "c2", "c3")] == [{}, {"late": 1}, {"late": 1}]
        assert city.server.door.strays == 1


async def test_of_blocking_fan_outs_nothing_is_kept() -> None:
    async with scenario() as city:
        await over(city, "c1", request_resource="")
        city.wire.answer("c1", "C1")
        await eventually(lambda: city.server.door.strays == 1)
