"""The rules that a simulated device keeps."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.primitive import OK, Response
from cse.testing.device import REMEMBERED_ANSWERS, Faults, SimulatedDevice
from cse.timing import precise_timestamp

START = 1_800_000_000.0


def notification(con: Any) -> dict[str, Any]:
    return {"m2m:sgn": {"sur": "cse-in/city", "nev": {"rep": {"m2m:cin": {"con": con}}}}}


def configuration(interval: object) -> dict[str, Any]:
    return notification(orjson.dumps({"interval": interval}).decode())


def send(device: SimulatedDevice, number: int, interval: object, *, identifier: str = "") -> Response | None:
    """The request accepted as number so and so."""
    content = configuration(interval)
    return device.receive(identifier or f"r-{number}", precise_timestamp(START + number), content)


def test_a_request_changes_the_interval_and_the_answer_says_so() -> None:
    changes: list[float] = []
    device = SimulatedDevice("Cmeter1", configured=changes.append)
    answer = send(device, 1, 900)
    assert answer is not None
    assert answer.status_code == OK
    assert orjson.loads(answer.content["m2m:cin"]["con"]) == {"interval": 900.0}
    assert (device.interval, device.executions, changes) == (900.0, 1, [900.0])


def test_a_repeated_request_gets_the_same_answer_and_is_carried_out_once() -> None:
    device = SimulatedDevice("Cmeter1")
    first = send(device, 1, 900)
    assert send(device, 1, 900) == first
    assert device.executions == 1


def test_a_repeat_is_answered_even_after_a_newer_request() -> None:
    device = SimulatedDevice("Cmeter1")
    first = send(device, 1, 900)
    send(device, 2, 60)
    assert send(device, 1, 900) == first
    assert (device.interval, device.executions) == (60.0, 2)


def test_a_request_older_than_the_newest_is_ignored() -> None:
    device = SimulatedDevice("Cmeter1")
    send(device, 2, 60)
    assert send(device, 1, 900) is None
    assert (device.interval, device.executions) == (60.0, 1)


def test_two_requests_of_the_same_moment_are_both_carried_out() -> None:
    device = SimulatedDevice("Cmeter1")
    send(device, 1, 60, identifier="r-a")
    send(device, 1, 70, identifier="r-b")
    assert (device.interval, device.executions) == (70.0, 2)


def test_a_refused_request_is_not_the_newest_one_carried_out() -> None:
    device = SimulatedDevice("Cmeter1")
    refused = send(device, 2, "often")
    assert refused is not None
    assert refused.status_code == 4000
    answer = send(device, 1, 900)
    assert answer is not None
    assert answer.succeeded
    assert send(device, 2, "often") == refused


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        [],
        "text",
        5,
        {"m2m:sgn": None},
        {"m2m:sgn": {"nev": {"rep": {"m2m:cin": {}}}}},
        notification(None),
        notification({"interval": 900}),
        notification("900"),
        notification("{"),
        notification("[1]"),
        notification('{"interval": null}'),
        notification('{"interval": [900]}'),
        configuration("nan"),
        configuration(0),
        configuration(0.5),
        configuration(7 * 86400 + 1),
        configuration(-900),
    ],
)
def test_other_content_is_refused_and_changes_nothing(content: Any) -> None:
    device = SimulatedDevice("Cmeter1")
    answer = device.receive("r-1", precise_timestamp(START), content)
    assert answer is not None
    assert answer.status_code == 4000
    assert "interval" in answer.content["m2m:dbg"]
    assert (device.interval, device.executions) == (3600.0, 0)


@pytest.mark.parametrize("interval", [1, 7 * 86400])
def test_the_limits_of_the_interval_are_allowed(interval: int) -> None:
    device = SimulatedDevice("Cmeter1")
    send(device, 1, interval)
    assert device.interval == interval


def test_what_has_been_forgotten_is_still_not_carried_out_again() -> None:
    device = SimulatedDevice("Cmeter1")
    for number in range(REMEMBERED_ANSWERS + 1):
        send(device, number, 900)
    assert send(device, 1, 900) is not None
    assert send(device, 0, 900) is None
    assert device.executions == REMEMBERED_ANSWERS + 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 1000)), max_size=40))
def test_in_any_order_the_newest_request_that_came_decides(arrivals: list[tuple[int, int]]) -> None:
    device = SimulatedDevice("Cmeter1")
    first_content: dict[int, int] = {}
    for number, interval in arrivals:
        answer = send(device, number, first_content.setdefault(number, interval))
        assert answer is None or answer.succeeded
    expected = first_content[max(first_content)] if first_content else 3600.0
    assert device.interval == expected
    assert device.executions <= len(first_content)


def test_a_healthy_device_hears_and_is_heard() -> None:
    device = SimulatedDevice("Cmeter1")
    assert all(device.hears() and device.sends() for _ in range(100))


def test_a_deaf_device_hears_nothing() -> None:
    device = SimulatedDevice("Cmeter1", faults=Faults(deaf=True))
    assert not any(device.hears() for _ in range(100))


def test_losses_come_as_often_as_stated() -> None:
    device = SimulatedDevice("Cmeter1", faults=Faults(request_loss=0.2, answer_loss=0.4), seed=7)
    assert sum(device.hears() for _ in range(5000)) / 5000 == pytest.approx(0.8, abs=0.03)
    assert sum(device.sends() for _ in range(5000)) / 5000 == pytest.approx(0.6, abs=0.03)


def test_certain_loss_is_certain() -> None:
    device = SimulatedDevice("Cmeter1", faults=Faults(request_loss=1.0, answer_loss=1.0))
    assert not any(device.hears() or device.sends() for _ in range(100))


def test_losses_are_fixed_by_the_seed_and_differ_between_devices() -> None:
    def losses(identifier: str, seed: int) -> list[bool]:
        device = SimulatedDevice(identifier, faults=Faults(request_loss=0.5), seed=seed)
        return [device.hears() for _ in range(64)]

    assert losses("Cmeter1", 1) == losses("Cmeter1", 1)
    assert losses("Cmeter1", 1) != losses("Cmeter1", 2)
    assert losses("Cmeter1", 1) != losses("Cmeter2", 1)


def managed(**collection: Any) -> dict[str, Any]:
    return {"m2m:sgn": {"sur": "cse-in/nodes/fopt", "nev": {"rep": {"dcfg:datc": collection}, "om": {"op": 3}}}}


@pytest.mark.parametrize(
    ("collection", "interval"),
    [
        ({"meil": 900}, 900),
        ({"rpsc": [{"sce": ["0 */15 * * * * *"]}]}, 900),
        ({"rpsc": [{"sce": ["0 0 * * * * *"]}, {"sce": ["0 20 * * * * *", "0 40 * * * * *"]}]}, 1200),
    ],
)
def test_what_is_managed_of_it_is_its_interval_or_its_schedule(collection: dict[str, Any], interval: float) -> None:
    device = SimulatedDevice("Cmeter1")
    answer = device.receive("r-1", precise_timestamp(START), managed(**collection))
    assert answer is not None
    assert (answer.status_code, device.interval, device.executions) == (OK, interval, 1)


@pytest.mark.parametrize(
    "collection", [{}, {"meil": 0}, {"meil": None}, {"rpsc": [{"sce": ["now and then"]}]}, {"rpsc": "daily"}]
)
def test_what_can_not_be_managed_of_it_is_refused(collection: dict[str, Any]) -> None:
    device = SimulatedDevice("Cmeter1")
    answer = device.receive("r-1", precise_timestamp(START), managed(**collection))
    assert answer is not None
    assert (answer.status_code, device.interval, device.executions) == (4000, 3600, 0)
