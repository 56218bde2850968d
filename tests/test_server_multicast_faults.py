"""Multicast between CSEs: restarts, CSEs that are down for a while, answers that do not count, signatures."""

import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from cse.coap.message import Option, decode, encode
from cse.coap.target import Endpoint
from cse.primitive import OK, Response
from plugins.udp_multicast.messages import answer
from tests.federations import register
from tests.multicast import (
    BOTH,
    FOUR,
    INSTRUCTION,
    IP,
    NETWORK,
    Federation,
    a_server,
    address,
    federation,
    keys_of,
    member_address,
    udp,
)
from tests.servers import Listener, Running, eventually


def durable(folder: Path, name: str) -> dict[str, Any]:
    """Settings of a server that can be started again, at the same address."""
    with socket.socket() as free:
        free.bind((address(name), 0))
        port = free.getsockname()[1]
    return {"store": f"sqlite:///{folder}/{name}.sqlite", "data_folder": str(folder / name), "port": port}


async def test_a_member_host_that_restarts_listens_again(tmp_path: Path) -> None:
    settings = durable(tmp_path, "mn2")
    async with federation(mn1=IP) as city:
        async with a_server("mn2", **settings) as other:
            await city.add("mn2", other, IP)
            await city.group(*FOUR)
            await city.listens(**BOTH)
        async with a_server("mn2", **settings) as other:
            city.others["mn2"] = other
            await city.listens(**BOTH)
            result = await city.fan_out()
            assert result.codes == {member_address(member): 2000 for member in FOUR}
            assert (result.networks, result.multicasts) == ({NETWORK: 4}, 1)


async def test_a_group_host_that_restarts_knows_who_listens(tmp_path: Path) -> None:
    settings = durable(tmp_path, "in")
    async with AsyncExitStack() as held:
        others = {name: await held.enter_async_context(a_server(name)) for name in ("mn1", "mn2")}
        async with a_server("in", **settings) as home:
            before = Federation(home)
            for name, other in others.items():
                await before.add(name, other, IP)
            await before.group(*FOUR)
            await before.listens(**BOTH)
        async with a_server("in", **settings) as home:
            after = Federation(home, others)
            await after.listens(**BOTH)
            result = await after.fan_out()
            assert (result.networks, result.multicasts) == ({NETWORK: 4}, 1)
            assert (await home.client.delete("/cse-in/city")).rsc == 2002
            await after.listens()


async def test_one_that_is_down_at_first_is_asked_again(tmp_path: Path) -> None:
    settings = durable(tmp_path, "mn2")
    async with federation(mn1=IP) as city:
        async with a_server("mn2", **settings) as other:
            await city.add("mn2", other, IP)
        del city.others["mn2"]
        await city.group(*FOUR)
        await city.listens()
        async with a_server("mn2", **settings) as other:
            city.others["mn2"] = other
            await city.listens(**BOTH)
            assert (await city.fan_out()).multicasts == 1


async def test_what_somebody_has_deleted_is_made_again() -> None:
    async with federation(round_trip=1.0, mn1=IP, mn2=IP) as city:
        await city.group(*FOUR)
        await city.listens(**BOTH)
        other = city.others["mn1"].client
        (found,) = (await other.get("/cse-mn1?fu=1&ty=45")).content["m2m:uril"]
        assert (await other.delete(f"/{found}")).rsc == 2002
        assert set((await city.fan_out()).codes.values()) == {2000}  # by unicast, as it is silent
        await city.change(*FOUR, "mn1/c3")
        await city.listens(mn1=["mn1/c1", "mn1/c2", "mn1/c3"], mn2=BOTH["mn2"])
        assert (await city.fan_out()).multicasts == 1


def port_of(running: Running) -> int:
    (document,) = running.server.door.documents(NETWORK).table("socket")
    return int(document["port"])


def send_answer(source: str, destination: Endpoint, request_identifier: str, originator: str) -> None:
    told = answer(Response(OK, {"m2m:cnt": {"rn": "forged"}}), request_identifier, originator)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(encode(told), destination)


async def test_edge_22_answers_that_were_not_asked_for_are_counted_and_change_nothing() -> None:
    async with federation(mn1=IP, mn2=IP) as city, Listener(silent=True) as device:
        rules = {"acr": [{"acor": ["/id-in/CAdmin"], "acop": 16}]}
        for name in ("mn1", "mn2"):
            client = city.others[name].client
            policy = await client.create("/-", 1, {"m2m:acp": {"rn": "tell", "pv": rules, "pvs": rules}})
            await register(client, "m", device.url, acpi=[policy.resource["ri"]])
        await city.group("mn1/m", "mn2/m")
        await city.listens(mn1=["mn1/m"], mn2=["mn2/m"])
        client, home = city.home.client, Endpoint(address("in"), port_of(city.home))
        accepted = await client.request("POST", "/cse-in/city/fopt?rt=1", content=INSTRUCTION)
        await device.wait(2)
        path = f"/.cse/campaigns/{accepted.content['m2m:uri']}"
        campaign = (await client.get(path)).content["campaign"]
        send_answer(address("mn1"), home, campaign, "/id-stranger")
        send_answer(address("mn3"), home, campaign, "/id-mn1")
        send_answer(address("mn1"), home, "another-request", "/id-mn1")
        strays = await eventually(
            lambda: client.get("/.cse/health"), lambda health: health.content["strayAnswers"] == 1
        )
        assert strays.content["strayAnswers"] == 1
        report = await eventually(lambda: client.get(path), lambda shown: len(shown.content["discarded"]) == 2)
        assert report.content["discarded"] == {"stray": 1, "wrong_address": 1}
        assert report.content["states"]["waiting"] == 2
        device.answer_all()
        done = await eventually(lambda: client.get(path), lambda shown: shown.content["states"]["answered"] == 2)
        assert done.content["networks"][NETWORK]["answered"] == 2


class Eavesdropper:
    """Hears what is sent to a multicast address, and sends there what it likes."""

    def __init__(self, group: Endpoint) -> None:
        self._group = group
        self._ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._ear.bind(group)
        membership = socket.inet_aton(group.ip) + socket.inet_aton("127.0.10.9")
        self._ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self._ear.setblocking(False)

    def heard(self) -> bytes:
        return self._ear.recv(8192)

    def send(self, datagram: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.10.9", 0))
            sender.sendto(datagram, self._group)

    def close(self) -> None:
        self._ear.close()


async def test_only_what_the_group_host_has_signed_is_carried_out_and_only_once(tmp_path: Path) -> None:
    async with federation(keys_of(tmp_path), mn1=IP, mn2=IP) as city:
        await city.group(*FOUR)
        await city.listens(**BOTH)
        (record,) = udp(city.home).group_host.records
        stranger = Eavesdropper(record.address)
        result = await city.fan_out("POST", ty=3, content={"m2m:cnt": {"lbl": ["real"]}})
        assert (set(result.codes.values()), result.multicasts) == ({2001}, 1)
        datagram = stranger.heard()
        stranger.send(datagram)
        message = decode(datagram)
        bare = tuple(option for option in message.options if option[0] != Option.AUTHENTICATION)
        renamed = tuple((n, b"r2" if n == Option.REQUEST_IDENTIFIER else value) for n, value in message.options)
        for forged in (message, replace(message, options=bare), replace(message, options=renamed)):
            stranger.send(encode(replace(forged, message_id=forged.message_id ^ 1)))
        stranger.close()

        async def counters() -> list[dict[str, int]]:
            shown = [await other.client.get("/.cse/networks") for other in city.others.values()]
            return [answer.content["counters"][NETWORK] for answer in shown]

        expected = {"ignored: replayed": 1, "ignored: forged": 2, "ignored: unsigned": 1}
        await eventually(counters, [expected, expected].__eq__)
        for name, other in city.others.items():
            found = await other.client.get(f"/cse-{name}?fu=1&ty=3&lbl=real")
            assert len(found.content["m2m:uril"]) == 2
