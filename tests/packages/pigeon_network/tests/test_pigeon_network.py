import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from pigeon_network import Pigeons, PigeonSettings, put

from cse.network import Discard, Host, Network
from cse.primitive import Request
from cse.testing.clock import settle
from cse.testing.contract import NetworkContract
from cse.testing.device import SimulatedDevice
from cse.testing.engine import RecordingEngine


async def keep_pigeons(folder: Path, device: SimulatedDevice) -> None:
    """Read the notes that come to a loft, have the device carry them out, and send its answers back."""
    while True:
        for path in (folder / "loft1").glob("*.note"):
            request = orjson.loads(path.read_bytes())
            path.unlink()
            answer = device.receive(request["rqi"], request["ot"], request["pc"])
            if answer is not None:
                content = {"rqi": request["rqi"], "fr": device.id, "rsc": answer.status_code, "pc": answer.content}
                put(folder / "answers", "answer", orjson.dumps(content))
        await settle()


class TestPigeons(NetworkContract):
    @pytest.fixture
    def network(self, tmp_path: Path) -> Pigeons:
        return Pigeons(PigeonSettings(folder=str(tmp_path), look_every=0.01))

    @pytest.fixture
    async def reachable_host(self, tmp_path: Path) -> AsyncIterator[Host]:
        (tmp_path / "loft1").mkdir()
        keeper = asyncio.create_task(keep_pigeons(tmp_path, SimulatedDevice("Cloft1")))
        yield Host("Cloft1", ("pigeon://loft1",))
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)

    @pytest.fixture
    def dead_host(self) -> Host:
        return Host("Cloft2", ("pigeon://loft2",))

    async def test_a_missing_loft_is_named(self, started: Network, dead_host: Host, request_: Request) -> None:
        sent = await self.deliver_first(started, dead_host, request_)
        assert "loft2" in str(sent.failure)

    @pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"rqi": "contract-1", "fr": "Cloft1", "rsc": "?"}'])
    async def test_an_unreadable_answer_is_counted(
        self, started: Network, engine: RecordingEngine, tmp_path: Path, answer: bytes
    ) -> None:
        put(tmp_path / "answers", "answer", answer)
        await engine.until(lambda: engine.discards[Discard.MALFORMED] == 1)
        assert engine.answers == []
