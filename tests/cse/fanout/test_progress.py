"""What the originator is told, and when."""

from typing import Any

from cse.fanout.progress import INTERVAL, MOST_AT_ONCE, Progress
from cse.primitive import Operation, Request, ResponseType
from cse.store import Campaign, Row
from cse.work import Work
from tests.cse.fanout.scenario import Scenario, eventually, scenario

ASYNCHRONOUS = Request(
    Operation.NOTIFY,
    "cse-in/city/fopt",
    "CAdmin",
    "r",
    response_type=ResponseType.NON_BLOCKING_ASYNCH,
    notification_uris=("wire://head",),
)


def campaign(request_resource: str = "req1") -> Campaign:
    return Campaign("c1", 1, "grp1", ASYNCHRONOUS.to_json(), request_resource, 100.0, 160.0, "running")


def rows(count: int, state: str = "answered") -> list[Row]:
    return [Row(i, f"m{i}", f"C{i}", f"C{i}", state, status_code=2000) for i in range(count)]


def test_news_are_due_at_once_and_then_after_a_pause() -> None:
    progress = Progress(campaign(), ASYNCHRONOUS, [])
    assert progress.due_in(100.0) is None
    progress.add(rows(1))
    assert progress.due_in(100.0) == 0
    news = progress.take(100.0)
    assert news is not None
    assert news.rows == rows(1)
    assert news.report["answered"] == 1
    assert progress.due_in(100.0) is None
    progress.add(rows(1))
    assert progress.take(100.0) is None
    assert progress.due_in(100.25) == INTERVAL - 0.25
    assert progress.due_in(200.0) == 0


def test_members_that_still_wait_are_no_news() -> None:
    assert Progress(campaign(), ASYNCHRONOUS, rows(3, "waiting")).due_in(100.0) is None


def test_nobody_is_told_about_a_blocking_fan_out() -> None:
    assert Progress(campaign(""), ASYNCHRONOUS, rows(3)).due_in(100.0) is None


async def finish(city: Scenario, stored: list[Row]) -> dict[str, Any]:
    keeper = city.server.core.model.request_keeper
    entered = campaign()

    def unit(work: Work) -> Any:
        resource = keeper.open(work, ASYNCHRONOUS, work.now + 60, "process")
        entered.request_resource = resource.ri
        work.transaction.campaigns.add(entered, stored)
        keeper.attach(work, resource, entered.id, None)
        Progress(entered, ASYNCHRONOUS, stored).finish(work)
        return work.resource(resource.ri)

    resource = await city.server.core.run(unit)
    attributes: dict[str, Any] = resource.attributes
    return attributes


async def test_many_news_are_several_notifications() -> None:
    async with scenario() as city:
        attributes = await finish(city, rows(MOST_AT_ONCE + 1))
        assert attributes["rs"] == 1
        await eventually(lambda: len(city.wire.deliveries) == 2)
        sizes = [len(each.request.content["m2m:rsp"]["pc"]["m2m:agr"]["m2m:rsp"]) for each in city.wire.deliveries]
        assert sizes == [MOST_AT_ONCE, 1]


async def test_the_end_without_any_answer_is_told_as_an_error() -> None:
    async with scenario() as city:
        silent = [row._replace(reason="SILENT") for row in rows(2, "failed")]
        attributes = await finish(city, silent)
        assert attributes["rs"] == 2
        await eventually(lambda: city.wire.deliveries)
        assert city.wire.deliveries[0].request.content["m2m:rsp"]["rsc"] == 5209
