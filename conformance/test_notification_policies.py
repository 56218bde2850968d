"""SUB: which events count, when notifications of them are sent, and what may be asked of the subscriber first."""

from typing import Any

import pytest

from conformance.application import Application
from conformance.client import Attributes
from conformance.purposes import purpose
from conformance.receiver import Receiver, eventually
from conformance.standard import BLOCKING_UPDATE, CHILD_CREATED, CIN, CNT, MISSING_DATA, RETRIEVED_EMPTY, SUB, UPDATED

TP = "TP/oneM2M/CSE/SUB"


@pytest.fixture
def container(listener: Application) -> str:
    """A container of the application that listens."""
    return listener.container(lbl=["old"])


def relabel(listener: Application, container: str, *labels: str) -> None:
    """One update for each label."""
    for label in labels:
        listener.update(container, CNT, {"lbl": [label]}).expect(2004)


def label(signal: Attributes) -> Any:
    return signal["nev"]["rep"]["m2m:cnt"]["lbl"]


@purpose("TP/own/CSE/SUB/CRE/004")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pn", 1),
        ("ln", True),
        ("bn", {"num": 3, "dur": "PT10S"}),
        ("rl", {"mnn": 3, "tww": "PT10S"}),
        ("nsp", 1),
        ("su", "http://127.0.0.1:9"),
    ],
)
def test_policy_is_stored(ae: Application, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    assert ae.subscription(ae.path, **{name: value})[name] == value


@purpose("TP/own/CSE/SUB/CRE/005")
@pytest.mark.parametrize(
    "attributes",
    [
        {"enc": {"net": [UPDATED], "om": [{"ops": 2, "or": "Csomebody"}]}},
        {"enc": {"net": [MISSING_DATA], "md": {"num": 1, "dur": "PT1S"}}},
        {"enc": {"net": [CHILD_CREATED], "chty": [2]}},
        {"enc": {"net": [BLOCKING_UPDATE]}, "nu": ["Cone", "Ctwo"]},
        {"enc": {"net": [BLOCKING_UPDATE]}, "bn": {"num": 2}},
        {"bn": {"num": "many"}},
        {"bn": {"dur": "long"}},
        {"rl": {"mnn": 1}},
    ],
)
def test_contradiction(listener: Application, container: str, attributes: Attributes) -> None:
    """What does not go together, or can never happen at a container (TS-0004 clause 7.4.8.2.1)."""
    listener.create(container, SUB, {"nu": [listener.identifier]} | attributes).expect(4000)


@purpose(f"{TP}/UPD/007")
def test_batch_by_number(listener: Application, receiver: Receiver, container: str) -> None:
    """batchNotify: when the number is reached, all events are in one notification."""
    listener.subscription(container, bn={"num": 3, "dur": "PT60S"})
    relabel(listener, container, "1", "2")
    assert receiver.events.empty()
    relabel(listener, container, "3")
    assert [label(signal) for signal in receiver.event().signals] == [["1"], ["2"], ["3"]]


@purpose(f"{TP}/NTF/003")
def test_batch_by_duration(listener: Application, receiver: Receiver, container: str) -> None:
    """batchNotify: when the duration is over, those that there are."""
    listener.subscription(container, bn={"num": 99, "dur": "PT1S"})
    relabel(listener, container, "1", "2")
    assert [label(signal) for signal in receiver.event().signals] == [["1"], ["2"]]


@purpose(f"{TP}/UPD/008")
def test_latest_of_batch(listener: Application, receiver: Receiver, container: str) -> None:
    """latestNotify with batchNotify: only the newest event."""
    listener.subscription(container, bn={"num": 3, "dur": "PT60S"}, ln=True)
    relabel(listener, container, "1", "2", "3")
    notification = receiver.event()
    signals = notification.signals if "m2m:agn" in notification.content else [notification.signal]
    assert [label(signal) for signal in signals] == [["3"]]


@purpose("TP/own/CSE/SUB/NTF/014")
def test_rest_of_batch(listener: Application, receiver: Receiver, container: str) -> None:
    """A batch that is deleted with its subscription is not lost (TS-0004 clause 7.4.8.2.4)."""
    subscription = listener.subscription(container, bn={"num": 9, "dur": "PT60S"})["ri"]
    relabel(listener, container, "1")
    listener.delete(subscription).expect(2002)
    assert [label(signal) for signal in receiver.event().signals] == [["1"]]


@purpose("TP/own/CSE/SUB/NTF/015")
def test_rate_limit(listener: Application, receiver: Receiver, container: str) -> None:
    """rateLimit: what is too much for a window comes in the following ones; nothing is lost, whatever the order."""
    listener.subscription(container, rl={"mnn": 1, "tww": "PT1S"})
    relabel(listener, container, "1", "2", "3")
    assert sorted(label(receiver.event().signal) for _ in range(3)) == [["1"], ["2"], ["3"]]


@purpose("TP/own/CSE/SUB/NTF/016")
def test_event_category(listener: Application, receiver: Receiver, container: str) -> None:
    """notificationEventCat is the event category of the notification (TS-0009: X-M2M-EC)."""
    listener.subscription(container, nec=2)
    relabel(listener, container, "new")
    assert receiver.event().headers["x-m2m-ec"] == "2"


@purpose("TP/own/CSE/SUB/NTF/017")
@pytest.mark.parametrize("name", ["la", "ol"])
def test_retrieved_while_empty(listener: Application, receiver: Receiver, container: str, name: str) -> None:
    """net 5: somebody wants an instance, and there is none (TS-0001 clause 9.6.8)."""
    listener.subscription(container, enc={"net": [RETRIEVED_EMPTY]})
    listener.retrieve(f"{container}/{name}").expect(4004)
    assert receiver.event().signal["nev"]["net"] == RETRIEVED_EMPTY


@purpose("TP/own/CSE/SUB/NTF/018")
def test_operation_monitor(listener: Application, receiver: Receiver, container: str) -> None:
    """operationMonitor: an originator does one of the operations (TS-0001 clause 9.6.8)."""
    listener.subscription(container, enc={"om": [{"ops": 2, "or": listener.identifier}]})
    relabel(listener, container, "silent")
    listener.retrieve(container).expect(2000)
    assert receiver.event().signal["nev"]["om"]["op"] == 2


@purpose("TP/own/CSE/SUB/NTF/019")
@pytest.mark.parametrize(
    ("criteria", "silent", "heard"), [({"sza": 5}, "123", "1234567"), ({"szb": 5}, "1234567", "123")]
)
def test_size_of_child(
    listener: Application, receiver: Receiver, container: str, criteria: Attributes, silent: str, heard: str
) -> None:
    """Criteria about the resource apply to the child of the event."""
    listener.subscription(container, enc={"net": [CHILD_CREATED]} | criteria)
    for content in (silent, heard):
        listener.create(container, CIN, {"con": content}).expect(2001)
    assert receiver.representation()["con"] == heard


@purpose("TP/own/CSE/SUB/NTF/020")
def test_permitted_update(listener: Application, receiver: Receiver, container: str) -> None:
    """net 7: the subscriber is told of the update before it is carried out (TS-0001 clause 10.2.10.20)."""
    listener.subscription(container, enc={"net": [BLOCKING_UPDATE]})
    relabel(listener, container, "new")
    assert receiver.events.get_nowait().signal["nev"]["net"] == BLOCKING_UPDATE
    assert listener.retrieve(container).resource(2000)["lbl"] == ["new"]


@purpose("TP/own/CSE/SUB/NTF/021")
def test_forbidden_update(listener: Application, receiver: Receiver, container: str) -> None:
    """net 7: the subscriber says no, and nothing is updated."""
    listener.subscription(container, enc={"net": [BLOCKING_UPDATE]})
    receiver.response = 4005
    listener.update(container, CNT, {"lbl": ["new"]}).expect(4127)
    assert listener.retrieve(container).resource(2000)["lbl"] == ["old"]


@purpose("TP/own/CSE/SUB/CRE/006")
def test_second_blocking_subscription(listener: Application, container: str) -> None:
    """net 7: one at a resource."""
    listener.subscription(container, enc={"net": [BLOCKING_UPDATE]})
    second = {"nu": [listener.identifier], "enc": {"net": [BLOCKING_UPDATE]}}
    listener.create(container, SUB, second).expect(4124)


@purpose("TP/own/CSE/SUB/NTF/022")
def test_expiration_of_batches(listener: Application, receiver: Receiver, container: str) -> None:
    """expirationCounter counts batches as well; then the subscription is gone."""
    subscription = listener.subscription(container, exc=1, bn={"num": 2, "dur": "PT60S"})["ri"]
    relabel(listener, container, "1", "2")
    assert len(receiver.event().signals) == 2
    assert eventually(lambda: listener.retrieve(subscription).rsc, 4004)
