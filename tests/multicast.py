"""CSEs on loopback addresses of their own: one hosts a group, the others its members (TS-0001 clause 10.2.7.13)."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cse.protection.keys import new_keys
from plugins.udp_multicast.network import UdpMulticast
from tests.federations import cse, introduce
from tests.servers import Answer, Running, eventually, serving

NETWORK = "udp-multicast"
MBMS, IP = 1, 2
INSTRUCTION = {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": '{"interval": 900}'}}}}}

NO_KEYS: Mapping[str, str] = {}
NO_SCEF: Mapping[str, Any] = {}
EXTERNAL_GROUP = "meters@operator.example"


def address(name: str) -> str:
    """The loopback address that a CSE has for itself: `in`, or `mn` and a number below ten."""
    return "127.0.10.1" if name == "in" else f"127.0.10.{1 + int(name.removeprefix('mn'))}"


def a_server(name: str, round_trip: float = 5.0, *, mbms: Mapping[str, Any] = NO_SCEF, **changes: Any) -> Any:
    """A CSE with its own address; answers to multicast come almost at once, and are waited for longer."""
    times = {"min_window": 0.05, "setup_pause": 0.1, "round_trip": round_trip}
    section = {"interface": address(name), "group_port": 5783, **times}
    return serving(
        settings={NETWORK: section, "mbms": {"group_port": 5783, **times, **mbms}},
        host=address(name),
        **cse(name),
        **changes,
    )


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
        capability = {"mtcc": multicast} if multicast else {}
        external_group = {"egid": EXTERNAL_GROUP} if multicast == MBMS else {}
        await introduce(self.home, name, other.client.url, **capability, **external_group)
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


def keys_of(folder: Path) -> dict[str, str]:
    """Files with keys: the group host signs, and the others trust it."""
    home = new_keys()
    public = re.search("for devices: ([0-9a-f]+)", home)
    assert public is not None
    texts = {"in": home, **dict.fromkeys(("mn1", "mn2"), f'[trusted]\n"/id-in" = ["{public[1]}"]\n')}
    for name, text in texts.items():
        file = folder / f"{name}.toml"
        file.write_text(text)
        file.chmod(0o600)
    return {name: str(folder / f"{name}.toml") for name in texts}


@asynccontextmanager
async def federation(
    keys: Mapping[str, str] = NO_KEYS, round_trip: float = 5.0, mbms: Mapping[str, Any] = NO_SCEF, **capabilities: int
) -> AsyncIterator[Federation]:
    """A group host, and CSEs with these multicastCapabilities (0 for none). `keys` are files by name."""
    async with AsyncExitStack() as held:
        one = Federation(await held.enter_async_context(a_server("in", round_trip, mbms=mbms, keys=keys.get("in", ""))))
        for name, capability in capabilities.items():
            other = await held.enter_async_context(a_server(name, keys=keys.get(name, "")))
            await one.add(name, other, capability)
        yield one


FOUR = ("mn1/c1", "mn1/c2", "mn2/c1", "mn2/c2")
BOTH = {"mn1": ["mn1/c1", "mn1/c2"], "mn2": ["mn2/c1", "mn2/c2"]}
