"""The CSE listens to the multicast addresses that the tree says: what is done when, and what is undone."""

from typing import Any

import pytest

from cse.app import Server
from cse.config import Settings
from cse.consent import Listening
from cse.errors import JoinMulticastGroupFailed, LeaveMulticastGroupFailed
from cse.memberships import Memberships
from cse.network import Membership
from cse.primitive import Operation, Response
from cse.store import Store
from cse.store.opening import open_store
from cse.testing.clock import ManualClock
from cse.timing import timestamp
from tests.cse.fanout.scenario import Scenario, ScriptedNetwork, eventually

HOST = "/id-in2"
GROUP = {"rn": "g", "mad": "239.192.1.2", "mgft": "/id-in2/g1", "mli": ["cse-in"]}


class Ear(ScriptedNetwork):
    """Listens as it is told, except to what is in `deaf_to`, and leaves nothing while `stuck`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.joined: dict[str, Membership] = {}
        self.deaf_to: set[str] = set()
        self.stuck = False

    @property
    def addresses(self) -> list[str]:
        return [membership.address for membership in self.joined.values()]

    async def join(self, membership: Membership) -> None:
        if membership.address in self.deaf_to:
            raise JoinMulticastGroupFailed(f"{self.name} is deaf to {membership.address}")
        former = self.joined.get(membership.identifier)
        if former is not None and former.address != membership.address and self.stuck:
            raise LeaveMulticastGroupFailed("stuck")
        self.joined[membership.identifier] = membership

    async def leave(self, identifier: str) -> None:
        if self.stuck:
            raise LeaveMulticastGroupFailed("stuck")
        self.joined.pop(identifier, None)


class Scene:
    """A server with an ear among its networks, and a registered group host."""

    def __init__(self, store: Store | None = None) -> None:
        self.ear = Ear("udp-multicast")  # instead of the real one
        self.clock = ManualClock()
        networks = [ScriptedNetwork("wire"), self.ear]
        settings = Settings({"server": {"store": "memory:"}})
        self.server = Server(settings, store=store, clock=self.clock, networks=networks)
        self.city = Scenario(self.server, self.ear, networks[0], self.clock)

    async def register(self) -> None:
        content = {"rn": "in2", "cb": "/id-in2/cse", "rr": True, "srv": ["3"]}
        await self.city.create("cse-in", 16, "csr", HOST, **content)

    async def make(self, **attributes: Any) -> Response:
        return await self.ask(Operation.CREATE, "cse-in", {**GROUP, **attributes}, resource_type=45)

    async def ask(
        self, operation: Operation, to: str = "cse-in/g", attributes: Any = None, **parameters: Any
    ) -> Response:
        content = None if attributes is None else {"m2m:lmg": attributes}
        return await self.city.ask(operation, to, HOST, content=content, **parameters)

    async def exists(self) -> bool:
        return (await self.ask(Operation.RETRIEVE)).status_code == 2000


async def test_it_listens_from_the_creation_to_the_deletion() -> None:
    scene = Scene()
    async with scene.server.running():
        await scene.register()
        assert (await scene.make()).status_code == 2001
        assert scene.ear.addresses == ["239.192.1.2"]
        await scene.ask(Operation.UPDATE, attributes={"mli": ["cse-in/in2"]})
        await eventually(lambda: [one.members for one in scene.ear.joined.values()] == [("cse-in/in2",)])
        await scene.ask(Operation.UPDATE, attributes={"mad": "239.192.1.3"})
        assert scene.ear.addresses == ["239.192.1.3"]
        assert (await scene.ask(Operation.DELETE)).status_code == 2002
        assert scene.ear.addresses == []


async def test_nothing_is_made_where_nobody_can_listen() -> None:
    scene = Scene()
    scene.ear.deaf_to = {"239.192.1.2"}
    async with scene.server.running():
        await scene.register()
        response = await scene.make()
        assert response.status_code == 5216
        assert "udp-multicast is deaf to 239.192.1.2" in response.content["m2m:dbg"]
        assert not await scene.exists()
        assert scene.ear.addresses == []


async def test_a_server_without_a_network_for_it_says_so() -> None:
    server = Server(Settings({"server": {"store": "memory:"}}), networks=[ScriptedNetwork("udp-multicast")])
    async with server.running():
        membership = Membership("lmg1", HOST, "239.192.1.2", "/id-in2/g1", ("cse-in",), HOST)
        with pytest.raises(JoinMulticastGroupFailed, match="no network of this CSE"):
            await Memberships(server.core, server.switchboard).change(Listening("join", membership, joins=True))


async def test_it_stays_where_it_was_if_it_cannot_listen_elsewhere() -> None:
    scene = Scene()
    scene.ear.deaf_to = {"239.192.1.3"}
    async with scene.server.running():
        await scene.register()
        await scene.make()
        assert (await scene.ask(Operation.UPDATE, attributes={"mad": "239.192.1.3"})).status_code == 5216
        scene.ear.stuck = True
        assert (await scene.ask(Operation.UPDATE, attributes={"mad": "239.192.1.4"})).status_code == 5217
        assert (await scene.ask(Operation.DELETE)).status_code == 5217
        assert await scene.exists()
        assert scene.ear.addresses == ["239.192.1.2"]
        scene.ear.stuck = False
        assert (await scene.ask(Operation.DELETE)).status_code == 2002


async def test_a_request_that_fails_after_the_joining_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    async with scene.server.running():
        await scene.register()
        join = scene.ear.join

        async def and_somebody_takes_the_name(membership: Membership) -> None:
            await join(membership)
            await scene.city.create("cse-in", 3, "cnt", rn="g")

        monkeypatch.setattr(scene.ear, "join", and_somebody_takes_the_name)
        assert (await scene.make()).status_code == 4105
        assert scene.ear.addresses == []


async def test_it_is_left_when_its_time_is_over() -> None:
    scene = Scene()
    async with scene.server.running():
        await scene.register()
        await scene.make(et=timestamp(scene.clock.now() + 60))
        await scene.clock.advance(61)
        await eventually(lambda: scene.ear.addresses == [])


async def test_after_a_restart_it_listens_again_as_soon_as_it_can(tmp_path: Any) -> None:
    address = f"sqlite:///{tmp_path}/cse.sqlite"
    first = Scene(open_store(address))
    async with first.server.running():
        await first.register()
        await first.make()
        await first.make(rn="h", mad="239.192.1.3")
    second = Scene(open_store(address))
    second.ear.deaf_to = {"239.192.1.3"}
    async with second.server.running():
        assert second.ear.addresses == ["239.192.1.2"]
        second.ear.deaf_to.clear()
        await second.clock.advance(11)
        await eventually(lambda: sorted(second.ear.addresses) == ["239.192.1.2", "239.192.1.3"])
