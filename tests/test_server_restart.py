"""`kill -9` at any moment: what was acknowledged is there, what was promised is done after the next start."""

import asyncio
import signal
from pathlib import Path

import aiohttp

from tests.programs import program
from tests.servers import Client, Listener, eventually

PARALLEL = 8


async def write(client: Client, worker: int, acknowledged: list[str]) -> None:
    """Create instances until the server is gone."""
    for number in range(10_000):
        name = f"i{worker}-{number}"
        try:
            answer = await client.create("/cse-in/box", 4, {"m2m:cin": {"rn": name, "con": name}})
        except aiohttp.ClientError:
            return
        assert answer.rsc == 2001
        acknowledged.append(name)


async def test_everything_that_was_acknowledged_is_there(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    async with program(tmp_path) as server:
        await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
        writers = [asyncio.create_task(write(server.client, number, acknowledged)) for number in range(PARALLEL)]
        await eventually(lambda: asyncio.sleep(0), lambda _: len(acknowledged) >= 100)
        await server.kill()
        await asyncio.gather(*writers)
        await server.start()
        found = (await server.client.get("/cse-in/box?fu=1&ty=4")).content["m2m:uril"]
        kept = {address.rpartition("/")[2] for address in found}
        assert set(acknowledged) <= kept
        assert len(kept) <= len(acknowledged) + PARALLEL
        box = (await server.client.get("/cse-in/box")).resource
        assert (box["cni"], box["st"]) == (len(kept), len(kept))
        assert box["cbs"] == sum(map(len, kept))


async def test_notifications_that_were_not_taken_are_sent_after_the_restart(tmp_path: Path, listener: Listener) -> None:
    async with program(tmp_path) as server:
        await server.client.register("app", listener.url)
        subscription = {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [3]}}}
        await server.client.create("/cse-in/app", 23, subscription, "Capp")
        listener.silent = True
        for name in ("first", "second", "third"):
            await server.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": name}}, "Capp")
        await listener.wait(1)
        await server.kill()
        listener.silent = False
        listener.received.clear()
        await server.start()
        told = [item.content["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["rn"] for item in await listener.wait(3)]
        assert told == ["first", "second", "third"]


async def test_a_request_that_was_accepted_is_carried_out_after_the_restart(tmp_path: Path, listener: Listener) -> None:
    body = {"m2m:sgn": {"sur": "x"}}
    async with program(tmp_path) as server:
        await server.client.register("app", listener.url)
        listener.silent = True
        answer = await server.client.request("POST", "/cse-in/app?rt=1", "Capp", content=body)
        assert answer.rsc == 1001
        await listener.wait(1)
        await server.kill()
        listener.silent = False
        await server.start()
        path = f"/{answer.content['m2m:uri']}"
        result = await eventually(lambda: server.client.get(path, "Capp"), lambda one: one.resource["rs"] == 1)
        assert result.resource["ors"]["rsc"] == 2000
        assert [item.content for item in listener.received] == [body, body]


async def test_a_request_for_later_is_carried_out_after_the_restart(tmp_path: Path) -> None:
    async with program(tmp_path) as server:
        content = {"m2m:cnt": {"rn": "box"}}
        answer = await server.client.create("/cse-in?rt=1", 3, content, X_M2M_OET="PT2S")
        assert answer.rsc == 1001
        await server.kill()
        await server.start()
        path = f"/{answer.content['m2m:uri']}"
        result = await eventually(lambda: server.client.get(path), lambda one: one.resource["rs"] == 1)
        assert result.resource["ors"]["rsc"] == 2001
        assert (await server.client.get("/cse-in/box")).resource["ct"] > result.resource["ct"]


async def test_subscriptions_policies_and_groups_survive(tmp_path: Path, listener: Listener) -> None:
    async with program(tmp_path) as server:
        client = server.client
        await client.register("app", listener.url)
        rules = {"acr": [{"acor": ["Cother"], "acop": 2}]}
        policy = (await client.create("/cse-in/app", 1, {"m2m:acp": {"pv": rules, "pvs": rules}}, "Capp")).resource[
            "ri"
        ]
        await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box", "acpi": [policy]}}, "Capp")
        await client.create("/cse-in/app", 9, {"m2m:grp": {"rn": "group", "mnm": 3, "mid": ["Capp"]}}, "Capp")
        await client.create("/cse-in/app", 23, {"m2m:sub": {"nu": ["Capp"]}}, "Capp")
        before = (await client.get("/cse-in/app?rcn=4")).content
        await server.kill(signal.SIGTERM)
        await server.start()
        client = server.client
        assert (await client.get("/cse-in/app?rcn=4")).content == before
        assert (await client.get("/cse-in/app/box", "Cother")).rsc == 2000
        assert (await client.get("/cse-in/app/box", "Capp")).rsc == 4103
        await client.update("/cse-in/app", {"m2m:ae": {"lbl": ["a"]}}, "Capp")
        assert (await listener.next())["m2m:sgn"]["nev"]["net"] == 1
