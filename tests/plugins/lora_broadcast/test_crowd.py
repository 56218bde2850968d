from plugins.lora_broadcast.crowd import Crowd
from tests.plugins.lora_broadcast.kit import facts_of


def test_a_crowd_is_counted_by_data_rate() -> None:
    crowd = Crowd.of(facts_of(number, data_rate=number % 3, uplink_interval_s=60 * number) for number in range(10))
    assert crowd.rates == {0: 4, 1: 3, 2: 3}
    assert (crowd.size, crowd.longest_interval_s) == (10, 540)


def test_nobody() -> None:
    assert (Crowd().size, Crowd().longest_interval_s) == (0, 0)
