from collections import defaultdict
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.radio.ledger import allowance
from plugins.lora_broadcast.radio.transmitter import LONGEST_REPEAT, SHORTEST_REPEAT, Frame, Transmitter
from plugins.lora_broadcast.regions import EU868, REGIONS, SECOND_WINDOW_DELAY


class Scene:
    """A transmitter whose transmissions are noted: start, channel, airtime, frame."""

    def __init__(self, region: str = "EU868", rate: int = 5, **options: int | bool) -> None:
        self.kernel = Kernel()
        self.sent: list[tuple[int, int, int, Frame]] = []
        self.sender = Transmitter(self.kernel, REGIONS[region], rate, Random(1), self._note, **options)  # type: ignore[arg-type]

    def _note(self, frame: Frame, channel: int, airtime: int) -> None:
        self.sent.append((self.kernel.now, channel, airtime, frame))

    @property
    def gaps(self) -> list[int]:
        """From the end of each transmission to the next."""
        return [later[0] - earlier[0] - earlier[2] for earlier, later in pairwise(self.sent)]


def test_frames_go_out_one_after_the_other_in_their_order() -> None:
    scene = Scene()
    for number in range(5):
        scene.sender.submit(2, bytes([number]))
    assert scene.sender.waits(2)
    scene.kernel.run(HOUR)
    assert [(frame.counter, frame.payload) for *_, frame in scene.sent] == [(n + 1, bytes([n])) for n in range(5)]
    assert set(scene.gaps) == {0}
    assert not scene.sender.waits(2)


def test_a_frame_is_repeated_after_its_receive_windows_and_a_random_time() -> None:
    scene = Scene(transmissions=3)
    scene.sender.submit(2, b"1")
    scene.sender.submit(2, b"2")
    scene.kernel.run(HOUR)
    assert [frame.counter for *_, frame in scene.sent] == [1, 1, 1, 2, 2, 2]
    between = [gap for number, gap in enumerate(scene.gaps) if number != 2]
    assert min(between) > SECOND_WINDOW_DELAY + SHORTEST_REPEAT
    assert max(between) < SECOND_WINDOW_DELAY + LONGEST_REPEAT + SECOND
    assert len(set(between)) == 4


def test_a_device_that_listens_after_its_uplinks_does_not_send_into_its_receive_windows() -> None:
    scene = Scene(listens_between=True)
    for _ in range(3):
        scene.sender.submit(2, b"")
    scene.kernel.run(HOUR)
    assert min(scene.gaps) > SECOND_WINDOW_DELAY


def test_all_channels_are_used() -> None:
    scene = Scene()
    for _ in range(200):
        scene.sender.submit(2, b"")
    scene.kernel.run(HOUR)
    assert {channel for _, channel, _, _ in scene.sent} == set(EU868.uplink_channels)


@pytest.mark.parametrize("region", REGIONS)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 242)), min_size=1, max_size=60),
    st.integers(0, 3),
    st.integers(1, 4),
)
def test_the_limits_of_the_region_are_never_exceeded(
    region: str, wishes: list[tuple[int, int]], rate: int, transmissions: int
) -> None:
    scene = Scene(region, rate, transmissions=transmissions)
    for pause, length in wishes:
        scene.kernel.run(scene.kernel.now + pause * SECOND)
        scene.sender.submit(2, bytes(min(length, scene.sender.room)))
    scene.kernel.run(scene.kernel.now + 100 * HOUR)
    assert len(scene.sent) == len(wishes) * transmissions
    assert all(gap >= 0 for gap in scene.gaps)
    spent = defaultdict(list)
    for start, channel, airtime, _ in scene.sent:
        assert airtime <= (REGIONS[region].dwell or HOUR)
        spent[REGIONS[region].band(channel)].append((start, start + airtime))
    for band, times in spent.items():
        for _, end in times:
            hour = sum(max(0, min(end, stop) - max(end - HOUR, start)) for start, stop in times)
            assert hour <= allowance(band)
