"""Group messages of a mobile network to other CSEs (TS-0001 clause 10.2.7.13, TS-0004 clause 7.4.14.2.7)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cse.coap.message import Option, decode, encode
from cse.coap.target import Endpoint
from cse.protection import Refusal
from plugins.mbms.network import Mbms
from tests.multicast import (
    EXTERNAL_GROUP,
    FOUR,
    IP,
    MBMS,
    NETWORK,
    NO_KEYS,
    Federation,
    a_server,
    federation,
    keys_of,
    member_address,
    udp,
)
from tests.plugins.mbms.scef import FakeScef, multicast
from tests.servers import Running, eventually


def mbms(running: Running) -> Mbms:
    network = running.server.core.networks["mbms"]
    assert isinstance(network, Mbms)
    return network


@asynccontextmanager
async def city(scef: FakeScef, keys: Mapping[str, str] = NO_KEYS, **capabilities: int) -> AsyncIterator[Federation]:
    """A group host that the SCEF knows, whose bearers reach those who listen."""
    async with federation(keys, mbms=scef.settings | {"backoff": 0.05}, **capabilities) as one:

        def bearer(tmgi: str) -> Endpoint | None:
            return next((record.address for record in mbms(one.home).records if record.tmgi == tmgi), None)

        scef.bearers = bearer
        yield one


async def listening(one: Federation, **expected: list[str]) -> None:
    """Wait until the group is set up: these members are behind what CSEs listen for."""
    wanted = {name: [[member_address(member) for member in members]] for name, members in expected.items()}

    async def ask() -> bool:
        await mbms(one.home).set_ups.settled()
        await udp(one.home).group_host.set_ups.settled()
        records = [*mbms(one.home).records, *udp(one.home).group_host.records]
        joined = all(any(record.joined(f"/id-{name}") for record in records) for name in expected)
        return joined and one.listening() == wanted

    await eventually(ask, bool)


BOTH = {"mn1": ["mn1/c1", "mn1/c2"], "mn2": ["mn2/c1", "mn2/c2"]}


async def test_one_group_message_reaches_the_members_of_two_cses() -> None:
    async with FakeScef() as scef, city(scef, mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        await listening(one, **BOTH)
        result = await one.fan_out()
        assert result.codes == {member_address(member): 2000 for member in FOUR}
        assert result.items[member_address("mn1/c2")]["pc"]["m2m:cnt"]["lbl"] == ["mn1"]
        assert result.report["networks"]["mbms"]["transmissions"] == 1
        assert (len(scef.payloads), scef.methods()) == (1, ["POST", "POST"])


async def test_edge_21_three_by_ip_two_by_mbms_and_five_by_unicast() -> None:
    capabilities = {"mn1": IP, "mn2": IP, "mn3": IP, "mn4": MBMS, "mn5": MBMS, "mn6": 0, "mn7": 0}
    async with FakeScef() as scef, city(scef, **capabilities) as one:
        members = [*(f"mn{number}/c1" for number in range(1, 6)), "mn6/c1", "mn6/c2", "mn6/c3", "mn7/c1", "mn7/c2"]
        await one.group(*members)
        await listening(one, **{f"mn{number}": [f"mn{number}/c1"] for number in range(1, 6)})
        result = await one.fan_out()
        assert result.codes == {member_address(member): 2000 for member in members}
        transmissions = {name: network["transmissions"] for name, network in result.report["networks"].items()}
        assert transmissions == {NETWORK: 1, "mbms": 1, "http-unicast": 5}
        assert len(scef.payloads) == 1
        assert result.networks == {NETWORK: 3, "mbms": 2, "http-unicast": 5}


async def test_what_the_scef_does_not_send_goes_by_unicast() -> None:
    async with FakeScef() as scef, city(scef, mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        await listening(one, **BOTH)
        for trouble, triggers in ({"delivery": 503}, True), ({}, False):
            scef.trouble, scef.triggers = trouble, triggers
            result = await one.fan_out()
            assert result.codes == {member_address(member): 2000 for member in FOUR}
            assert result.networks == {"http-unicast": 4}
        assert scef.payloads == []
        shown = await one.home.client.get("/.cse/networks")
        counters = shown.content["counters"]["mbms"]
        assert counters["group message: refused"] >= 1
        assert counters["group message: not triggered"] >= 1


async def test_without_a_scef_the_plan_says_why_they_go_by_unicast() -> None:
    async with federation(mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        result = await one.fan_out()
        assert result.codes == {member_address(member): 2000 for member in FOUR}
        assert result.networks == {"http-unicast": 4}
        assert "set api_root and scs_as_id in [mbms]" in str(result.report["plan"])
        assert one.listening() == {}


async def test_a_tmgi_that_has_expired_is_renewed_before_anything_is_sent() -> None:
    async with FakeScef() as scef, city(scef, mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        await listening(one, **BOTH)
        (record,) = mbms(one.home).records
        record.expiration = 0.0
        assert (await one.fan_out()).networks == {"mbms": 4}
        assert [call.what for call in scef.calls] == ["allocation", "renewal", "delivery"]


async def test_cses_are_told_a_new_tmgi_before_anything_is_sent() -> None:
    async with FakeScef() as scef, city(scef, mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        await listening(one, **BOTH)
        (record,) = mbms(one.home).records
        first, record.expiration = record.tmgi, 0.0
        scef.tmgis.clear()
        assert (await one.fan_out()).networks == {"mbms": 4}
        assert record.tmgi != first
        for name in ("mn1", "mn2"):
            shown = await one.others[name].client.get(f"/cse-{name}/{record.segment}")
            assert (shown.resource["tmgi"], shown.resource["egid"]) == (record.tmgi, EXTERNAL_GROUP)


async def test_without_a_tmgi_there_is_no_group_message() -> None:
    async with FakeScef() as scef, city(scef, mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        await listening(one, **BOTH)
        (record,) = mbms(one.home).records
        record.expiration = 0.0
        scef.trouble = {"renewal": 500}
        result = await one.fan_out()
        assert (result.networks, scef.payloads) == ({"http-unicast": 4}, [])


async def test_only_the_last_one_leaves_the_mobile_network_to_others() -> None:
    async with FakeScef() as scef, city(scef, mn1=MBMS, mn2=MBMS, mn3=MBMS) as one:
        await one.group(*FOUR, "mn3/c1")
        await listening(one, **BOTH, mn3=["mn3/c1"])
        await one.change(*FOUR)
        await listening(one, **BOTH)
        assert (await one.fan_out()).networks == {"mbms": 4}
        await one.change("mn1/c1", "mn1/c2")
        await eventually(lambda: _held(scef), lambda held: held == {})
        assert one.listening() == {}


async def _held(scef: FakeScef) -> dict[str, str]:
    return scef.tmgis


async def test_a_cse_tells_its_registrar_the_group_by_which_it_is_reached() -> None:
    settings: dict[str, Any] = {"external_group": EXTERNAL_GROUP}
    async with a_server("in") as home, a_server("mn1", mbms=settings, registrar=home.client.url):
        shown = await eventually(lambda: home.client.get("/id-mn1"), lambda answer: answer.rsc == 2000)
        assert (shown.resource["mtcc"], shown.resource["egid"]) == (MBMS, EXTERNAL_GROUP)


async def test_a_group_message_is_signed_and_what_is_not_is_ignored(tmp_path: Path) -> None:
    async with FakeScef() as scef, city(scef, keys_of(tmp_path), mn1=MBMS, mn2=MBMS) as one:
        await one.group(*FOUR)
        await listening(one, **BOTH)
        assert (await one.fan_out()).networks == {"mbms": 4}
        message = decode(scef.payloads[0])
        bare = tuple(option for option in message.options if option[0] != Option.AUTHENTICATION)
        (record,) = mbms(one.home).records
        multicast(encode(replace(message, options=bare, message_id=1)), record.address)
        for other in one.others.values():
            ignored = udp(other).member_host.ignored
            await eventually(lambda ignored=ignored: _copy(ignored), lambda found: found == {Refusal.UNSIGNED: 1})


async def _copy(found: Mapping[object, int]) -> dict[object, int]:
    return dict(found)
