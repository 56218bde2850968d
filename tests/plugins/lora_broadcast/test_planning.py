import math

import pytest

from plugins.lora_broadcast.network_server import GroupFacts
from plugins.lora_broadcast.planning import Listening, Planner
from plugins.lora_broadcast.regions import EU868
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import facts_of

SLOW = [facts_of(number, data_rate=0) for number in range(300)]
FAST = [facts_of(number, data_rate=5) for number in range(300)]
MIXED = [facts_of(number, data_rate=number % 6) for number in range(300)]
GROUP = GroupFacts("g", 0, ("gateway-1", "gateway-2"))


def planner(**settings: float) -> Planner:
    return Planner("lora-broadcast", LoRaSettings(**settings))  # type: ignore[arg-type]


def test_a_broadcast_is_sent_by_every_gateway_of_the_group() -> None:
    offer = planner().broadcast(GROUP, SLOW, 34, 100_000_999, "key")
    assert (offer.airtime_ms, offer.max_payload, offer.payload) == (2139, 16 * 48 - 1, 34)
    assert offer.fixed == 3000 + math.ceil(2 * 2138.112)
    assert (offer.budget_ms, offer.budget_key) == (100_000, "key")


def test_a_unicast_costs_the_airtime_of_its_data_rate() -> None:
    slow, fast = (planner().unicast(Listening(rate, "C", 0), 34, 4) for rate in (0, 5))
    assert slow.per_member == 3000 + 2139
    assert (fast.per_member, fast.max_payload) == (3000 + 93, 16 * 219 - 1)
    assert slow.id != fast.id
    assert slow.budget_ms is None


def test_the_window_keeps_collisions_of_one_data_rate_at_the_wanted_share() -> None:
    airtime = EU868.data_rates[0].airtime(26, uplink=True)
    window = planner(collision_ppm=50_000).spread(SLOW) * len(SLOW)
    collided = 1 - math.exp(-2 * len(SLOW) * airtime / (8 * window))
    assert collided == pytest.approx(0.05, abs=0.002)


def test_data_rates_share_the_window_because_they_do_not_collide() -> None:
    one = planner()
    assert one.spread(FAST) < one.spread(MIXED) < one.spread(SLOW) / 6


@pytest.mark.parametrize("speed", [1.0, 240.0])
def test_devices_get_a_window_of_at_least_what_is_needed_and_at_most_what_was_offered(speed: float) -> None:
    one = planner(speed=speed)
    offer = one.broadcast(GROUP, SLOW, 34, 1, "key")
    window = offer.latency(len(SLOW)) / 1000
    exponent = one.window_exponent(GROUP, SLOW, 34, window)
    needed = one.spread(SLOW) * len(SLOW) / 1e6
    assert needed <= 2**exponent * 1.01
    assert 2**exponent <= window * speed


def test_radio_times_are_offered_in_server_time() -> None:
    slow, fast = (planner(speed=speed).broadcast(GROUP, SLOW, 34, 1, "key") for speed in (1.0, 240.0))
    assert slow.latency(300) == pytest.approx(240 * fast.latency(300), rel=0.01)
    assert planner(speed=240.0).lifetime_ms(2.0) == 480_000
    assert planner().lifetime_ms(math.inf) == 7 * 86400 * 1000


@pytest.mark.parametrize(("window", "exponent"), [(0.0, 0), (8.0, 0), (10.0, 0), (12.0, 1), (1e9, 17)])
def test_the_window_exponent_stays_in_its_range(window: float, exponent: int) -> None:
    assert planner().window_exponent(GROUP, SLOW, 34, window) == exponent
