import asyncio
from functools import partial

import pytest

from cse.lanes import Lanes


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Recorder:
    """Jobs that wait until they are let go, and what became of them."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.gate = asyncio.Semaphore(0)

    async def job(self, number: int) -> None:
        self.begun.append(number)
        await self.gate.acquire()
        self.done.append(number)


async def test_one_worker_keeps_the_order() -> None:
    recorder, lanes = Recorder(), Lanes(1)
    for number in range(5):
        lanes.add("a", partial(recorder.job, number))
    await settled()
    assert recorder.begun == [0]
    for _ in range(5):
        recorder.gate.release()
    await settled()
    assert recorder.done == [0, 1, 2, 3, 4]


async def test_a_lane_has_so_many_workers_and_no_more() -> None:
    recorder, lanes = Recorder(), Lanes(3)
    for number in range(10):
        lanes.add("a", partial(recorder.job, number))
    await settled()
    assert recorder.begun == [0, 1, 2]
    recorder.gate.release()
    await settled()
    assert recorder.begun == [0, 1, 2, 3]
    await lanes.stop()


async def test_lanes_do_not_wait_for_each_other() -> None:
    slow, quick, lanes = Recorder(), Recorder(), Lanes(1)
    quick.gate.release()
    lanes.add("slow", partial(slow.job, 1))
    lanes.add("quick", partial(quick.job, 2))
    await settled()
    assert (slow.done, quick.done) == ([], [2])
    await lanes.stop()


async def test_a_job_that_raises_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    recorder, lanes = Recorder(), Lanes(1)
    recorder.gate.release()
    lanes.add("a", fail)
    lanes.add("a", partial(recorder.job, 1))
    await settled()
    assert recorder.done == [1]
    assert "lane a" in caplog.text


async def test_stopping_forgets_what_has_not_begun() -> None:
    recorder, lanes = Recorder(), Lanes(1)
    for number in range(3):
        lanes.add("a", partial(recorder.job, number))
    await settled()
    await lanes.stop()
    for _ in range(3):
        recorder.gate.release()
    await settled()
    assert (recorder.begun, recorder.done) == ([0], [])


async def test_a_lane_that_was_empty_works_again() -> None:
    recorder, lanes = Recorder(), Lanes(1)
    for number in range(3):
        recorder.gate.release()
        lanes.add("a", partial(recorder.job, number))
        await settled()
    assert recorder.done == [0, 1, 2]
