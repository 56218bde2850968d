"""Answers as servers may send them: whole, in pieces, cut off, too large, or no HTTP at all."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cse.http.channel import MOST_HEAD, Answer, Channel, NoAnswer

MOST = 100


class Wire:
    """A transport that keeps what is written, and tells the channel when it is closed."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


class Peer:
    """The other end of a channel. `lost` counts how often the channel has said that it has ended."""

    def __init__(self) -> None:
        self.lost = 0
        self.wire: Any = Wire()
        self.channel = Channel(self._count)
        self.channel.connection_made(self.wire)

    def _count(self, _: Channel) -> None:
        self.lost += 1

    def ask(self, essential: str = "") -> "asyncio.Future[Answer]":
        return self.channel.ask(b"request", MOST, essential)

    def send(self, data: bytes, sizes: Iterable[int] = ()) -> None:
        """In pieces of these sizes, then the rest."""
        for size in sizes:
            self._feed(data[:size])
            data = data[size:]
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        if data and not self.wire.is_closed:
            self.channel.data_received(data)

    def end(self) -> None:
        """The server closes the connection."""
        if not self.wire.is_closed:
            self.channel.eof_received()
        self.channel.connection_lost(None)


def failure(asking: "asyncio.Future[Answer]") -> NoAnswer:
    error = asking.exception()
    assert isinstance(error, NoAnswer)
    return error


LENGTH = b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = (
    b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-A: c\r\n\r\n"
)
NOTHING = b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\nX-A: a\r\n\r\n" + LENGTH
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhello"


@given(some.sampled_from([LENGTH, CHUNKS, NOTHING, CONTINUED]), some.lists(some.integers(1, 9)), some.integers(1, 3))
async def test_an_answer_is_the_same_in_whatever_pieces_it_comes(data: bytes, sizes: list[int], times: int) -> None:
    peer = Peer()
    for _ in range(times):
        assert peer.channel.is_free
        asking = peer.ask()
        peer.send(data, sizes)
        status, headers, body = asking.result()
        assert (status, headers["x-a"], body) == ((204, "b", b"") if data is NOTHING else (200, "b", b"hello"))
    assert peer.wire.sent == [b"request"] * times


@given(some.sampled_from([LENGTH, CHUNKS, CONTINUED]), some.data())
async def test_an_answer_that_is_cut_off_is_none(data: bytes, draw: some.DataObject) -> None:
    peer = Peer()
    asking = peer.ask()
    cut = draw.draw(some.integers(0, len(data) - 1))
    peer.send(data[:cut], [1] * draw.draw(some.integers(0, cut)))
    peer.end()
    assert failure(asking).begun == (cut > 0)
    assert (peer.lost, peer.channel.is_free) == (1, False)


@given(some.lists(some.integers(1, 9)))
async def test_an_answer_without_a_length_ends_with_its_connection(sizes: list[int]) -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(UNTIL_THE_END, sizes)
    assert not asking.done()
    peer.end()
    assert asking.result() == (200, {"x-a": "b"}, b"hello")
    assert not peer.channel.is_free


@given(some.binary(min_size=1))
async def test_whatever_comes_does_no_harm(data: bytes) -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(data)
    peer.end()
    assert failure(asking).begun


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * MOST_HEAD,
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * (MOST_HEAD // 8),
        b"HTTP/1.1 100 Continue\r\n\r\n" * (MOST_HEAD // 24),
        CHUNKS.removesuffix(b"\r\n") + b"X-A: b\r\n" * (MOST_HEAD // 8),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * MOST_HEAD,
    ],
)
async def test_a_head_has_its_limit(data: bytes) -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(data, [1000] * (len(data) // 1000))
    assert "bytes" in str(failure(asking))
    assert peer.wire.is_closed


@pytest.mark.parametrize("length", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_is_too_large_is_left_out(length: bytes) -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + b"65\r\n" * (b"T" in length) + b"a" * (MOST + 1))
    assert (asking.result().status, asking.result().body) == (200, None)
    assert peer.wire.is_closed


async def test_a_body_that_nobody_wants_is_not_waited_for() -> None:
    peer = Peer()
    asking = peer.ask("x-m2m-rsc")
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
    assert asking.result().body == b""
    assert peer.wire.is_closed


async def test_a_body_that_somebody_wants_is() -> None:
    peer = Peer()
    asking = peer.ask("x-m2m-rsc")
    peer.send(b"HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Length: 3\r\n\r\nye")
    assert not asking.done()
    peer.send(b"s")
    assert asking.result().body == b"yes"
    assert peer.channel.is_free


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"])
async def test_a_server_says_that_it_will_close(head: bytes) -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(head + b"Content-Length: 0\r\n\r\n")
    assert asking.result().status == 200
    assert not peer.channel.is_free


@pytest.mark.parametrize("data", [LENGTH, b"?"])
async def test_what_comes_unasked_ends_the_connection(data: bytes) -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(LENGTH)
    peer.send(data)
    assert asking.result().body == b"hello"
    assert peer.wire.is_closed


async def test_a_server_that_changes_the_protocol_has_not_answered() -> None:
    peer = Peer()
    asking = peer.ask()
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    assert failure(asking).begun


async def test_who_waits_no_longer_is_left_alone() -> None:
    peer = Peer()
    asking = peer.ask()
    asking.cancel()
    peer.send(LENGTH)
    peer.channel.expire()
    assert asking.cancelled()
