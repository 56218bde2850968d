import pytest

from plugins.lora_broadcast.radio.session_setup import Deletion, Setup, acknowledges, decode
from plugins.lora_broadcast.regions import EU868


@pytest.mark.parametrize("request_", [Setup(3, 0xFF000001, 2), Setup(1, 5, 8, "B", 9, 923_300_000), Deletion(1)])
def test_requests_come_back_exactly(request_: Setup | Deletion) -> None:
    assert decode(request_.encode()) == request_


def test_a_session_goes_on_with_the_frame_counter_of_its_group() -> None:
    again = decode(Setup(1, 5, 0, first_counter=17).encode())
    assert again == Setup(1, 5, 0)
    assert isinstance(again, Setup)
    assert again.first_counter == 17


def test_sizes_are_those_of_ts005_and_fit_every_data_rate() -> None:
    assert len(Setup(0, 1, 0).encode()) == 30 + 11 <= min(rate.max_payload for rate in EU868.data_rates.values())
    assert len(Setup(0, 1, 0).acknowledgement()) == 2 + 5
    assert len(Deletion(0).encode()) == 2


def test_an_acknowledgement_fits_its_request_only() -> None:
    setup = Setup(1, 5, 0)
    assert acknowledges(setup.acknowledgement(), setup)
    assert not acknowledges(Setup(2, 5, 0).acknowledgement(), setup)
    assert not acknowledges(Setup(1, 5, 0, "B").acknowledgement(), setup)
    assert not acknowledges(Deletion(1).acknowledgement(), setup)
