"""Malformed HTTP from outside against a server of its own: it stays, has lost nothing, and has not stumbled."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.programs import Program, program
from tests.servers import PATIENCE, eventually

HEAD = b"Host: x\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\n"
JSON = HEAD + b"Content-Type: application/json"
LAST = b"Connection: close\r\n\r\n"
INSTANCE = b'{"m2m:cin": {"con": "1"}}'
LENGTH = b"Content-Length: %d\r\n" % len(INSTANCE)
CREATE = b"POST /cse-in/box HTTP/1.1\r\n" + JSON + b";ty=4\r\n"
GET = b"GET /cse-in/box HTTP/1.1\r\n" + HEAD
BRIEF = 0.2  # seconds to listen to a server that may rightly wait for more
SHARED = settings(
    max_examples=settings().max_examples // 5,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)

CASES: list[tuple[bytes, list[int]]] = [
    (GET + LAST, [200]),
    (GET + b"\r\n" + GET + b"\r\n" + GET + LAST, [200, 200, 200]),
    (CREATE + LENGTH + b"\r\n" + INSTANCE + GET + LAST, [201, 200]),
    (CREATE + LENGTH + b"Expect: 100-continue\r\n" + LAST + INSTANCE, [100, 201]),
    (CREATE + LENGTH + b"Expect: a miracle\r\n" + LAST + INSTANCE, [201]),
    (CREATE + b"Transfer-Encoding: chunked\r\n" + LAST + b"19;a=b\r\n" + INSTANCE + b"\r\n0\r\nX: y\r\n\r\n", [201]),
    (CREATE + b"Content-Length: 5\r\n\r\n" + INSTANCE + b"\r\n\r\n", [400]),
    (CREATE + b"Content-Length: 0\r\n" + LAST, [400]),
    (CREATE + b"Content-Length: -1\r\n" + LAST, [400]),
    (CREATE + b"Content-Length: 2, 5\r\n" + LAST, [400]),
    (CREATE + LENGTH + b"Content-Length: 5\r\n" + LAST + INSTANCE, [400]),
    (CREATE + b"Content-Length: 99999999999999999999999\r\n" + LAST, [400]),
    (CREATE + LENGTH + b"Transfer-Encoding: chunked\r\n" + LAST + b"0\r\n\r\n", [400]),
    (CREATE + b"Transfer-Encoding: gzip, chunked\r\n" + LAST + b"0\r\n\r\n", [400]),
    (CREATE + b"Transfer-Encoding: identity\r\n" + LAST + INSTANCE, [400]),
    (CREATE + b"Transfer-Encoding: chunked\r\n" + LAST + b"zz\r\n", [400]),
    (CREATE + b"Transfer-Encoding: chunked\r\n" + LAST + b"fffffffffffffffff\r\n", [400]),
    (CREATE + b"Transfer-Encoding: chunked\r\n" + LAST + b"2\r\nabc\r\n", [400]),
    (GET.replace(b"1.1", b"1.0") + b"\r\n", [200]),
    (GET.replace(b"1.1", b"1.2") + LAST, [400]),
    (GET.replace(b"HTTP/1.1", b"HTTP/9") + LAST, [400]),
    (GET.replace(b" HTTP/1.1", b"") + LAST, [200]),
    (GET.replace(b"\r\n", b"\n") + LAST, [400]),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    (GET.replace(b"/cse", b"http://elsewhere:1/cse") + LAST, [200]),
    (GET.replace(b"/cse-in/box", b"*") + LAST, [400]),
    (b"OPTIONS * HTTP/1.1\r\n" + HEAD + LAST, [405]),
    (b"TRACE /cse-in HTTP/1.1\r\n" + HEAD + LAST, [405]),
    (b"CONNECT elsewhere:80 HTTP/1.1\r\n" + HEAD + LAST, [400]),
    (b"PATCH /cse-in HTTP/1.1\r\n" + HEAD + LAST, [405]),
    (b"BREW /cse-in HTTP/1.1\r\n" + HEAD + LAST, [400]),
    (GET.replace(b"Host", b"Ho\x00st") + LAST, [400]),
    (GET.replace(b"Host: x", b"Host: \x00") + LAST, [400]),
    (GET.replace(b"Host:", b"Host :") + LAST, [400]),
    (GET.replace(b"Host: x", b"Host: x\r\n folded") + LAST, [400]),
    (GET.replace(b"box", b"\xff\xfe") + LAST, [400]),
    (GET.replace(b"CAdmin", b"\xff\xfe") + LAST, [403]),
    (GET + b": nothing\r\n" + LAST, [400]),
    (GET + b"X: 1\r\n" * 5000 + LAST, [200]),
    (GET.replace(b"box", b"a" * 60_000) + LAST, [400]),
    (b"\r\n\r\n" + GET + LAST, [200]),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
    (b"\x00" * 1000, [400]),
]
WORDS = (
    b"", b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\x00", b"\xff", b":", b"%", b"%00", b"?", b"&", b"#", b"/", b"0\r\n\r\n",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n",
    b"Connection: upgrade\r\n", b"X-M2M-RI: 2\r\n", b"HTTP/1.1", b"POST", b"\xed\xa0\x80", b"{", b"[" * 100, b"9" * 30,
)  # fmt: skip
WHOLE = [case for case, _ in CASES if len(case) < 1000]


@st.composite
def noise(draw: st.DrawFn) -> bytes:
    """Requests one behind the other, with bytes taken out, put in and repeated."""
    data = bytearray().join(draw(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 6))):
        start, length = draw(st.integers(0, len(data))), draw(st.integers(0, 30))
        piece = draw(st.sampled_from(WORDS) | st.just(bytes(data[start : start + length]) * 2))
        data[start : start + draw(st.integers(0, 1)) * length] = piece
    return bytes(data)


class Besieged:
    """A server and what it has acknowledged."""

    def __init__(self, server: Program) -> None:
        self.server = server
        self.acknowledged: set[str] = set()

    async def send(self, data: bytes, patience: float = PATIENCE) -> list[int]:
        """The HTTP statuses of what comes back, at most for so many seconds."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        answer = bytearray()
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                writer.write(data)
                while part := await reader.read(65536):
                    answer += part
        writer.close()
        self.acknowledged.update(place.decode() for place in re.findall(rb"\r\ncontent-location: /(.+?)\r\n", answer))
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]

    async def is_well(self) -> None:
        """It answers, and has everything that it has acknowledged."""
        answer = await self.server.client.get("/cse-in/box?fu=1&ty=4")
        assert self.acknowledged <= set(answer.content["m2m:uril"])


@pytest.fixture
async def besieged(tmp_path: Path) -> AsyncIterator[Besieged]:
    log = tmp_path / "log"
    with log.open("wb") as file:
        async with program(tmp_path, "server.store=memory:", log=file) as server:
            assert (await server.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})).rsc == 2001
            yield Besieged(server)
    assert set(re.findall(r"^\S+ \S+ (?!WARNING ).*|Traceback", log.read_text(errors="replace"), re.MULTILINE)) == set()


async def test_what_is_no_good_http_has_its_answer(besieged: Besieged) -> None:
    for data, statuses in CASES:
        assert (data[:200], await besieged.send(data)) == (data[:200], statuses)
    await besieged.is_well()


async def test_a_client_may_leave_when_it_has_sent_several_requests(besieged: Besieged) -> None:
    client = besieged.server.client
    _, writer = await asyncio.open_connection("127.0.0.1", besieged.server.port)
    writer.write(CREATE + b"X-M2M-OET: 100\r\n" + LENGTH + b"\r\n" + INSTANCE + GET + b"\r\n")
    await writer.drain()
    writer.close()
    await eventually(lambda: client.get("/cse-in/box"), lambda answer: answer.resource["cni"] == 1)
    await besieged.is_well()


@given(st.lists(noise(), min_size=20, max_size=20))
@SHARED
async def test_any_noise_leaves_the_server_well(besieged: Besieged, noises: list[bytes]) -> None:
    answers = await asyncio.gather(*(besieged.send(data, BRIEF) for data in noises))
    assert not {status for statuses in answers for status in statuses if status >= 500} - {501}
    await besieged.is_well()
