"""Multicast between CSEs (TS-0001 clause 10.2.7.13): one hosts a group, others its members, on loopback addresses."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from plugins.udp_multicast.cses.inviter import Outcome
from plugins.udp_multicast.network import UdpMulticast
from tests.federations import cse, introduce, register
from tests.servers import Answer, Listener, Running, eventually, serving

NETWORK = "udp-multicast"
IP = 2
INSTRUCTION = {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}


def address(name: str) -> str:
    """The loopback address that a CSE has for itself."""
    return {"in": "127.0.10.1", "mn1": "127.0.10.2", "mn2": "127.0.10.3", "mn3": "127.0.10.4"}[name]


def a_server(name: str, **changes: Any) -> Any:
    """A CSE with its own address; answers to multicast come almost at once."""
    section = {"interface": address(name), "group_port": 5783, "min_window": 0.05, "setup_pause": 0.1}
    return serving(settings={NETWORK: section}, host=address(name), **cse(name), **changes)


def udp(running: Running) -> UdpMulticast:
    network = running.server.core.networks[NETWORK]
    assert isinstance(network, UdpMulticast)
    return network


@dataclass
class Federation:
    """The group host, and the other CSEs by name. Each of these has containers c1, c2 and c3."""

    home: Running
    others: dict[str, Running] = field(default_factory=dict)

    async def add(self, name: str, other: Running, multicast: int) -> None:
        """The CSE of that name and the group host register with each other."""
        self.others[name] = other
        await introduce(self.home, name, other.client.url, **({"mtcc": multicast} if multicast else {}))
        await introduce(other, "in", self.home.client.url)
        rules = {"acr": [{"acor": ["/id-in/CAdmin"], "acop": 63}]}
        policy = await other.client.create("/-", 1, {"m2m:acp": {"rn": "open", "pv": rules, "pvs": rules}})
        for number in (1, 2, 3):
            content = {"rn": f"c{number}", "lbl": [name], "acpi": [policy.resource["ri"]]}
            assert (await other.client.create("/-", 3, {"m2m:cnt": content})).rsc == 2001

    async def group(self, *members: str) -> None:
        content = {"rn": "city", "mnm": 100, "mid": [member_address(member) for member in members]}
        assert (await self.home.client.create("/cse-in", 9, {"m2m:grp": content})).rsc == 2001

    async def change(self, *members: str) -> None:
        content = {"mid": [member_address(member) for member in members]}
        assert (await self.home.client.update("/cse-in/city", {"m2m:grp": content})).rsc == 2004

    def listening(self) -> dict[str, list[list[str]]]:
        """What the CSEs listen for: by name, the members of each membership."""
        found = {
            name: [list(membership.members) for membership in udp(other).member_host.memberships]
            for name, other in self.others.items()
        }
        return {name: members for name, members in found.items() if members}

    async def listens(self, **expected: list[str]) -> None:
        """Wait until exactly these members are behind memberships, one for each of these CSEs."""
        wanted = {name: [[member_address(member) for member in members]] for name, members in expected.items()}

        async def ask() -> bool:
            await udp(self.home).group_host.set_ups.settled()
            return self.listening() == wanted and all(map(self._is_joined, expected))

        await eventually(ask, bool)

    def _is_joined(self, name: str) -> bool:
        (record,) = udp(self.home).group_host.records
        return bool(record.joined(f"/id-{name}"))

    async def fan_out(self, method: str = "GET", path: str = "/cse-in/city/fopt", **request: Any) -> "Result":
        """Send a request to the group, and wait for its end."""
        client = self.home.client
        accepted = await client.request(method, f"{path}?rt=1", **request)
        assert accepted.rsc == 1001, accepted
        identifier = accepted.content["m2m:uri"]
        done = await eventually(lambda: client.get(f"/{identifier}"), lambda shown: shown.resource["rs"] in (1, 2))
        report = await client.get(f"/.cse/campaigns/{identifier}")
        members = await client.get(f"/.cse/campaigns/{identifier}/members")
        return Result(done, report.content, members.content["members"])


@dataclass
class Result:
    """A finished request, as the operator sees it."""

    done: Answer
    report: dict[str, Any]
    members: list[dict[str, Any]]

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """The answers by member."""
        found = self.done.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
        assert len(found) == len({item["fr"] for item in found})
        return {item["fr"]: item for item in found}

    @property
    def codes(self) -> dict[str, int]:
        return {member: item["rsc"] for member, item in self.items.items()}

    @property
    def networks(self) -> dict[str, int]:
        """How many members have been served by each network."""
        return dict(Counter(member["network"] for member in self.members))

    @property
    def multicasts(self) -> int:
        """Datagrams that went out by multicast."""
        return int(self.report["networks"].get(NETWORK, {}).get("transmissions", 0))


def member_address(member: str) -> str:
    """`mn1/c1` as others address it."""
    name, _, rest = member.partition("/")
    return f"/id-{name}/cse-{name}/{rest}"


@asynccontextmanager
async def federation(**capabilities: int) -> AsyncIterator[Federation]:
    """A group host, and CSEs with these multicastCapabilities (0 for none)."""
    async with AsyncExitStack() as held:
        one = Federation(await held.enter_async_context(a_server("in")))
        for name, capability in capabilities.items():
            await one.add(name, await held.enter_async_context(a_server(name)), capability)
        yield one


FOUR = ("mn1/c1", "mn1/c2", "mn2/c1", "mn2/c2")


async def test_one_datagram_reaches_the_members_of_two_cses() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        await city.group(*FOUR)
        await city.listens(mn1=["mn1/c1", "mn1/c2"], mn2=["mn2/c1", "mn2/c2"])
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
        await city.listens(mn1=["mn1/c1", "mn1/c2"], mn2=["mn2/c1", "mn2/c2"])
        result = await city.fan_out()
        assert set(result.codes.values()) == {2000}
        assert (result.networks, result.multicasts) == ({NETWORK: 4, "http-unicast": 1}, 1)


async def test_a_single_cse_is_not_worth_a_multicast_group() -> None:
    async with federation(mn1=IP, mn2=0) as city:
        await city.group(*FOUR)
        await city.listens()
        assert list(udp(city.home).group_host.records) == []
        result = await city.fan_out()
        assert set(result.codes.values()) == {2000}
        assert (result.networks, result.multicasts) == ({"http-unicast": 4}, 0)


async def test_where_only_one_can_join_it_leaves_again() -> None:
    async with federation(mn1=IP, mn2=IP) as city:
        # Whoever says that it can, and cannot.
        await city.others["mn2"].client.delete("/id-in")
        await city.group(*FOUR)
        inviter = udp(city.home).group_host.inviter

        async def outcomes() -> dict[str, int]:
            return {outcome.value: count for outcome, count in inviter.outcomes.items()}

        await eventually(outcomes, {"done": 2, "refused": 1}.__eq__)
        await city.listens()
        shown = await city.others["mn1"].client.get("/cse-mn1?fu=1&ty=45")
        assert shown.content == {"m2m:uril": []}


async def test_it_follows_the_group() -> None:
    async with federation(mn1=IP, mn2=IP, mn3=IP) as city:
        await city.group(*FOUR)
        await city.listens(mn1=["mn1/c1", "mn1/c2"], mn2=["mn2/c1", "mn2/c2"])
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
        await city.listens(mn1=["mn1/c1", "mn1/c2"], mn2=["mn2/c1", "mn2/c2"])
        targets = [member_address("mn1/c1"), member_address("mn2/c1")]
        result = await city.fan_out(X_M2M_GTM="&".join(targets))
        assert result.codes == dict.fromkeys(targets, 2000)
        assert (result.networks, result.multicasts) == ({"http-unicast": 2}, 0)
        assert "would hear it" in str(result.report["plan"])
