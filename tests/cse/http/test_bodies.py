"""Large bodies are read and written beside the event loop, small ones at once."""

import threading

import cbor2
import orjson
import pytest

from cse.http.bodies import BYTES_PER_ITEM, read, written
from cse.pieces import Pieces
from cse.primitive import Content
from cse.serialization.formats import CBOR, JSON, Serialization
from cse.serialization.limits import Limits
from cse.slices import SLICE

LIMITS = Limits(32, 250_000)


@pytest.mark.parametrize("members", [1, 4 * SLICE])
async def test_what_is_written_is_what_was_there(members: int) -> None:
    content: Content = {"m2m:grp": {"mid": [f"C{number}" for number in range(members)], "rn": "all"}}
    expected = orjson.dumps(content)
    assert await written(JSON, content) == expected
    assert await read(JSON, expected, LIMITS) == orjson.loads(expected)


async def test_pieces_of_json_are_sent_as_they_are_and_written_anew_otherwise() -> None:
    numbers = list(range(2 * SLICE))
    pieces = Pieces([b'{"m2m:agr":', orjson.dumps(numbers), b"}"])
    assert await written(JSON, pieces) is pieces
    assert await written(CBOR, pieces) == cbor2.dumps({"m2m:agr": numbers})


async def test_a_large_body_is_read_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def reading(data: bytes, limits: Limits) -> Content:
        threads.append(threading.current_thread() is threading.main_thread())
        return None

    watched = Serialization("json", orjson.dumps, reading, orjson.dumps)
    await read(watched, b"[]", LIMITS)
    await read(watched, b" " * (SLICE + 1) * BYTES_PER_ITEM, LIMITS)
    assert threads == [True, False]
