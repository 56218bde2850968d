"""A server that is asked to stop: requests under way end or are answered, and what is left goes on later."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

import pytest

from cse.polling import MOST_POLLS
from tests.programs import Program, program
from tests.servers import Client, Listener, eventually

INSTRUCTION = {"m2m:sgn": {"sur": "x"}}
POLL = "/cse-in/app/channel/pcu"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[bytes]]:
    """What the server complains about."""
    with (tmp_path / "log").open("w+b") as file:
        yield file


@pytest.fixture
async def server(tmp_path: Path, log: IO[bytes]) -> AsyncIterator[Program]:
    async with program(tmp_path, log=log) as one:
        yield one


async def prepare(client: Client, listener: Listener, other: Listener) -> None:
    """Two groups, each of a silent meter, a subscription of a silent subscriber, and somebody who can poll."""
    for meter, group, one in (("first", "city", listener), ("second", "town", other)):
        await client.register(meter, one.url)
        await client.create("/cse-in", 9, {"m2m:grp": {"rn": group, "mnm": 1, "mid": [f"C{meter}"]}})
    await client.register("app")
    await client.create("/cse-in/app", 15, {"m2m:pch": {"rn": "channel"}}, "Capp")
    await client.create("/cse-in/app", 23, {"m2m:sub": {"nu": [listener.url], "enc": {"net": [3]}}}, "Capp")
    listener.received.clear()
    listener.silent = other.silent = True


async def upload(port: int, begun: asyncio.Event) -> bytes:
    """Begin a request that never comes to its end; what the server says to that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "POST /cse-in HTTP/1.1\r\nHost: cse\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: up\r\nX-M2M-RVI: 3\r\n"
    length = "Expect: 100-continue\r\nContent-Length: 1000\r\n"
    writer.write(f"{head}Content-Type: application/json;ty=3\r\n{length}\r\n".encode())
    assert b"100" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"{")
    begun.set()
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_everything_under_way_comes_to_an_end_and_goes_on_later(
    server: Program, listener: Listener, log: IO[bytes]
) -> None:
    client, begun = server.client, asyncio.Event()
    async with Listener() as other:
        await prepare(client, listener, other)
        campaign = (await client.request("POST", "/cse-in/city/fopt?rt=1", content=INSTRUCTION)).content["m2m:uri"]
        await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "told"}}, "Capp")
        polls = [asyncio.create_task(client.get(POLL, "Capp")) for _ in range(MOST_POLLS + 1)]
        blocking = asyncio.create_task(client.request("POST", "/cse-in/town/fopt", content=INSTRUCTION))
        uploading = asyncio.create_task(upload(server.port, begun))
        (refused,), waiting = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)  # one is too many
        assert refused.result().rsc == 4005
        await asyncio.gather(listener.wait(2), other.wait(1), begun.wait())
        server.send(signal.SIGTERM)
        answers = await asyncio.gather(*waiting, blocking)
        assert {(answer.status, answer.rsc) for answer in answers} == {(504, 4008)}
        assert "the server stops" in answers[0].debug
        assert b"x-m2m-rsc: 4008" in await uploading
        assert await server.ended() == 0
        log.seek(0)
        assert b"did not stop" not in log.read()
        listener.received.clear()
        listener.silent = other.silent = False
        await server.start()
        await listener.wait(2)
        path = f"/{campaign}"
        result = await eventually(lambda: server.client.get(path), lambda answer: answer.resource["rs"] == 1)
        assert [item["fr"] for item in result.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]] == ["Cfirst"]
        assert {tuple(item.content["m2m:sgn"]) for item in listener.received} == {("sur",), ("nev", "sur")}
        listener.answer_all()
        other.answer_all()


async def test_what_ends_soon_is_waited_for(server: Program) -> None:
    answer = asyncio.create_task(
        server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}}, X_M2M_OET="PT1S", X_M2M_RI="slow")
    )
    await server.client.get("/cse-in")
    server.send(signal.SIGTERM)
    assert (await answer).rsc == 2001
    assert await server.ended() == 0
    await server.start()
    assert (await server.client.get("/cse-in/box")).rsc == 2000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_second_signal_ends_it_at_once(server: Program, number: signal.Signals) -> None:
    begun = asyncio.Event()
    await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})
    waiting = asyncio.create_task(upload(server.port, begun))
    await begun.wait()
    server.send(number)
    await closed(server.port)
    server.send(number)
    assert await server.ended() == 128 + number
    assert await waiting == b""
    await server.start()
    assert (await server.client.get("/cse-in/box")).rsc == 2000


async def closed(port: int) -> None:
    """Return when nothing listens there any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
