"""Which data points are missing, compared with a count of all of them by hand."""

from hypothesis import example, given
from hypothesis import strategies as st

from resources.common.data_points import Detection

ORIGIN = 5_000
Arrival = tuple[int, int]  # microseconds since the one before, and how long before or after that it was generated


@st.composite
def timing(draw: st.DrawFn) -> tuple[int, int, int]:
    """Period, tolerance and patience."""
    period = draw(st.integers(1, 20))
    tolerance = draw(st.integers(0, period // 2))
    return period, tolerance, draw(st.integers(tolerance + 1, 50))


def by_hand(timing: tuple[int, int, int], arrivals: list[tuple[int, int]], now: int) -> list[int]:
    """The data points whose deadline has come, but for those of which an instance arrived while they were expected."""
    period, tolerance, patience = timing
    points = range(ORIGIN + period, now - patience + 1, period)
    here = set()
    for arrived, generated in arrivals:
        nearest = min(range(ORIGIN, now + 500, period), key=lambda point: (abs(point - generated), point))
        if abs(nearest - generated) <= tolerance and nearest - tolerance <= arrived < nearest + patience:
            here.add(nearest)
    return [point for point in points if point not in here]


@given(timing(), st.lists(st.tuples(st.integers(0, 30), st.integers(-40, 40))), st.sets(st.integers(0, 40)))
@example((2, 1, 5), [(2, -1), (2, 0), (2, 1)], set())  # at both ends of the tolerance
@example((10, 0, 1), [(10, 0), (11, -1)], {0, 1})  # without any, the second on its deadline
@example((4, 2, 30), [(12, 0), (0, -4), (0, -8)], set())  # in the wrong order, while all are expected
def test_a_data_point_is_missing_unless_it_came_in_time(
    timing: tuple[int, int, int], steps: list[Arrival], looks: set[int]
) -> None:
    """However often somebody looks, and whether or not it is kept as a document meanwhile."""
    detection, now = Detection(ORIGIN, *timing), ORIGIN
    arrivals: list[tuple[int, int]] = []
    found: list[int] = []
    for index, (pause, skew) in enumerate(steps):
        now += pause
        arrivals.append((now, now + skew))
        found += detection.missing(now, 10_000)
        detection.receive(now + skew, now)
        if index in looks:
            found += detection.missing(now, 10_000)
            detection = Detection(**detection.document)
        assert detection.deadline > now
    now += 100
    assert found + detection.missing(now, 10_000) == by_hand(timing, arrivals, now)
    assert len(detection.early) <= len(arrivals)


def test_nothing_is_missing_before_the_deadline() -> None:
    detection = Detection(ORIGIN, 10, 2, 7)
    assert detection.deadline == ORIGIN + 17
    assert detection.missing(ORIGIN + 16, 5) == []
    assert detection.missing(ORIGIN + 17, 5) == [ORIGIN + 10]
    assert detection.missing(ORIGIN + 17, 5) == []
    assert detection.deadline == ORIGIN + 27


def test_one_that_comes_late_stays_missing_and_harms_no_other() -> None:
    detection = Detection(ORIGIN, 10, 2, 7)
    assert detection.missing(ORIGIN + 18, 5) == [ORIGIN + 10]
    detection.receive(ORIGIN + 10, ORIGIN + 18)
    detection.receive(ORIGIN + 20, ORIGIN + 20)
    assert detection.missing(ORIGIN + 36, 5) == []
    assert detection.missing(ORIGIN + 37, 5) == [ORIGIN + 30]


def test_after_a_long_silence_only_the_latest_are_named() -> None:
    detection = Detection(ORIGIN, 1, 0, 1)
    assert detection.missing(ORIGIN + 10**15, 3) == [ORIGIN + 10**15 - missing for missing in (3, 2, 1)]
    assert detection.deadline == ORIGIN + 10**15 + 1
