"""What a request says about time."""

from typing import Any

import pytest

from cse.errors import BadRequest, RequestTimeout
from cse.primitive import Operation, Request
from cse.times import Times, times_of

NOW = 1_800_000_000.0


def times(**stated: Any) -> Times:
    names = {"rqet": "request_expiration", "rset": "result_expiration", "oet": "execution_time"}
    values: dict[str, Any] = {names[name]: value for name, value in stated.items()}
    return times_of(Request(Operation.RETRIEVE, "cse-in", "Capp", "r1", **values), NOW)


def test_a_request_that_says_nothing_is_carried_out_now() -> None:
    assert times() == Times(NOW, NOW, None, None)
    assert not times().waits


def test_relative_and_absolute_times() -> None:
    found = times(oet="1000", rqet="PT2S", rset="20270115T080010")
    assert found == Times(NOW, NOW + 1, NOW + 2, NOW + 10)
    assert found.waits


def test_a_time_to_begin_that_has_passed_is_now() -> None:
    assert times(oet="-1000") == times()


@pytest.mark.parametrize("stated", [{"rqet": "-1"}, {"rset": "0"}, {"rqet": "20200101T000000"}])
def test_what_is_over_is_over(stated: dict[str, str]) -> None:
    with pytest.raises(RequestTimeout):
        times(**stated)


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ({"oet": "2000", "rqet": "1000"}, "X-M2M-RET"),
        ({"oet": "2000", "rset": "1000"}, "X-M2M-RST"),
        ({"rqet": "2000", "rset": "1000"}, "X-M2M-RST"),
        ({"oet": "soon"}, "X-M2M-OET"),
    ],
)
def test_times_that_exclude_each_other_are_refused_by_name(stated: dict[str, str], name: str) -> None:
    with pytest.raises(BadRequest, match=name):
        times(**stated)
