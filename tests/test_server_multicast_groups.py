"""Multicast between CSEs (TS-0001 clause 10.2.7.13): set-up, fan-out, changes, and what goes by unicast."""

from cse.multicast.inviter import Outcome
from tests.federations import register
from tests.multicast import BOTH, FOUR, INSTRUCTION, IP, NETWORK, a_server, federation, member_address, udp
from tests.servers import Listener, eventually


async def test_one_datagram_reaches_the_members_of_two_cses() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        await city.group(*FOUR)
        await city.listens(**BOTH)
        result = await city.fan_out()
        assert result.codes == {member_address(member): 2000 for member in FOUR}
        assert result.items[member_address("mn1/c2")]["pc"]["m2m:cnt"]["lbl"] == ["mn1"]
        assert (result.networks, result.multicasts) == ({NETWORK: 4}, 1)


async def test_every_operation_is_carried_and_each_member_judges_for_itself() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        closed = await city.others["mn2"].client.create("/-", 3, {"m2m:cnt": {"rn": "closed"}})
        assert closed.rsc == 2001
        await city.group("mn1/c1", "mn1/c2", "mn2/c1", "mn2/closed")
        await city.listens(mn1=["mn1/c1", "mn1/c2"], mn2=["mn2/c1", "mn2/closed"])
        others = [member_address(member) for member in ("mn1/c1", "mn1/c2", "mn2/c1")]
        steps = [("POST", "", {"m2m:cnt": {"rn": "box"}}, 2001), ("PUT", "/box", {"m2m:cnt": {"mni": 3}}, 2004)]
        for method, tail, content, code in [*steps, ("GET", "/box", None, 2000), ("DELETE", "/box", None, 2002)]:
            kind = 3 if method == "POST" else None
            result = await city.fan_out(method, f"/cse-in/city/fopt{tail}", ty=kind, content=content)
            refused = result.codes.pop(member_address("mn2/closed"))
            assert refused == (4103 if method == "POST" else 4004)
            expected = dict.fromkeys(others, code) | {member_address("mn2/closed"): refused}
            assert result.codes == expected
            assert result.multicasts == 1


async def test_notifications_go_on_to_the_devices_behind_the_members() -> None:
    async with federation(mn1=IP, mn2=IP) as city, Listener() as device:
        rules = {"acr": [{"acor": ["/id-in/CAdmin"], "acop": 16}]}
        for name in ("mn1", "mn2"):
            client = city.others[name].client
            policy = await client.create("/-", 1, {"m2m:acp": {"rn": "tell", "pv": rules, "pvs": rules}})
            for number in (1, 2):
                await register(client, f"m{number}", device.url, acpi=[policy.resource["ri"]])
        members = ("mn1/m1", "mn1/m2", "mn2/m1", "mn2/m2")
        await city.group(*members)
        await city.listens(mn1=list(members[:2]), mn2=list(members[2:]))
        result = await city.fan_out("POST", content=INSTRUCTION)
        assert result.codes == {member_address(member): 2000 for member in members}
        assert (result.networks, result.multicasts) == ({NETWORK: 4}, 1)
        assert [one.content for one in device.received] == [INSTRUCTION] * 4


async def test_those_who_cannot_are_asked_by_unicast() -> None:
    async with federation(mn1=IP, mn2=IP, mn3=0) as city:
        await city.group(*FOUR, "mn3/c1")
        await city.listens(**BOTH)
        result = await city.fan_out()
        assert set(result.codes.values()) == {2000}
        assert (result.networks, result.multicasts) == ({NETWORK: 4, "http-unicast": 1}, 1)


async def test_edge_20_a_single_cse_is_not_worth_a_multicast_group() -> None:
    async with federation(mn1=IP, mn2=0) as city:
        await city.group(*FOUR)
        await city.listens()
        assert list(udp(city.home).group_host.records) == []
        result = await city.fan_out()
        assert set(result.codes.values()) == {2000}
        assert (result.networks, result.multicasts) == ({"http-unicast": 4}, 0)


async def test_edge_20_where_only_one_can_join_it_leaves_again() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        # Whoever says that it can, and cannot.
        await city.others["mn2"].client.delete("/id-in")
        await city.group(*FOUR)
        inviter = udp(city.home).group_host.inviter

        async def refusals() -> int:
            return inviter.outcomes[Outcome.REFUSED]

        await eventually(refusals, lambda count: count > 2)
        assert inviter.outcomes[Outcome.DONE] == 2  # it came and went, and was not asked again in vain
        await city.listens()
        shown = await city.others["mn1"].client.get("/cse-mn1?fu=1&ty=45")
        assert shown.content == {"m2m:uril": []}


async def test_it_follows_the_group() -> None:
    async with federation(mn1=IP, mn2=IP, mn3=IP) as city:
        await city.group(*FOUR)
        await city.listens(**BOTH)
        done = udp(city.home).group_host.inviter.outcomes[Outcome.DONE]
        await city.change("mn1/c1", "mn1/c2", "mn2/c3", "mn3/c1")
        await city.listens(mn1=["mn1/c1", "mn1/c2"], mn2=["mn2/c3"], mn3=["mn3/c1"])
        assert udp(city.home).group_host.inviter.outcomes[Outcome.DONE] == done + 2  # mn1 is not told again
        assert (await city.fan_out()).multicasts == 1
        await city.change("mn1/c1", "mn3/c1")
        await city.listens(mn1=["mn1/c1"], mn3=["mn3/c1"])
        result = await city.fan_out()
        assert (result.codes, result.multicasts) == (
            {member_address("mn1/c1"): 2000, member_address("mn3/c1"): 2000},
            1,
        )
        assert (await city.home.client.delete("/cse-in/city")).rsc == 2002
        await city.listens()
        for name, other in city.others.items():
            assert (await other.client.get(f"/cse-{name}?fu=1&ty=45")).content == {"m2m:uril": []}


async def test_a_part_of_the_group_is_asked_by_unicast() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        await city.group(*FOUR)
        await city.listens(**BOTH)
        targets = [member_address("mn1/c1"), member_address("mn2/c1")]
        result = await city.fan_out(X_M2M_GTM="&".join(targets))
        assert result.codes == dict.fromkeys(targets, 2000)
        assert (result.networks, result.multicasts) == ({"http-unicast": 2}, 0)
        assert "would hear it" in str(result.report["plan"])


async def test_a_cse_tells_its_registrar_that_it_can_listen() -> None:
    async with a_server("in") as home, a_server("mn1", registrar=home.client.url) as other:
        shown = await eventually(lambda: home.client.get("/id-mn1"), lambda answer: answer.rsc == 2000)
        assert shown.resource["mtcc"] == IP
        await eventually(lambda: other.client.get("/id-in"), lambda answer: answer.rsc == 2000)
        # The group host is the registrar here, and may make what it needs.
        udp(home).group_host.set_ups.change("group", {"/id-mn1": ("/id-mn1/cse-mn1",), "/id-mn2": ("/id-mn2/x",)})
        await udp(home).group_host.set_ups.settled()
        assert udp(home).group_host.inviter.outcomes == {Outcome.DONE: 2, Outcome.REFUSED: 1}
        assert list(udp(other).member_host.memberships) == []
