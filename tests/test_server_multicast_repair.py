"""Multicast between CSEs: who has not heard it, whose answer is too large, and who comes later."""

import itertools
from collections.abc import Callable

from cse.coap.target import Endpoint
from plugins.udp_multicast.cses.member_host import Ignored
from tests.multicast import BOTH, FOUR, IP, NETWORK, Federation, federation, member_address, udp
from tests.servers import Running

HTTP = "http-unicast"


async def joined(city: Federation) -> None:
    await city.group(*FOUR)
    await city.listens(**BOTH)


def deafen(running: Running, is_lost: Callable[[int], bool]) -> None:
    """A member host does not hear the multicasts that are lost, counted from 1."""
    sockets, numbers = udp(running).member_host.sockets, itertools.count(1)
    hears = sockets.heard

    def heard(datagram: bytes, source: Endpoint, group: Endpoint) -> None:
        if not is_lost(next(numbers)):
            hears(datagram, source, group)

    sockets.heard = heard


async def test_who_has_not_heard_it_hears_it_again_and_the_others_stay_silent() -> None:
    async with federation(round_trip=1.0, mn1=IP, mn2=IP) as city:
        deafen(city.others["mn2"], lambda number: number == 1)
        await joined(city)
        result = await city.fan_out("POST", ty=3, content={"m2m:cnt": {"lbl": ["made"]}})
        assert set(result.codes.values()) == {2001}
        assert (result.networks, result.multicasts) == ({NETWORK: 4}, 2)
        assert udp(city.others["mn1"]).member_host.ignored == {Ignored.DUPLICATE: 1}
        for name, other in city.others.items():
            found = await other.client.get(f"/cse-{name}?fu=1&ty=3&lbl=made")
            assert len(found.content["m2m:uril"]) == 2


async def test_who_never_hears_it_is_asked_by_unicast() -> None:
    async with federation(round_trip=1.0, mn1=IP, mn2=IP) as city:
        deafen(city.others["mn2"], lambda number: True)
        await joined(city)
        result = await city.fan_out()
        assert result.codes == {member_address(member): 2000 for member in FOUR}
        assert result.networks == {NETWORK: 2, HTTP: 2}


async def test_an_answer_that_is_too_large_comes_by_unicast() -> None:
    async with federation(round_trip=1.0, mn1=IP, mn2=IP) as city:
        large = {"m2m:cnt": {"lbl": ["x" * 1200]}}
        assert (await city.others["mn1"].client.update("/cse-mn1/c1", large)).rsc == 2004
        await joined(city)
        result = await city.fan_out()
        assert set(result.codes.values()) == {2000}
        assert result.items[member_address("mn1/c1")]["pc"]["m2m:cnt"]["lbl"] == ["x" * 1200]
        assert result.networks == {NETWORK: 3, HTTP: 1}


async def test_a_request_that_is_too_large_goes_by_unicast() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        await joined(city)
        result = await city.fan_out("PUT", content={"m2m:cnt": {"lbl": ["x" * 1200]}})
        assert set(result.codes.values()) == {2004}
        assert (result.networks, result.multicasts) == ({HTTP: 4}, 0)
        assert "PAYLOAD_TOO_LARGE" in str(result.report["plan"])


async def test_many_members_of_one_cse_answer_in_several_messages() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        members = []
        for name, other in city.others.items():
            policy = (await other.client.get(f"/cse-{name}/open")).resource["ri"]
            for number in range(20):
                content = {"rn": f"d{number}", "acpi": [policy], "lbl": ["some text to fill the messages"]}
                assert (await other.client.create(f"/cse-{name}", 3, {"m2m:cnt": content})).rsc == 2001
                members.append(f"{name}/d{number}")
        await city.group(*members)
        await city.listens(
            **{name: sorted(member for member in members if member.startswith(name)) for name in city.others}
        )
        result = await city.fan_out()
        assert result.codes == {member_address(member): 2000 for member in members}
        assert (result.networks, result.multicasts) == ({NETWORK: 40}, 1)


async def test_those_who_can_later_are_told_later() -> None:
    async with federation(mn1=IP, mn2=0) as city:
        await city.group(*FOUR)
        await city.listens()
        changed = await city.home.client.update("/id-mn2", {"m2m:csr": {"mtcc": IP}}, "/id-mn2")
        assert changed.rsc == 2004
        await city.listens(**BOTH)
        assert (await city.fan_out()).multicasts == 1
        # Who does not say so any longer is told to leave, and leaves nobody who could listen alone.
        changed = await city.home.client.update("/id-mn2", {"m2m:csr": {"mtcc": None}}, "/id-mn2")
        assert changed.rsc == 2004
        await city.listens()
        assert (await city.fan_out()).networks == {HTTP: 4}
