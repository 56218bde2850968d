"""Several of our servers, registered with each other: requests for resources of another CSE are forwarded."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.federations import cse, introduce, register
from tests.servers import Running, serving

BOX = {"m2m:cnt": {"rn": "box"}}
DEAD = "http://127.0.0.1:1"  # nobody listens there


class Federation:
    """An IN-CSE `/id-in` and an MN-CSE `/id-mn`, each with the other's remoteCSE, and the AE `Capp` at the IN-CSE.

    `Capp` owns the AE `app` at the MN-CSE, too.
    """

    def __init__(self, inner: Running, middle: Running) -> None:
        self.inner, self.middle = inner, middle
        self.client = inner.client


@pytest.fixture
async def pair() -> AsyncIterator[Federation]:
    async with AsyncExitStack() as held:
        inner = await held.enter_async_context(serving(**cse("in"), forwarding_timeout=2.0))
        middle = await held.enter_async_context(serving(**cse("mn"), forwarding_timeout=2.0))
        await introduce(inner, "mn", middle.client.url)
        await introduce(middle, "in", inner.client.url)
        await register(inner.client, "app")
        policy = {"rn": "open", "pv": {"acr": [{"acor": ["/id-in/Capp"], "acop": 63}]}}
        answer = await middle.client.create("/-", 1, {"m2m:acp": policy | {"pvs": policy["pv"]}})
        await middle.client.create("/-", 3, {"m2m:cnt": {"rn": "site", "acpi": [answer.resource["ri"]]}})
        yield Federation(inner, middle)


async def test_every_operation_reaches_a_resource_of_another_cse(pair: Federation) -> None:
    client, site = pair.client, "/~/id-mn/cse-mn/site"
    created = await client.create(site, 3, BOX, "Capp")
    assert (created.rsc, created.resource["rn"]) == (2001, "box")
    assert created.headers["Content-Location"] == "/~/id-mn/cse-mn/site/box"
    stored = await pair.middle.client.get("/cse-mn/site/box")
    assert stored.resource["ri"] == created.resource["ri"]
    assert (await client.update(f"{site}/box", {"m2m:cnt": {"mni": 3}}, "Capp")).resource["mni"] == 3
    assert (await client.get(f"{site}/box", "Capp")).resource["mni"] == 3
    assert (await client.delete(f"{site}/box", "Capp")).rsc == 2002
    assert (await pair.middle.client.get("/cse-mn/site/box")).rsc == 4004
