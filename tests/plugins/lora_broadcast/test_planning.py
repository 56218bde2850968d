import math
from dataclasses import replace

import pytest

from plugins.lora_broadcast.codec import WITH_READING
from plugins.lora_broadcast.crowd import Crowd
from plugins.lora_broadcast.network_server import GroupFacts
from plugins.lora_broadcast.planning import Listening, Planner, listening
from plugins.lora_broadcast.regions import EU868, US915
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import facts_of

SLOW = Crowd.of(facts_of(number, data_rate=0) for number in range(300))
FAST = Crowd.of(facts_of(number, data_rate=5) for number in range(300))
MIXED = Crowd.of(facts_of(number, data_rate=number % 6) for number in range(300))
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
    window = planner(collision_ppm=50_000).spread(SLOW) * SLOW.size
    collided = 1 - math.exp(-2 * SLOW.size * airtime / (8 * window))
    assert collided == pytest.approx(0.05, abs=0.002)


def test_data_rates_share_the_window_because_they_do_not_collide() -> None:
    one = planner()
    assert one.spread(FAST) < one.spread(MIXED) < one.spread(SLOW) / 6


@pytest.mark.parametrize("speed", [1.0, 240.0])
def test_devices_get_a_window_of_at_least_what_is_needed_and_at_most_what_was_offered(speed: float) -> None:
    one = planner(speed=speed)
    offer = one.broadcast(GROUP, SLOW, 34, 1, "key")
    window = offer.latency(SLOW.size) / 1000
    exponent = one.window_exponent(GROUP, SLOW, 34, window)
    needed = one.spread(SLOW) * SLOW.size / 1e6
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


def test_a_device_of_class_a_takes_as_long_as_its_interval() -> None:
    soon, late = (planner().unicast(Listening(5, "A", interval), 34, 4) for interval in (64, 4096))
    assert late.latency_ms - soon.latency_ms == (4096 - 64) * 1000
    assert late.max_payload == 222
    assert len({soon.id, late.id, planner().unicast(Listening(5, "C", 0), 34, 4).id}) == 3


@pytest.mark.parametrize(
    ("device_class", "interval", "expected"), [("A", 3600, 4096), ("A", 4096, 4096), ("A", 1, 1), ("B", 3600, 0)]
)
def test_intervals_are_rounded_up_to_powers_of_two(device_class: str, interval: int, expected: int) -> None:
    assert listening(facts_of(1, device_class=device_class, uplink_interval_s=interval)).interval_s == expected


def test_ping_slots_are_waited_for() -> None:
    slotted, always = (planner().unicast(Listening(5, kind, 0), 34, 4) for kind in "BC")
    assert slotted.latency_ms - always.latency_ms == 16_000
    group = GroupFacts("g", 0, ("gateway-1", "gateway-1"), slot_ms=16_000)
    offers = [planner().broadcast(one, SLOW, 34, 1, "key") for one in (group, replace(group, slot_ms=0))]
    assert offers[0].latency_ms - offers[1].latency_ms == 2 * 16_000


def test_a_gateway_that_sends_for_two_classes_spends_twice_as_much_of_its_budget() -> None:
    once, twice = (planner().broadcast(GroupFacts("g", 0, ("a",) * n), SLOW, 34, 1, "key") for n in (1, 2))
    assert (once.airtime_ms, twice.airtime_ms) == (2139, 4277)


def test_a_request_in_fragments_takes_the_airtime_of_all_its_frames() -> None:
    whole, cut = (planner().broadcast(GROUP, SLOW, size, 1, "key") for size in (51, 52))
    rate = EU868.data_rates[0]
    sizes = (11, 11, 51, 51, 51, 3)
    assert cut.airtime_ms == -(-sum(rate.airtime(size, uplink=False) for size in sizes) // 1000)
    assert cut.latency_ms > whole.latency_ms + 5 * 2 * 2000
    assert planner(max_fragments=0).broadcast(GROUP, SLOW, 52, 1, "key").max_payload == 51


def test_answers_that_ride_on_readings_take_an_interval_and_no_window() -> None:
    one = planner(answer_with_reading=True)
    joined = Crowd.of([facts_of(1, data_rate=0), facts_of(999, uplink_interval_s=7200)])
    offer = one.broadcast(GROUP, joined, 34, 1, "key")
    assert offer.latency(10) == offer.latency(10_000)
    assert 7200 < offer.latency_ms / 1000 < 7220
    assert one.window_exponent(GROUP, joined, 34, 100.0) == WITH_READING


@pytest.mark.parametrize(("count", "delay"), [(0, 0), (10, 0), (300, 5), (100_000, 7)])
def test_the_back_off_of_reports_grows_with_the_group(count: int, delay: int) -> None:
    assert planner().status_delay(Crowd.of([facts_of(1, data_rate=0)] * count)) == delay


def test_the_slowest_rate_of_us915() -> None:
    one = Planner("lora-broadcast", LoRaSettings(), US915)
    offer = one.unicast(Listening(0, "C", 0), 34, 4)
    assert offer.airtime_ms == -(-US915.data_rates[10].airtime(34, uplink=False) // 1000)
    assert one.spread(Crowd.of([facts_of(1, data_rate=0)])) > 0
