import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from cse.testing.clock import ManualClock, settle
from plugins.lora_broadcast import client as client_module
from plugins.lora_broadcast.client import SocketNetworkServer
from plugins.lora_broadcast.network_server import Drop, Dropped, Event, Offline, Ready, SetGroup, UnicastDownlink
from plugins.lora_broadcast.wire import encode

DOWNLINK = UnicastDownlink("1", "0200000000000001", 10, b"\x01", 1000)


class Peer:
    """What the client connects to: it keeps lines and connections, and says Ready at once."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._welcome, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        self.hang_up()
        await settle()

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(encode(Ready("EU868")))
        try:
            while line := await reader.readline():
                self.lines.append(line)
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def client(peer: Peer, clock: ManualClock, events: list[Event]) -> AsyncIterator[SocketNetworkServer]:
    client = SocketNetworkServer("127.0.0.1", peer.port, clock)
    await client.start(events.append)
    await until(lambda: Ready("EU868") in events)
    yield client
    await client.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await settle()


async def grown(events: list[Event], size: int) -> None:
    """Return when there is one more than so many."""
    await until(lambda: len(events) == size + 1)


async def test_commands_go_out_as_lines(client: SocketNetworkServer, peer: Peer) -> None:
    client.send(SetGroup("g", ("a",)))
    client.send(DOWNLINK)
    await until(lambda: len(peer.lines) == 2)
    assert peer.lines == [encode(SetGroup("g", ("a",))), encode(DOWNLINK)]


async def test_it_connects_again_after_a_pause(
    client: SocketNetworkServer, peer: Peer, clock: ManualClock, events: list[Event]
) -> None:
    peer.hang_up()
    await until(lambda: isinstance(events[-1], Offline))
    client.send(DOWNLINK)
    (dropped,) = [event for event in events if isinstance(event, Dropped)]
    assert (dropped.id, dropped.reason) == ("1", Drop.DISCONNECTED)
    assert f"127.0.0.1:{peer.port}" in dropped.sentence
    client.send(SetGroup("g", ()))
    await clock.advance(client_module.FIRST_PAUSE)
    await until(lambda: events[-1] == Ready("EU868"))
    client.send(DOWNLINK)
    await until(lambda: peer.lines == [encode(DOWNLINK)])


async def test_pauses_grow_up_to_a_limit_and_start_anew_after_success(
    client: SocketNetworkServer, peer: Peer, clock: ManualClock, events: list[Event]
) -> None:
    await peer.stop()
    await until(lambda: isinstance(events[-1], Offline))
    for pause in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        attempts = len(events)
        await clock.advance(pause * 0.99)
        await settle()
        assert len(events) == attempts
        await clock.advance(pause * 0.01 + 0.001)
        await grown(events, attempts)
        assert "no connection to the network server" in events[-1].sentence  # type: ignore[union-attr]
    await peer.start()
    await clock.advance(30.0)
    await until(lambda: events[-1] == Ready("EU868"))
    peer.hang_up()
    await until(lambda: isinstance(events[-1], Offline))
    await clock.advance(client_module.FIRST_PAUSE)
    await until(lambda: events[-1] == Ready("EU868"))


@pytest.mark.parametrize("line", [b"nonsense\n", encode(DOWNLINK)])
async def test_who_does_not_speak_the_language_is_disconnected(
    client: SocketNetworkServer, peer: Peer, events: list[Event], line: bytes
) -> None:
    peer.writers[0].write(line)
    await until(lambda: isinstance(events[-1], Offline))


async def test_lines_are_limited(
    peer: Peer, clock: ManualClock, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "LONGEST_LINE", 1000)
    client = SocketNetworkServer("127.0.0.1", peer.port, clock)
    await client.start(events.append)
    await until(lambda: events)
    peer.writers[0].write(b"x" * 5000)
    await until(lambda: isinstance(events[-1], Offline))
    await client.stop()


async def test_a_server_that_does_not_read_gets_no_more_downlinks(
    client: SocketNetworkServer, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MOST_UNSENT", 0)
    client.send(DOWNLINK)
    assert isinstance(events[-1], Dropped)
    assert events[-1].reason is Drop.QUEUE_FULL


async def test_stopping_before_starting_does_no_harm(clock: ManualClock) -> None:
    await SocketNetworkServer("127.0.0.1", 1, clock).stop()
