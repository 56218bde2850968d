"""Several of our servers over real sockets: requests for resources of another CSE are forwarded there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cse.security.hashes import hash_token
from tests.federations import cse, introduce, open_container, register, registered
from tests.servers import Listener, Running, eventually, serving

DEAD = "http://127.0.0.1:1"  # nobody listens there
SITE = "/~/id-mn/cse-mn/site"
BOX = {"m2m:cnt": {"rn": "box"}}
TOLD = {"m2m:sgn": {"sur": "x"}}
OFTEN = 0.05  # seconds


@dataclass
class Federation:
    """An IN-CSE `/id-in` with the AE `Capp`, which may do everything in the container `site` of the MN-CSE `/id-mn`."""

    inner: Running
    middle: Running


@pytest.fixture
async def pair(clean_log: None) -> AsyncIterator[Federation]:
    async with serving(**cse("in")) as inner, serving(**cse("mn", registrar=inner.client.url)) as middle:
        await registered(middle, "in")
        await register(inner.client, "app")
        await open_container(middle, "site", "/id-in/Capp")
        yield Federation(inner, middle)


async def test_every_operation_reaches_a_resource_of_another_cse(pair: Federation) -> None:
    client = pair.inner.client
    created = await client.create(SITE, 3, BOX, "Capp")
    assert (created.rsc, created.resource["rn"]) == (2001, "box")
    assert created.headers["Content-Location"] == "/~/id-mn/cse-mn/site/box"
    stored = await pair.middle.client.get("/cse-mn/site/box")
    assert stored.resource == created.resource
    assert (await client.update(f"{SITE}/box", {"m2m:cnt": {"mni": 3}}, "Capp")).resource["mni"] == 3
    assert (await client.get(f"{SITE}/box", "Capp")).resource["mni"] == 3
    assert (await client.delete(f"{SITE}/box", "Capp")).rsc == 2002
    assert (await pair.middle.client.get("/cse-mn/site/box")).rsc == 4004


async def test_a_notification_reaches_an_ae_of_another_cse(pair: Federation) -> None:
    async with Listener() as listener:
        await register(pair.middle.client, "meter", listener.url)
        refused = await pair.inner.client.request("POST", "/~/id-mn/Cmeter", "Capp", content=TOLD)
        assert refused.rsc == 4103
        rules = {"acr": [{"acor": ["/id-in/Capp"], "acop": 16}]}
        policy = await pair.middle.client.create("/-/meter", 1, {"m2m:acp": {"pv": rules, "pvs": rules}}, "Cmeter")
        await pair.middle.client.update("/-/meter", {"m2m:ae": {"acpi": [policy.resource["ri"]]}})
        sent = await pair.inner.client.request("POST", "/~/id-mn/Cmeter", "Capp", content=TOLD)
        assert sent.rsc == 2000
        (received,) = listener.received
        assert (received.content, received.headers["X-M2M-Origin"]) == (TOLD, "/id-in/Capp")


async def test_privileges_are_those_of_the_originator_under_his_name_there(pair: Federation) -> None:
    client = pair.inner.client
    assert (await client.get(SITE, "Cother")).rsc == 4103
    assert (await client.get(SITE, "/id-in/Capp")).rsc == 2000
    assert (await client.get(SITE, "/id-mn/Capp")).rsc == 4103
    assert (await pair.middle.client.get("/cse-mn/site", "Capp")).rsc == 4103
    assert (await client.get("/~/id-mn/cse-mn", "Capp")).rsc == 4103


async def test_requests_go_up_as_well_as_down(pair: Federation) -> None:
    await open_container(pair.inner, "centre", "/id-mn/Cmeter")
    answer = await pair.middle.client.create("/~/id-in/cse-in/centre", 3, BOX, "Cmeter")
    assert (answer.rsc, answer.headers["Content-Location"]) == (2001, "/~/id-in/cse-in/centre/box")


async def test_answers_come_back_whole(pair: Federation) -> None:
    text = "x" * 200_000  # more than is read of the answer of a device
    await pair.inner.client.create(SITE, 3, BOX, "Capp")
    for number in range(3):
        instance = {"m2m:cin": {"rn": f"i{number}", "con": text}}
        assert (await pair.inner.client.create(f"{SITE}/box", 4, instance, "Capp", X_M2M_VSI="v")).rsc == 2001
    assert (await pair.inner.client.get(f"{SITE}/box/la", "Capp")).resource["con"] == text
    page = await pair.inner.client.get(f"{SITE}?fu=1&ty=4&lim=2", "Capp")
    assert page.content == {"m2m:uril": ["/id-mn/cse-mn/site/box/i0", "/id-mn/cse-mn/site/box/i1"]}
    assert (page.headers["X-M2M-CTS"], page.headers["X-M2M-CTO"]) == ("1", "3")
    here = await pair.middle.client.get("/cse-mn/nothing")
    there = await pair.inner.client.get("/~/id-mn/cse-mn/nothing")
    assert (there.rsc, there.status) == (here.rsc, here.status)
    assert there.debug == here.debug.replace("cse-mn", "/id-mn/cse-mn")


async def test_other_serializations_are_answered_in_kind(pair: Federation) -> None:
    answer = await pair.inner.client.get(SITE, "Capp", Accept="application/cbor")
    assert (answer.headers["Content-Type"], answer.resource["rn"]) == ("application/cbor", "site")


async def test_many_requests_go_to_a_cse_at_the_same_time(pair: Federation) -> None:
    answers = await asyncio.gather(*(pair.inner.client.get(SITE, "Capp") for _ in range(50)))
    assert {answer.rsc for answer in answers} == {2000}


async def test_subscribers_elsewhere_are_verified_and_notified(pair: Federation) -> None:
    async with Listener() as listener:
        await register(pair.middle.client, "reader", listener.url)
        await pair.inner.client.create("/-", 3, BOX)
        subscription = {"m2m:sub": {"rn": "news", "nu": ["/id-mn/Creader"]}}
        assert (await pair.inner.client.create("/-/box", 23, subscription)).rsc == 2001
        assert (await listener.next())["m2m:sgn"]["vrq"] is True
        await pair.inner.client.update("/-/box", {"m2m:cnt": {"lbl": ["new"]}})
        assert (await listener.next())["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["lbl"] == ["new"]
        listener.status_code = 4101
        subscription = {"m2m:sub": {"rn": "more", "nu": ["/id-mn/Creader"]}}
        assert (await pair.inner.client.create("/-/box", 23, subscription)).rsc == 5204
        subscription = {"m2m:sub": {"rn": "more", "nu": ["/id-mn/Cnobody"]}}
        assert (await pair.inner.client.create("/-/box", 23, subscription)).rsc == 5204


async def test_a_subscription_made_from_elsewhere_notifies_its_maker_there(pair: Federation) -> None:
    async with Listener() as listener:
        await register(pair.inner.client, "reader", listener.url)
        await open_container(pair.middle, "open", "/id-in/Creader")
        subscription = {"m2m:sub": {"rn": "news", "nu": ["/id-in/Creader"]}}
        assert (await pair.inner.client.create("/~/id-mn/cse-mn/open", 23, subscription, "Creader")).rsc == 2001
        await pair.middle.client.update("/-/open", {"m2m:cnt": {"lbl": ["new"]}})
        (notification,) = await listener.wait(1)  # whoever subscribes himself is not asked for consent
        assert notification.headers["X-M2M-Origin"] == "/id-mn"


async def test_a_non_blocking_request_is_kept_where_it_came_in(pair: Federation) -> None:
    async with Listener() as listener:
        inner = pair.inner.client
        accepted = await inner.create(f"{SITE}?rt=2", 3, BOX, "Capp", X_M2M_RTU=listener.url)
        assert accepted.rsc == 1002
        told = (await listener.next())["m2m:rsp"]
        assert (told["rsc"], told["pc"]["m2m:cnt"]["rn"]) == (2001, "box")
        kept = await inner.get(f"/{accepted.content['m2m:uri']}", "Capp")
        assert (kept.resource["rs"], kept.resource["tg"]) == (1, "/id-mn/cse-mn/site")
        accepted = await inner.get(f"{SITE}/box?rt=1", "Capp")
        ended = await eventually(
            lambda: inner.get(f"/{accepted.content['m2m:uri']}", "Capp"), lambda found: found.resource["rs"] != 4
        )
        assert ended.resource["ors"]["pc"]["m2m:cnt"]["rn"] == "box"


async def test_a_descendant_two_levels_below(pair: Federation) -> None:
    leaf_settings = cse("asn", cse_type="ASN", registrar=pair.middle.client.url)
    async with serving(**leaf_settings) as leaf, Listener() as listener:
        await registered(pair.inner, "mn", dcse=["/id-asn"])
        await open_container(leaf, "room", "/id-in/Capp")
        answer = await pair.inner.client.create("/~/id-asn/cse-asn/room", 3, BOX, "Capp")
        assert (answer.rsc, answer.headers["Content-Location"]) == (2001, "/~/id-asn/cse-asn/room/box")
        assert (await leaf.client.get("/~/id-in/cse-in", "/id-in/CAdmin")).resource["csi"] == "/id-in"
        await register(leaf.client, "lamp", listener.url)
        await pair.inner.client.create("/-", 3, BOX)
        subscription = {"m2m:sub": {"nu": ["/id-asn/Clamp"]}}
        assert (await pair.inner.client.create("/-/box", 23, subscription)).rsc == 2001
        assert (await listener.next())["m2m:sgn"]["vrq"] is True


async def test_the_first_point_of_access_that_works_is_used() -> None:
    async with serving(**cse("in")) as inner, serving(**cse("mn")) as middle:
        await introduce(inner, "mn", DEAD, "http://192.0.2.1/", middle.client.url)  # the second is not allowed
        assert (await inner.client.get("/~/id-mn/cse-mn", "/id-mn/CAdmin")).rsc == 2000
        await inner.client.update("/-/id-mn", {"m2m:csr": {"poa": [DEAD]}})
        answer = await inner.client.get("/~/id-mn/cse-mn")
        assert (answer.rsc, answer.status, "127.0.0.1:1" in answer.debug) == (5103, 404, True)
        await inner.client.update("/-/id-mn", {"m2m:csr": {"rr": False, "poa": [middle.client.url]}})
        assert (await inner.client.get("/~/id-mn/cse-mn")).rsc == 5103


async def test_no_request_goes_round_for_ever() -> None:
    async with AsyncExitStack() as held:
        ring = [await held.enter_async_context(serving(**cse(name))) for name in "abc"]
        for number, home in enumerate(ring):
            following = ring[(number + 1) % 3]
            await introduce(home, "abc"[(number + 1) % 3], following.client.url, dcse=["/id-lost"])
        answer = await ring[0].client.get("/~/id-lost/cse-lost")
        assert (answer.rsc, "circle" in answer.debug) == (5103, True)


async def test_a_registrar_that_goes_and_comes_back_empty() -> None:
    async with AsyncExitStack() as held:
        inner = await held.enter_async_context(serving(**cse("in")))
        settings = cse("mn", registrar=inner.client.url, registration_interval=OFTEN)
        async with serving(**settings) as middle:
            await registered(middle, "in")
            await held.aclose()
            assert (await middle.client.get("/~/id-in/cse-in")).rsc == 5103
            assert (await middle.client.get("/cse-mn")).rsc == 2000
            async with serving(**cse("in"), port=inner.port) as again:
                await registered(again, "mn")
                assert (await again.client.get("/~/id-mn/cse-mn", "/id-mn/CAdmin")).rsc == 2000
                assert (await middle.client.get("/~/id-in/cse-in", "/id-in/CAdmin")).rsc == 2000


async def test_a_cse_that_fetches_its_requests(pair: Federation) -> None:
    """It is reached for every operation, notifications included, and answers under its own name."""
    client = pair.inner.client
    await introduce(pair.inner, "deep", rr=False)
    assert (await client.create("/-/id-deep", 15, {"m2m:pch": {"rn": "channel"}}, "/id-deep")).rsc == 2001

    async def serve(rsc: int, **answer: Any) -> dict[str, Any]:
        polled = await client.get("/-/id-deep/channel/pcu", "/id-deep")
        request: dict[str, Any] = polled.content["m2m:rqp"]
        content = {"m2m:rsp": {"rqi": request["rqi"], "rsc": rsc, **answer}}
        assert (await client.request("POST", "/-/id-deep/channel/pcu", "/id-deep", content=content)).rsc == 2000
        return request

    asking = asyncio.create_task(client.get("/~/id-deep/cse-deep?fu=1&ty=3+4&lbl=a&lim=5&drt=2", "Capp"))
    request = await serve(2000, pc={"m2m:uril": ["/id-deep/x"]}, cnst=1, cnot=2)
    assert (request["op"], request["to"], request["fr"]) == (2, "/id-deep/cse-deep", "/id-in/Capp")
    assert (request["fc"], request["drt"]) == ({"fu": 1, "ty": [3, 4], "lbl": ["a"], "lim": 5}, 2)
    answer = await asking
    assert (answer.content, answer.headers["X-M2M-CTO"]) == ({"m2m:uril": ["/id-deep/x"]}, "2")
    for method, ty, content, rsc in (
        ("POST", 3, BOX, 2001),
        ("PUT", None, BOX, 2004),
        ("DELETE", None, None, 2002),
        ("POST", None, {"m2m:sgn": {}}, 4103),
    ):
        asking = asyncio.create_task(client.request(method, "/~/id-deep/-", "Capp", ty=ty, content=content))
        request = await serve(rsc)
        assert (request.get("ty"), request.get("pc")) == (ty, content)
        assert (await asking).rsc == rsc


async def test_with_credentials_everybody_proves_who_he_is(tmp_path: Path) -> None:
    """The MN-CSE by its token, its AEs by its word, the IN-CSE by its own token."""

    def written(name: str, text: str) -> str:
        path = tmp_path / name
        path.touch(0o600)
        path.write_text(text)
        return str(path)

    def credential(token: str, *originators: str) -> str:
        return f'[[credential]]\ntoken = "{hash_token(token)}"\noriginators = {list(originators)}\n'

    guarded = written("in.toml", credential("of-mn", "/id-mn") + credential("admin", "CAdmin"))
    admin = {"Authorization": "Bearer admin"}
    async with serving(**cse("in"), credentials=guarded) as inner:
        tokens = written("tokens.toml", f'"{inner.client.url}" = "of-mn"')
        settings = {"http-unicast": {"tokens": tokens}}
        async with serving(**cse("mn"), registrar=inner.client.url, settings=settings) as middle:
            await registered(middle, "in")
            rules = {"acr": [{"acor": ["/id-mn/Cmeter"], "acop": 63, "acaf": True}]}
            policy = await inner.client.create("/-", 1, {"m2m:acp": {"pv": rules, "pvs": rules}}, **admin)
            content = {"m2m:cnt": {"rn": "box", "acpi": [policy.resource["ri"]]}}
            assert (await inner.client.create("/-", 3, content, **admin)).rsc == 2001
            assert (await middle.client.get("/~/id-in/cse-in/box", "Cmeter")).rsc == 2000
            assert (await middle.client.get("/~/id-in/cse-in/box", "/id-other/Cmeter")).rsc == 4106
            assert (await middle.client.get("/~/id-in/cse-in/box", "/id-in/CAdmin")).rsc == 4106
        async with serving(**cse("mn"), registrar=inner.client.url) as middle:
            answer = await middle.client.get("/~/id-in/cse-in/box", "Cmeter")
            assert answer.rsc == 4004  # without the token it is not registered, and knows no way
