from itertools import combinations
from random import Random

from plugins.lora_broadcast.radio.cover import MOST_FOR_EXACT, cover


def test_the_fewest_gateways_are_chosen() -> None:
    assert cover([[0, 1], [1, 2], [2, 3]]) == (0, 2)
    assert cover([[0], [0, 1]]) == (0,)
    assert cover([[], [3]]) == (3,)
    assert cover([]) == ()


def test_it_is_minimal_where_greedy_choice_is_not() -> None:
    # Gateway 0 touches most devices, but 1 and 2 together touch all.
    assert cover([[0, 1], [0, 1], [0, 2], [0, 2], [1], [2]]) == (1, 2)


def test_every_device_is_covered_and_no_smaller_choice_exists() -> None:
    random = Random(3)
    for _ in range(50):
        devices = [random.sample(range(8), random.randint(1, 3)) for _ in range(12)]
        chosen = cover(devices)
        assert all(set(device) & set(chosen) for device in devices)
        for fewer in combinations(range(8), len(chosen) - 1):
            assert not all(set(device) & set(fewer) for device in devices)


def test_many_gateways_are_covered_greedily() -> None:
    random = Random(4)
    count = MOST_FOR_EXACT * 5
    devices = [random.sample(range(count), 2) for _ in range(300)]
    chosen = cover(devices)
    assert all(set(device) & set(chosen) for device in devices)
    assert len(chosen) < count
    assert cover(devices) == chosen
