"""What a running campaign keeps in memory and writes."""

from cse.fanout.book import MOST_SIGNATURES, Book
from cse.fanout.progress import Progress
from cse.primitive import Operation, Request
from cse.store import Campaign
from tests.cse.fanout.scenario import scenario


async def test_the_plan_that_is_kept_is_bounded() -> None:
    async with scenario() as city:
        campaign = Campaign("c1", 1, "grp1", b"{}", "", 0.0, 60.0, "running")
        request = Request(Operation.NOTIFY, "cse-in/city/fopt", "CAdmin", "r")
        book = Book(city.server.core, campaign, [], Progress(campaign, request, []))
        assert not book.has_plan
        book.plan({"cost": 7, "signatures": [{"members": number} for number in range(MOST_SIGNATURES + 5, 0, -1)]})
        assert book.has_plan
        kept = campaign.document["plan"]
        assert (kept["cost"], kept["signaturesLeftOut"], len(kept["signatures"])) == (7, 5, MOST_SIGNATURES)
        assert kept["signatures"][0]["members"] == MOST_SIGNATURES + 5
