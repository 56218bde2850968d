"""TS: timeSeries keep timeSeriesInstances, and notice what is missing (TS-0001 clauses 9.6.36 and 10.2.4.22)."""

from datetime import UTC, datetime

import pytest

from conformance.application import Application
from conformance.client import Attributes
from conformance.purposes import purpose
from conformance.receiver import Receiver, eventually
from conformance.standard import MISSING_DATA, TS, TSI

TP = "TP/own/CSE/TS"
DETECTING = {"pei": 400, "peid": 100, "mdt": 300, "mdd": True}  # milliseconds


@pytest.fixture
def series(ae: Application) -> str:
    return ae.make(None, TS, {})


def point(ae: Application, series: str, time: str, content: object = "x") -> Attributes:
    """A new instance that was generated at a time."""
    return ae.create(series, TSI, {"dgt": time, "con": content}).resource(2001)


def now() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S,%f")


@purpose(f"{TP}/CRE/001")
def test_instance(ae: Application, series: str) -> None:
    """An instance has the time when it was generated; the counters grow."""
    made = point(ae, series, "20260101T000000", "12345")
    assert (made["ty"], made["dgt"], made["con"], made["cs"]) == (TSI, "20260101T000000", "12345", 5)
    attributes = ae.retrieve(series).resource(2000)
    assert (attributes["cni"], attributes["cbs"]) == (1, 5)


@purpose(f"{TP}/CRE/002")
def test_same_time(ae: Application, series: str) -> None:
    """There is one instance for each time."""
    point(ae, series, "20260101T000000")
    ae.create(series, TSI, {"dgt": "20260101T000000", "con": "y"}).expect(4105)


@purpose(f"{TP}/CRE/003")
@pytest.mark.parametrize("attributes", [{"con": "x"}, {"dgt": "20260101T000000"}, {"dgt": "today", "con": "x"}])
def test_mandatory(ae: Application, series: str, attributes: Attributes) -> None:
    """Time and content are mandatory."""
    ae.create(series, TSI, attributes).expect(4000)


@purpose(f"{TP}/CRE/004")
def test_wrong_child(ae: Application, series: str) -> None:
    """A timeSeries has no contentInstances, a container no timeSeriesInstances."""
    ae.send("POST", series, {"m2m:cin": {"con": "x"}}, ty=4).expect(4108)
    ae.create(ae.container(), TSI, {"dgt": now(), "con": "x"}).expect(4108)


@purpose(f"{TP}/CRE/005")
@pytest.mark.parametrize(
    "attributes",
    [{"pei": 0}, {"pei": 100, "peid": 51}, {"mdn": 0}, {"mdc": 1}, {"mdlt": []}],
)
def test_bad_detection(ae: Application, attributes: Attributes) -> None:
    """Values that the detection of missing data can't have, or that it sets itself (TS-0004 clause 7.4.38)."""
    ae.create(ae.path, TS, attributes).expect(4000)


@purpose(f"{TP}/CRE/006")
def test_limit(ae: Application) -> None:
    """One instance more than maxNrOfInstances: the oldest goes."""
    series = ae.make(None, TS, {"mni": 2})
    for day in (1, 2, 3):
        point(ae, series, f"2026010{day}T000000")
    assert ae.retrieve(series).resource(2000)["cni"] == 2
    assert ae.retrieve(f"{series}/ol").resource(2000)["dgt"] == "20260102T000000"


@purpose(f"{TP}/CRE/007")
def test_too_large(ae: Application) -> None:
    """An instance that is larger than maxByteSize."""
    ae.create(ae.make(None, TS, {"mbs": 4}), TSI, {"dgt": now(), "con": "12345"}).expect(5207)


@purpose(f"{TP}/RET/001")
@pytest.mark.parametrize(("name", "day"), [("ol", 1), ("la", 3)])
def test_latest_and_oldest(ae: Application, series: str, name: str, day: int) -> None:
    """The latest and the oldest."""
    for number in (1, 2, 3):
        point(ae, series, f"2026010{number}T000000")
    assert ae.retrieve(f"{series}/{name}").resource(2000)["dgt"] == f"2026010{day}T000000"


@purpose(f"{TP}/RET/002")
@pytest.mark.parametrize("name", ["la", "ol"])
def test_empty(ae: Application, series: str, name: str) -> None:
    """The latest and the oldest of an empty timeSeries."""
    ae.retrieve(f"{series}/{name}").expect(4004)


@purpose(f"{TP}/UPD/001")
def test_instances_are_not_updated(ae: Application, series: str) -> None:
    """Instances can't be updated."""
    name = point(ae, series, "20260101T000000")["rn"]
    for target in (name, "la", "ol"):
        ae.update(f"{series}/{target}", TSI, {"lbl": ["a"]}).expect(4005)


@purpose(f"{TP}/DEL/001")
def test_delete(ae: Application, series: str) -> None:
    """The latest is deleted; the counters shrink."""
    for number in (1, 2):
        point(ae, series, f"2026010{number}T000000", "123")
    ae.delete(f"{series}/la").expect(2002)
    attributes = ae.retrieve(series).resource(2000)
    assert (attributes["cni"], attributes["cbs"]) == (1, 3)


@purpose(f"{TP}/NTF/001")
def test_missing_data(ae: Application) -> None:
    """A point that does not come in time is missing."""
    series = ae.make(None, TS, DETECTING)
    assert ae.retrieve(series).resource(2000)["mdc"] == 0
    point(ae, series, now())
    assert eventually(lambda: ae.retrieve(series).resource(2000)["mdc"] > 0, True)
    attributes = ae.retrieve(series).resource(2000)
    assert len(attributes["mdlt"]) >= 1


@purpose(f"{TP}/NTF/002")
def test_notification_of_missing_data(listener: Application, receiver: Receiver) -> None:
    """net 8: subscribers hear of missing points."""
    series = listener.make(None, TS, DETECTING)
    listener.subscription(series, enc={"net": [MISSING_DATA], "md": {"num": 1, "dur": "PT60S"}})
    point(listener, series, now())
    event = receiver.event().signal["nev"]
    assert event["net"] == MISSING_DATA
    assert event["rep"]["m2m:tsn"]["mdc"] >= 1


@purpose(f"{TP}/UPD/002")
def test_detection_is_settled(ae: Application) -> None:
    """While missing data is looked for, how it is done can't be changed (TS-0004 clause 7.4.38)."""
    series = ae.make(None, TS, DETECTING)
    for changes in ({"pei": 500}, {"mdt": 300}, {"peid": 10}, {"mdn": 5}):
        ae.update(series, TS, changes).expect(4000)
    ae.update(series, TS, {"mdd": False}).expect(2004)
    ae.update(series, TS, {"pei": 500}).expect(2004)
