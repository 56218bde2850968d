"""Whatever a campaign was made of goes with its last reference: the collector, which finds cycles, has grown idle."""

import gc

from cse.fanout.book import Book
from cse.fanout.devices import DeviceCampaign
from cse.fanout.local import LocalCampaign
from tests.cse.fanout.scenario import scenario


async def test_a_campaign_that_is_over_leaves_nothing_behind() -> None:
    async with scenario() as city:
        await city.group(await city.meters(3, "wire"))
        gc.collect()
        gc.disable()
        try:
            await city.finished(await city.start())
            city.wire.deliveries.clear()
            kinds = (Book, DeviceCampaign, LocalCampaign)
            left = [type(found) for found in gc.get_objects() if isinstance(found, kinds)]
        finally:
            gc.enable()
        assert left == []
