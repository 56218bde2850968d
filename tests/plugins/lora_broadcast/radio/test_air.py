import pytest

from plugins.lora_broadcast.radio.air import Air, Concentrator, Transmission
from plugins.lora_broadcast.radio.interference import MODELS
from plugins.lora_broadcast.radio.propagation import sensitivity
from plugins.lora_broadcast.regions import EU868

RATES = EU868.data_rates
LENGTH = RATES[0].airtime(10, uplink=True)
SYMBOL = RATES[0].symbol
SENSITIVITIES = {RATES[rate].spreading_factor: sensitivity(RATES[rate]) for rate in EU868.uplink_rates}


def uplink(start: int = 0, level: float = -100.0, channel: int = 0, rate: int = 0) -> Transmission:
    end = start + RATES[rate].airtime(10, uplink=True)
    return Transmission(EU868.uplink_channels[channel], RATES[rate], start, end, (level,))


def concentrator(model: str = "matrix") -> Concentrator:
    return Concentrator(0, SENSITIVITIES, MODELS[model])


def received(wanted: Transmission, *others: Transmission, model: str = "matrix") -> bool:
    """Whether a gateway receives the wanted one when all are on the air."""
    air, gateway = Air(), concentrator(model)
    locked = {}
    for transmission in sorted((wanted, *others), key=lambda one: one.start):
        air.add(transmission)
        locked[id(transmission)] = gateway.lock(transmission)
    return locked[id(wanted)] and gateway.receives(wanted)


def test_alone_on_the_air() -> None:
    assert received(uplink())


def test_below_the_sensitivity_nothing_is_received() -> None:
    assert received(uplink(level=-136.9))
    assert not received(uplink(level=-137.1))


@pytest.mark.parametrize(("difference", "survives"), [(6.0, True), (5.9, False), (0.0, False), (-20.0, False)])
def test_a_frame_captures_the_receiver_when_it_is_6_db_stronger(difference: float, survives: bool) -> None:
    assert received(uplink(level=-100.0 + difference), uplink(start=SYMBOL * 4)) is survives


def test_the_last_overlapping_microsecond_counts_and_the_next_does_not() -> None:
    assert not received(uplink(), uplink(start=LENGTH - 1))
    assert received(uplink(), uplink(start=LENGTH))


def test_only_the_last_five_symbols_of_the_preamble_are_needed() -> None:
    assert received(uplink(start=LENGTH - 3 * SYMBOL), uplink())
    assert not received(uplink(start=LENGTH - 3 * SYMBOL - 1), uplink())


def test_a_short_frame_within_the_first_symbols_of_a_long_one_does_no_harm() -> None:
    short = uplink(start=SYMBOL, rate=5, level=-60.0)
    assert short.end < 3 * SYMBOL
    assert received(uplink(), short)
    assert not received(uplink(), uplink(start=3 * SYMBOL, rate=5, level=-60.0))


def test_other_channels_do_not_disturb() -> None:
    assert received(uplink(), uplink(channel=1, level=-40.0))


@pytest.mark.parametrize(("difference", "survives"), [(-24.9, True), (-25.1, False)])
def test_another_spreading_factor_disturbs_when_it_is_much_stronger(difference: float, survives: bool) -> None:
    other = uplink(rate=5, start=SYMBOL * 10, level=-100.0 - difference)
    assert received(uplink(), other) is survives
    assert received(uplink(), other, model="orthogonal")


def test_interferers_are_measured_one_by_one() -> None:
    weak = [uplink(start=number, level=-106.0) for number in range(1, 4)]
    assert received(uplink(), *weak)
    assert not received(uplink(), *weak, uplink(start=9, level=-105.0))


def test_downlinks_do_not_disturb_uplinks() -> None:
    air, wanted = Air(), uplink()
    air.add(wanted)
    air.add(Transmission(wanted.frequency, wanted.rate, 0, LENGTH, gateway=0))
    assert wanted.disturbers == []


def test_eight_demodulators() -> None:
    others = [uplink(channel=number, rate=1 + number % 5, start=number) for number in range(8)]
    late = uplink(channel=0, start=10)
    assert not received(late, *others)
    assert received(late, *others[:7])


def test_what_the_gateway_cannot_hear_takes_no_demodulator() -> None:
    others = [uplink(channel=number, rate=1 + number % 5, level=-150.0) for number in range(8)]
    assert received(uplink(start=10), *others)


def test_a_demodulator_is_free_again_after_the_frame() -> None:
    others = [uplink(channel=number, rate=5) for number in range(8)]
    assert received(uplink(start=others[0].end), *others)


@pytest.mark.parametrize("start", [-10, 10])
def test_a_gateway_is_deaf_while_it_transmits(start: int) -> None:
    gateway, wanted = concentrator(), uplink(start=100)
    if start < 0:
        gateway.deafen(101)
        assert not gateway.lock(wanted)
    assert gateway.lock(wanted) is (start > 0)
    gateway.deafen(wanted.end - 1)
    assert not gateway.receives(wanted)


def test_the_air_forgets_what_can_disturb_nobody_any_more() -> None:
    air = Air()
    for number in range(1000):
        air.add(uplink(start=number * LENGTH * 2))
    last = uplink(start=2000 * LENGTH)
    air.add(last)
    assert last.disturbers == []
    assert sum(len(active) for active in air._active.values()) == 1
