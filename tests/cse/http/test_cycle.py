"""What comes out of our cycle is what comes out of uvicorn's."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from cse.http.cycle import Cycle

DEFAULT = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"), (b"server", b"uvicorn")]
SILENT = logging.Logger("silent", logging.CRITICAL + 1)

fields = st.sampled_from(
    [(b"x-m2m-ri", b"1"), (b"x-m2m-vsi", b""), (b"connection", b"close"), (b"x-bad", b"a\r\nb: c")]
)
bodies = st.lists(st.sampled_from([b"", b"{}", b"\r\n\r\n"]), min_size=1, max_size=3)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True


class Answering:
    """A request that is answered by a cycle of some kind."""

    def __init__(self, kind: type[RequestResponseCycle], method: str = "GET", *, keep_alive: bool = True) -> None:
        self.transport = Transport()
        self.ended = 0
        self.cycle = kind(
            scope={"method": method},  # type: ignore[typeddict-item]
            transport=self.transport,
            flow=FlowControl(self.transport),
            logger=SILENT,
            access_logger=SILENT,
            access_log=False,
            default_headers=DEFAULT,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self._end,
        )

    def _end(self) -> None:
        self.ended += 1

    async def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], parts: list[bytes]) -> tuple[Any, ...]:
        """What has left, and what has become of the cycle; parts that are too long or too short end it."""

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            for part in parts[:-1]:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": parts[-1]})

        await self.cycle.run_asgi(application)
        state = self.cycle.response_complete, self.cycle.keep_alive, self.cycle.message_event.is_set()
        return b"".join(self.transport.written), self.transport.closed, self.ended, *state


@given(
    st.sampled_from([200, 201, 404]),
    st.lists(fields, max_size=3),
    bodies,
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.booleans(),
    st.sampled_from([None, 0, 2, 4]),
)
async def test_all_kinds_of_responses_leave_as_uvicorn_sends_them(
    status: int, headers: list[Any], parts: list[bytes], method: str, keep_alive: bool, length: int | None
) -> None:
    stated = [] if length is None else [(b"content-length", b"%d" % length)]
    ours = Answering(Cycle, method, keep_alive=keep_alive)
    theirs = Answering(RequestResponseCycle, method, keep_alive=keep_alive)
    assert await ours.answer(status, headers + stated, parts) == await theirs.answer(status, headers + stated, parts)


async def test_a_response_that_comes_as_a_whole_is_one_write() -> None:
    answering = Answering(Cycle)
    await answering.answer(200, [(b"content-length", b"2")], [b"{}"])
    assert len(answering.transport.written) == 1


@pytest.mark.parametrize("kind", [Cycle, RequestResponseCycle])
async def test_who_has_gone_gets_nothing(kind: type[RequestResponseCycle]) -> None:
    answering = Answering(kind)
    answering.cycle.disconnected = True
    await answering.answer(200, [(b"content-length", b"2")], [b"{}"])
    assert answering.transport.written == []


async def test_who_does_not_read_is_waited_for() -> None:
    answering = Answering(Cycle)
    answering.cycle.flow.pause_writing()
    task = asyncio.create_task(answering.answer(200, [(b"content-length", b"2")], [b"{}"]))
    await asyncio.sleep(0)
    assert answering.transport.written == []
    answering.cycle.flow.resume_writing()
    assert (await task)[0].endswith(b"{}")


async def test_an_application_that_fails_before_the_body_is_answered_for() -> None:
    answering = Answering(Cycle)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        raise ValueError

    await answering.cycle.run_asgi(application)
    assert b"".join(answering.transport.written).startswith(b"HTTP/1.1 500 ")
    assert answering.transport.closed
