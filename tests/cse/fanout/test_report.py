"""What the operator sees of a campaign: totals that add up, and members by the page."""

from cse.fanout.report import campaign_report, member_page
from cse.store import Campaign, Row
from cse.work import Work
from tests.cse.fanout.scenario import Scenario, scenario

ROWS = [
    Row(0, "m0", "t0", "C0", "answered", "", 2000, b"", "air", 2, 1_800_000_001.0),
    Row(1, "m1", "t1", "C1", "answered", "", 4000, b"", "wire", 1, 1_800_000_002.0),
    Row(2, "m2", "t2", "C2", "failed", "SILENT", network="air", attempts=3),
    Row(3, "m3", "t3", "C3", "unreachable", "NO_POA"),
    Row(4, "m4", "t4", "C4", "waiting"),
]


async def stored(city: Scenario) -> Campaign:
    now = city.clock.now()
    campaign = Campaign("c1", 1, "grp1", b"{}", "req1", now, now + 60, "running")
    campaign.document = {
        "networks": {"air": {"transmissions": 5, "airtimeMs": 1.5, "repaired": 1, "seconds": 1.0}},
        "discarded": {"late": 2},
    }
    await city.server.core.run(lambda work: work.transaction.campaigns.add(campaign, ROWS))
    return campaign


async def test_the_totals_add_up() -> None:
    async with scenario() as city:
        campaign = await stored(city)
        await city.clock.advance(7)
        report = await city.server.core.read(lambda work: campaign_report(work, campaign))
        assert report["members"] == sum(report["states"].values()) == len(ROWS)
        assert report["states"] == {"waiting": 1, "answered": 2, "failed": 1, "unreachable": 1}
        assert report["reasons"] == {"SILENT": 1, "NO_POA": 1}
        assert {name: each["members"] for name, each in report["networks"].items()} == {"air": 2, "wire": 1, "none": 2}
        assert report["networks"]["air"]["transmissions"] == 5
        assert (report["seconds"], report["finished"], report["discarded"]) == (7, None, {"late": 2})


async def test_pages_of_members() -> None:
    async with scenario() as city:
        campaign = await stored(city)

        def pages(work: Work) -> list[list[str]]:
            found, after = [], -1
            while True:
                page = member_page(work, campaign, state="", after=after, limit=2)
                found.append([member["member"] for member in page["members"]])
                if page["next"] is None:
                    return found
                after = page["next"]

        assert await city.server.core.read(pages) == [["m0", "m1"], ["m2", "m3"], ["m4"]]


async def test_members_in_one_state() -> None:
    async with scenario() as city:
        campaign = await stored(city)
        page = await city.server.core.read(
            lambda work: member_page(work, campaign, state="answered", after=-1, limit=10)
        )
        assert [(member["member"], member["rsc"], member["answered"]) for member in page["members"]] == [
            ("m0", 2000, "20270115T080001"),
            ("m1", 4000, "20270115T080002"),
        ]
