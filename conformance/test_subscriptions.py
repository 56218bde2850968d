"""SUB: subscriptions and notifications."""

import socket
from typing import Any

import pytest

from conformance.client import ALL, CNT, CREATE, RETRIEVE, SUB, Application, Attributes, rule
from conformance.conftest import Register
from conformance.receiver import Receiver

UPDATED, DELETED, CHILD_CREATED, CHILD_DELETED = 1, 2, 3, 4
NOTIFICATION_TYPES = {"application/json", "application/vnd.onem2m-ntfy+json", "application/vnd.onem2m-res+json"}


@pytest.fixture
def container(listener: Application) -> str:
    """A container of the application that listens."""
    return listener.container(lbl=["old"])


def test_sub_cre_001(ae: Application) -> None:
    """Below a type that can't be subscribed to."""
    container = ae.container()
    instance = ae.instance(container, "x")["rn"]
    ae.create(f"{container}/{instance}", SUB, {"nu": [ae.identifier]}).expect(5203)


def test_sub_cre_002(listener: Application, stranger: Application) -> None:
    """CREATE without RETRIEVE on the subscribed-to resource."""
    container = stranger.container(acpi=[stranger.policy(rule(ALL - RETRIEVE, listener.identifier))])
    listener.create(container, SUB, {"nu": [listener.identifier]}).expect(4103)


def test_sub_cre_003(ae: Application, register: Register) -> None:
    """The target can't be reached for its verification; nothing is created."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    deaf = register(poa=[f"http://127.0.0.1:{port}/"])
    ae.create(ae.path, SUB, {"rn": "watch", "nu": [deaf.identifier]}).expect(5204)
    ae.retrieve(f"{ae.path}/watch").expect(4004)


def test_sub_cre_004(ae: Application, listener: Application) -> None:
    """The creator is stored when a target is not the originator."""
    assert ae.subscription(ae.path, listener.identifier)["cr"] == ae.identifier


def test_sub_cre_005(listener: Application, receiver: Receiver, container: str) -> None:
    """net 3: a direct child is created; the notification is as TS-0004 and TS-0009 want it."""
    subscription = listener.subscription(container, enc={"net": [CHILD_CREATED]})
    listener.instance(container, "x")
    notification = receiver.event()
    assert notification.headers["x-m2m-origin"] == listener.cse.cse_id
    assert notification.headers["x-m2m-ri"]
    assert notification.headers["content-type"] in NOTIFICATION_TYPES
    assert notification.signal["sur"].endswith(subscription["ri"])
    assert notification.signal["nev"]["net"] == CHILD_CREATED
    assert notification.signal["nev"]["rep"]["m2m:cin"]["con"] == "x"


def test_sub_cre_verification(ae: Application, listener: Application, receiver: Receiver) -> None:
    """A target other than the originator is asked before the CREATE is answered (TS-0004 clause 7.4.8.2.1)."""
    ae.subscription(ae.path, listener.identifier)
    question = receiver.verifications.get_nowait()
    assert question.signal["vrq"] is True
    assert question.signal["cr"].endswith(ae.identifier)
    assert question.signal["sur"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"nu": []},
        {"enc": {"net": [99]}},
        {"enc": {"net": [CHILD_CREATED]}, "nct": 2},
        {"exc": 0},
    ],
)
def test_sub_cre_invalid(ae: Application, attributes: Attributes) -> None:
    """Values that do not exist or do not go together."""
    ae.create(ae.path, SUB, {"nu": [ae.identifier]} | attributes).expect(4000)


def test_sub_cre_missing_target(ae: Application) -> None:
    """notificationURI is mandatory."""
    ae.create(ae.path, SUB, {"enc": {"net": [UPDATED]}}).expect(4000)


def test_sub_upd_001(listener: Application, receiver: Receiver, container: str) -> None:
    """Without criteria an update notifies, with all attributes."""
    listener.subscription(container)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    attributes = receiver.representation()
    assert attributes["lbl"] == ["new"]
    assert {"ri", "rn", "ct", "cni"} <= set(attributes)


def test_sub_upd_002(listener: Application, receiver: Receiver, container: str) -> None:
    """nct 2: the modified attributes only."""
    listener.subscription(container, nct=2)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    attributes = receiver.representation()
    assert attributes["lbl"] == ["new"]
    assert not {"ri", "rn", "ct", "cni"} & set(attributes)


def test_sub_upd_003(listener: Application, receiver: Receiver, container: str) -> None:
    """nct 3: the resource identifier only."""
    listener.subscription(container, nct=3)
    identifier = listener.retrieve(container).resource(2000)["ri"]
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    (root, value), *more = receiver.event().signal["nev"]["rep"].items()
    assert (root, more) == ("m2m:uri", [])
    assert value.endswith(identifier)


def test_sub_upd_004_005(listener: Application, receiver: Receiver, container: str) -> None:
    """expirationCounter is decremented; after the last notification the subscription is gone."""
    subscription = listener.subscription(container, exc=2)["ri"]
    listener.update(container, CNT, {"lbl": ["1"]}).expect(2004)
    receiver.event()
    assert listener.retrieve(subscription).resource(2000)["exc"] == 1
    listener.update(container, CNT, {"lbl": ["2"]}).expect(2004)
    receiver.event()
    listener.retrieve(subscription).expect(4004)


def test_sub_upd_006_009(listener: Application, receiver: Receiver, container: str) -> None:
    """enc.atr: silent for other attributes, notified of the listed ones."""
    listener.subscription(container, enc={"net": [UPDATED], "atr": ["mni"]})
    listener.update(container, CNT, {"lbl": ["silent"]}).expect(2004)
    listener.update(container, CNT, {"mni": 5}).expect(2004)
    assert receiver.representation()["mni"] == 5
    assert receiver.events.empty()


def test_sub_child_types(listener: Application, receiver: Receiver, container: str) -> None:
    """enc.chty: only children of these types count (TS-0001 clause 9.6.8)."""
    listener.subscription(container, enc={"net": [CHILD_CREATED], "chty": [CNT]})
    listener.instance(container, "silent")
    listener.container(container, rn="inner")
    assert receiver.representation()["rn"] == "inner"


def test_sub_url_target(listener: Application, receiver: Receiver, container: str) -> None:
    """A target may be a URL."""
    listener.subscription(container, f"{receiver.url}path")
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert receiver.representation()["lbl"] == ["new"]


def test_sub_by_policy(stranger: Application, listener: Application, receiver: Receiver) -> None:
    """A policy lets another than the creator of the resource subscribe to it."""
    container = stranger.container(acpi=[stranger.policy(rule(CREATE | RETRIEVE, "all"))])
    listener.subscription(container, enc={"net": [CHILD_CREATED]})
    stranger.instance(container, "x")
    assert receiver.representation()["con"] == "x"


@pytest.mark.parametrize("verdict", [4101, 5205])
def test_sub_ntf_001_002(ae: Application, listener: Application, receiver: Receiver, verdict: int) -> None:
    """The target refuses the verification; nothing is created."""
    receiver.verdict = verdict
    ae.create(ae.path, SUB, {"rn": "watch", "nu": [listener.identifier]}).expect(5204)
    ae.retrieve(f"{ae.path}/watch").expect(4004)


def test_sub_del_001(listener: Application, receiver: Receiver, container: str) -> None:
    """subscriberURI hears of the deletion of the subscription."""
    subscription = listener.subscription(container, su=listener.identifier)["ri"]
    listener.delete(subscription).expect(2002)
    signal = receiver.event().signal
    assert signal["sud"] is True
    assert signal["sur"].endswith(subscription)


def test_sub_del_002(listener: Application, receiver: Receiver, container: str) -> None:
    """net 2: the resource is deleted."""
    listener.subscription(container, enc={"net": [DELETED]})
    listener.delete(container).expect(2002)
    signal = receiver.event().signal
    assert signal["nev"]["net"] == DELETED
    assert signal["nev"]["rep"]["m2m:cnt"]["lbl"] == ["old"]


def test_sub_del_003(listener: Application, receiver: Receiver, container: str) -> None:
    """net 4: a direct child is deleted."""
    inner = listener.container(container)
    listener.subscription(container, enc={"net": [CHILD_DELETED]})
    listener.delete(inner).expect(2002)
    signal: dict[str, Any] = receiver.event().signal
    assert signal["nev"]["net"] == CHILD_DELETED
    assert signal["nev"]["rep"]["m2m:cnt"]["rn"] == inner.split("/")[-1]
