"""How groups are set up in a mobile network, whom a group message is offered for, and what becomes of it."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cse.coap import primitives
from cse.coap.message import Type, decode
from cse.coap.signing import signer
from cse.network import DeliveryFailed, Host, Reason, Unreachable
from cse.primitive import Operation
from cse.protection import Keys, Protection, Trust
from cse.testing.engine import RecordingEngine
from plugins.mbms.network import Mbms
from plugins.mbms.settings import MbmsSettings
from tests.plugins.mbms.kit import EXTERNAL_GROUP, GROUP, RETRIEVE, A, B, host, scene


async def test_cses_are_told_everything_once_there_is_a_tmgi() -> None:
    async with scene(service_areas=("2101", "2102")) as one:
        await one.prepare(A, B)
        (call,) = one.scef.calls
        areas = {"mbmsServiceAreaId": ["2101", "2102"]}
        assert call.content == {"externalGroupId": EXTERNAL_GROUP, "mbmsLocArea": areas}
        segment = one.record.segment
        assert one.others.groups["/id-a"] == {
            "rn": segment,
            "mad": one.record.address.ip,
            "mgft": f"/id-in/{segment}",
            "mli": ["/id-a/cse-a/c1"],
            "rstw": "PT1S",
            "rstt": "/id-in/-",
            "egid": EXTERNAL_GROUP,
            "tmgi": "tmgi/1",
        }


@pytest.mark.parametrize("hosts", [[A], [A, host("b", "others@x")], [A, host("b", multicast=2)], [A, Host("Ca", ())]])
async def test_one_alone_is_no_group(hosts: list[Host]) -> None:
    async with scene() as one:
        await one.prepare(*hosts)
        assert (one.scef.calls, one.engine.requests) == ([], [])


async def test_each_external_group_has_a_tmgi_of_its_own() -> None:
    async with scene() as one:
        others = host("c", "others@x"), host("d", "others@x")
        await one.prepare(A, B, *others)
        assert sorted(one.scef.tmgis.values()) == [EXTERNAL_GROUP, "others@x"]
        first, second = one.network.records
        assert (first.address, first.segment) != (second.address, second.segment)
        mine, theirs = await one.way(A, B), await one.way(*others)
        assert mine.offer.id != theirs.offer.id
        await one.prepare(A, B)
        assert list(one.scef.tmgis.values()) == [EXTERNAL_GROUP]


async def test_nobody_is_told_anything_without_a_tmgi_until_there_is_one() -> None:
    async with scene(setup_pause=5.0) as one:
        one.scef.trouble = {"allocation": 503}
        await one.prepare(A, B)
        assert one.engine.requests == []
        reaches = await one.network.offers([A, B], RETRIEVE, GROUP)
        assert [entry.reason for (entry,) in reaches if isinstance(entry, Unreachable)] == [Reason.NOT_JOINED] * 2
        one.scef.trouble = {}
        await one.later(5)
        assert sorted(one.others.groups) == ["/id-a", "/id-b"]


async def test_where_only_one_can_listen_everything_is_given_back() -> None:
    async with scene() as one:
        one.others.deaf = {"/id-b"}
        await one.prepare(A, B)
        assert dict(one.others.groups) == {}
        await one.prepare(A)
        assert (list(one.network.records), one.scef.tmgis) == ([], {})


async def test_a_tmgi_is_renewed_in_good_time_and_nobody_is_told() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        told = len(one.engine.requests)
        await one.later(3299)
        assert one.scef.methods() == ["POST"]
        await one.later(2)
        assert one.scef.methods() == ["POST", "PUT"]
        assert one.record.expiration > one.clock.now() + 3590
        assert len(one.engine.requests) == told


async def test_what_cannot_be_renewed_is_replaced_and_all_are_told() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        one.scef.tmgis.clear()
        await one.later(3301)
        assert {groups["tmgi"] for groups in one.others.groups.values()} == {one.record.tmgi} == {"tmgi/2"}


async def test_a_scef_that_does_not_answer_is_asked_again_while_the_tmgi_is_good() -> None:
    async with scene(setup_pause=5.0) as one:
        await one.prepare(A, B)
        one.scef.trouble = {"renewal": 500}
        await one.later(3301)
        assert await one.way(A, B)
        one.scef.trouble = {}
        await one.later(5)
        assert one.record.expiration > one.clock.now() + 3590


async def test_it_goes_on_after_a_restart() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        before = one.record.document()
        await one.restart()
        assert one.record.document() == before
        await one.prepare(A, B)
        assert await one.way(A, B)
        assert one.scef.methods() == ["POST"]


async def test_the_payload_is_the_message_that_would_go_over_ip() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        counted: list[int] = []
        await one.network.deliver(one.delivery(await one.way(A, B), A, B, counted=counted))
        (payload,) = one.scef.payloads
        message = decode(payload)
        assert (message.type, counted) == (Type.NON, [1])
        assert primitives.read(message) == RETRIEVE.derive(to=f"/id-in/{one.record.segment}")
        assert one.network.counters() == {"set-up: done": 2, "group message: triggered": 1}


async def test_a_repetition_is_the_same_message_and_another_request_another() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        way = await one.way(A, B)
        for request in (RETRIEVE, RETRIEVE, RETRIEVE.derive(request_identifier="r-10")):
            await one.network.deliver(one.delivery(way, A, B, request=request))
        first, again, other = map(decode, one.scef.payloads)
        assert first == again
        assert (first.message_id, first.token) != (other.message_id, other.token)
        assert first.message_id != other.message_id


async def test_a_message_is_signed_where_there_is_a_key() -> None:
    async with scene() as one:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        one.engine.protection = Protection(one.engine.cse_id, Keys(key))
        await one.restart()
        await one.prepare(A, B)
        await one.network.deliver(one.delivery(await one.way(A, B), A, B))
        trust = Trust({"/id-in": [key.public_key()]})
        assert signer(decode(one.scef.payloads[0]), trust) == "/id-in"


@pytest.mark.parametrize(
    ("trouble", "triggers", "outcome"),
    [
        ({"delivery": 503}, True, "refused"),
        ({"delivery": 403}, True, "refused"),
        ({}, False, "not triggered"),
    ],
)
async def test_what_is_not_triggered_has_failed(trouble: dict[str, int], triggers: bool, outcome: str) -> None:
    async with scene() as one:
        await one.prepare(A, B)
        one.scef.trouble, one.scef.triggers = trouble, triggers
        with pytest.raises(DeliveryFailed):
            await one.network.deliver(one.delivery(await one.way(A, B), A, B))
        assert one.network.counters()[f"group message: {outcome}"] == 1


async def test_a_scef_that_says_nothing_is_not_waited_for_for_ever() -> None:
    async with scene(trigger_timeout=30.0) as one:
        await one.prepare(A, B)
        one.scef.silent = True
        accepted = asyncio.Event()
        delivery = one.delivery(await one.way(A, B), A, B)
        delivery.transmitted = lambda count, airtime_ms: accepted.set()
        sending = asyncio.create_task(one.network.deliver(delivery))
        await accepted.wait()
        await one.clock.advance(31)
        with pytest.raises(DeliveryFailed, match="nothing said in time"):
            await sending


async def test_what_has_changed_since_it_was_offered_is_not_sent() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        way = await one.way(A, B)
        await one.prepare(A)
        with pytest.raises(DeliveryFailed, match="has changed"):
            await one.network.deliver(one.delivery(way, A, B))


async def test_what_has_grown_too_large_is_not_sent() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        large = RETRIEVE.derive(operation=Operation.UPDATE, content={"m2m:cnt": {"lbl": ["x" * 1200]}})
        with pytest.raises(DeliveryFailed, match="max_datagram"):
            await one.network.deliver(one.delivery(await one.way(A, B), A, B, request=large))
        assert one.scef.payloads == []


async def test_a_new_tmgi_that_somebody_does_not_know_is_not_used() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        way = await one.way(A, B)
        one.record.expiration = 0.0
        one.scef.tmgis.clear()
        one.others.deaf = {"/id-b"}
        with pytest.raises(DeliveryFailed, match="not all CSEs know"):
            await one.network.deliver(one.delivery(way, A, B))


async def test_others_are_told_why_it_is_nothing_for_them() -> None:
    async with scene() as one:
        await one.prepare(A, B)
        reaches = await one.network.offers([Host("Ca", ("http://127.0.0.1",)), host("c", multicast=2)], RETRIEVE, GROUP)
        assert [entry.reason for (entry,) in reaches if isinstance(entry, Unreachable)] == [Reason.NO_POA] * 2


@pytest.mark.parametrize(
    ("root", "reason", "sentence"),
    [
        ("", Reason.OFFLINE, "set api_root"),
        ("http://192.0.2.1", Reason.NOT_ALLOWED, "allowed_targets"),
    ],
)
async def test_without_a_scef_nobody_is_reached_or_told_anything(root: str, reason: Reason, sentence: str) -> None:
    network, engine = Mbms(MbmsSettings(api_root=root, scs_as_id="city")), RecordingEngine()
    await network.start(engine)
    await network.prepare(GROUP, [A, B])
    await network.set_ups.settled()
    for (entry,) in await network.offers([A, B], RETRIEVE, GROUP):
        assert isinstance(entry, Unreachable)
        assert entry.reason is reason
        assert sentence in entry.detail
    assert engine.requests == []
    await network.stop()
