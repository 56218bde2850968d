"""SUB: subscriptions, and notifications of events."""

import socket
from typing import Any

import pytest

from conformance.application import Application, rule
from conformance.client import Attributes
from conformance.conftest import Register
from conformance.purposes import case, purpose
from conformance.receiver import Receiver, eventually
from conformance.standard import (
    ALL,
    CHILD_CREATED,
    CHILD_DELETED,
    CNT,
    CREATE,
    DELETED,
    GRP,
    RETRIEVE,
    SUB,
    UPDATED,
)

TP = "TP/oneM2M/CSE/SUB"
NOTIFICATION_TYPES = {"application/json", "application/vnd.onem2m-ntfy+json", "application/vnd.onem2m-res+json"}


@pytest.fixture
def container(listener: Application) -> str:
    """A container of the application that listens."""
    return listener.container(lbl=["old"])


@purpose(f"{TP}/CRE/001")
def test_not_subscribable(ae: Application) -> None:
    """Below a type that can't be subscribed to."""
    container = ae.container()
    instance = ae.instance(container, "x")["rn"]
    ae.create(f"{container}/{instance}", SUB, {"nu": [ae.identifier]}).expect(5203)


@purpose(f"{TP}/CRE/002")
def test_no_retrieve(listener: Application, stranger: Application) -> None:
    """CREATE without RETRIEVE on the subscribed-to resource."""
    container = stranger.container(acpi=[stranger.policy(rule(ALL - RETRIEVE, listener.identifier))])
    listener.create(container, SUB, {"nu": [listener.identifier]}).expect(4103)


@purpose(f"{TP}/CRE/003")
def test_unreachable(ae: Application, register: Register) -> None:
    """The target can't be reached for its verification; nothing is created."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    deaf = register(poa=[f"http://127.0.0.1:{port}/"])
    ae.create(ae.path, SUB, {"rn": "watch", "nu": [deaf.identifier]}).expect(5204)
    ae.retrieve(f"{ae.path}/watch").expect(4004)


@purpose(f"{TP}/CRE/004")
def test_creator(ae: Application, listener: Application) -> None:
    """The creator is stored when a target is not the originator (TS-0004 clause 7.4.8.2.1)."""
    assert ae.subscription(ae.path, listener.identifier)["cr"] == ae.identifier


@purpose(f"{TP}/CRE/005")
def test_child_created(listener: Application, receiver: Receiver, container: str) -> None:
    """net 3: a direct child is created."""
    subscription = listener.subscription(container, enc={"net": [CHILD_CREATED]})
    listener.instance(container, "x")
    signal = receiver.event().signal
    assert signal["sur"].endswith(subscription["ri"])
    assert signal["nev"]["net"] == CHILD_CREATED
    assert signal["nev"]["rep"]["m2m:cin"]["con"] == "x"


@purpose("TP/own/CSE/SUB/NTF/001")
def test_notification_on_http(listener: Application, receiver: Receiver, container: str) -> None:
    """A notification is a request by the CSE (TS-0009 clause 6)."""
    listener.subscription(container)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    headers = receiver.event().headers
    assert headers["x-m2m-origin"].removeprefix(f"//{listener.cse.service_provider}") == listener.cse.cse_id
    assert headers["x-m2m-ri"]
    assert headers["content-type"] in NOTIFICATION_TYPES


@purpose("TP/own/CSE/SUB/CRE/001")
def test_verification(ae: Application, listener: Application, receiver: Receiver) -> None:
    """A target other than the originator is asked before the CREATE is answered (TS-0004 clause 7.4.8.2.1)."""
    ae.subscription(ae.path, listener.identifier)
    question = receiver.verifications.get_nowait()
    assert question.signal["vrq"] is True
    assert question.signal["cr"].endswith(ae.identifier)
    assert question.signal["sur"]


@purpose("TP/own/CSE/SUB/CRE/002")
@pytest.mark.parametrize(
    "attributes",
    [
        {"nu": []},
        {"nu": None},
        {"enc": {"net": [99]}},
        {"enc": {"net": "updates"}},
        {"enc": {"net": [CHILD_CREATED]}, "nct": 2},
        {"enc": {"net": [DELETED]}, "nct": 2},
        {"nct": 99},
        {"exc": 0},
        {"exc": -1},
        {"unknown": 1},
    ],
)
def test_invalid(ae: Application, attributes: Attributes) -> None:
    """Values that do not exist or do not go together (TS-0004 clause 7.4.8.2.1)."""
    ae.create(ae.path, SUB, {"nu": [ae.identifier]} | attributes).expect(4000)


@purpose("TP/own/CSE/SUB/CRE/003")
def test_defaults(ae: Application) -> None:
    """Without criteria and content type: all attributes (TS-0001 clause 9.6.8)."""
    assert ae.subscription(ae.path)["nct"] == 1


@purpose(f"{TP}/UPD/001")
def test_update(listener: Application, receiver: Receiver, container: str) -> None:
    """Without criteria an update notifies, with all attributes."""
    listener.subscription(container)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    attributes = receiver.representation()
    assert attributes["lbl"] == ["new"]
    assert {"ri", "rn", "ct", "cni"} <= set(attributes)


@purpose(f"{TP}/UPD/002")
def test_modified_attributes(listener: Application, receiver: Receiver, container: str) -> None:
    """nct 2: the modified attributes only."""
    listener.subscription(container, nct=2)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    attributes = receiver.representation()
    assert attributes["lbl"] == ["new"]
    assert not {"ri", "rn", "ct", "cni"} & set(attributes)


@pytest.mark.parametrize("event", [UPDATED, DELETED, CHILD_CREATED, CHILD_DELETED])
@purpose(f"{TP}/UPD/003")
def test_identifier(listener: Application, receiver: Receiver, container: str, event: int) -> None:
    """nct 3: the resource identifier only, for every event."""
    child = listener.container(container, rn="child")
    own, childs = listener.identify([container, child])
    listener.subscription(container, nct=3, enc={"net": [event]})
    if event == CHILD_CREATED:
        (childs,) = listener.identify([listener.container(container)])
    elif event == UPDATED:
        listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    else:
        listener.delete(container if event == DELETED else child).expect(2002)
    (root, value), *more = receiver.event().signal["nev"]["rep"].items()
    assert (root, more) == ("m2m:uri", [])
    assert value.endswith(childs if event in (CHILD_CREATED, CHILD_DELETED) else own)


@purpose(f"{TP}/UPD/004", f"{TP}/UPD/005")
def test_expiration_counter(listener: Application, receiver: Receiver, container: str) -> None:
    """expirationCounter is decremented; after the last notification the subscription is gone."""
    subscription = listener.subscription(container, exc=2)["ri"]
    listener.update(container, CNT, {"lbl": ["1"]}).expect(2004)
    receiver.event()
    assert eventually(lambda: listener.retrieve(subscription).resource(2000)["exc"], 1)
    listener.update(container, CNT, {"lbl": ["2"]}).expect(2004)
    receiver.event()
    assert eventually(lambda: listener.retrieve(subscription).rsc, 4004)


@purpose(f"{TP}/UPD/006", f"{TP}/UPD/009")
def test_listed_attributes(listener: Application, receiver: Receiver, container: str) -> None:
    """enc.atr: silent for other attributes, notified of the listed ones."""
    listener.subscription(container, enc={"net": [UPDATED], "atr": ["mni"]})
    listener.update(container, CNT, {"lbl": ["silent"]}).expect(2004)
    listener.update(container, CNT, {"mni": 5}).expect(2004)
    assert receiver.representation()["mni"] == 5
    assert receiver.events.empty()


@purpose("TP/own/CSE/SUB/NTF/002")
def test_child_types(listener: Application, receiver: Receiver, container: str) -> None:
    """enc.chty: only children of these types count (TS-0001 clause 9.6.8)."""
    listener.subscription(container, enc={"net": [CHILD_CREATED], "chty": [CNT]})
    listener.instance(container, "silent")
    listener.container(container, rn="inner")
    assert receiver.representation()["rn"] == "inner"


@purpose("TP/own/CSE/SUB/NTF/003")
def test_other_events(listener: Application, receiver: Receiver, container: str) -> None:
    """Only the events that are wanted notify."""
    listener.subscription(container, enc={"net": [UPDATED]})
    listener.instance(container, "silent")
    listener.delete(f"{container}/la").expect(2002)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert receiver.event().signal["nev"]["net"] == UPDATED


@purpose("TP/own/CSE/SUB/NTF/004")
def test_several_events(listener: Application, receiver: Receiver, container: str) -> None:
    """Several event types in one subscription."""
    listener.subscription(container, enc={"net": [UPDATED, CHILD_CREATED, CHILD_DELETED]})
    listener.instance(container, "x")
    assert receiver.event().signal["nev"]["net"] == CHILD_CREATED
    listener.delete(f"{container}/la").expect(2002)
    assert receiver.event().signal["nev"]["net"] == CHILD_DELETED
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert receiver.event().signal["nev"]["net"] == UPDATED


@purpose("TP/own/CSE/SUB/NTF/005")
def test_grandchildren(listener: Application, receiver: Receiver, container: str) -> None:
    """Only direct children count."""
    inner = listener.container(container)
    listener.subscription(container, enc={"net": [CHILD_CREATED]})
    listener.instance(inner, "silent")
    listener.instance(container, "heard")
    assert receiver.representation()["con"] == "heard"


@purpose("TP/own/CSE/SUB/NTF/006")
def test_several_subscriptions(listener: Application, receiver: Receiver, container: str) -> None:
    """Each subscription notifies on its own."""
    subscriptions = {listener.subscription(container)["ri"] for _ in range(3)}
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    signals = {receiver.event().signal["sur"].split("/")[-1] for _ in subscriptions}
    assert signals == subscriptions


@purpose("TP/own/CSE/SUB/NTF/007")
def test_several_targets(listener: Application, receiver: Receiver, container: str) -> None:
    """Each target is notified."""
    listener.subscription(container, listener.identifier, receiver.url)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert [receiver.representation()["lbl"] for _ in range(2)] == [["new"], ["new"]]


@purpose("TP/own/CSE/SUB/NTF/008")
def test_url(listener: Application, receiver: Receiver, container: str) -> None:
    """A target may be a URL."""
    listener.subscription(container, f"{receiver.url}path")
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert receiver.representation()["lbl"] == ["new"]


@purpose("TP/own/CSE/SUB/NTF/009")
def test_by_policy(stranger: Application, listener: Application, receiver: Receiver) -> None:
    """A policy lets another than the creator of the resource subscribe to it."""
    container = stranger.container(acpi=[stranger.policy(rule(CREATE | RETRIEVE, "all"))])
    listener.subscription(container, enc={"net": [CHILD_CREATED]})
    stranger.instance(container, "x")
    assert receiver.representation()["con"] == "x"


@purpose("TP/own/CSE/SUB/NTF/010")
def test_refused_update(listener: Application, receiver: Receiver, container: str) -> None:
    """What was refused is no event."""
    listener.subscription(container)
    listener.update(container, CNT, {"lbl": ["bad"], "mni": "many"}).expect(4000)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert receiver.representation()["lbl"] == ["new"]


@purpose("TP/own/CSE/SUB/NTF/011")
def test_group(listener: Application, receiver: Receiver) -> None:
    """Resources of other types can be subscribed to as well."""
    group = listener.group()
    listener.subscription(group)
    listener.update(group, GRP, {"gn": "new"}).expect(2004)
    assert receiver.representation()["gn"] == "new"


@purpose("TP/own/CSE/SUB/NTF/012")
def test_changed_criteria(listener: Application, receiver: Receiver, container: str) -> None:
    """A subscription that is updated notifies as it says now."""
    subscription = listener.subscription(container)["ri"]
    listener.update(subscription, SUB, {"enc": {"net": [CHILD_CREATED]}}).expect(2004)
    listener.update(container, CNT, {"lbl": ["silent"]}).expect(2004)
    listener.instance(container, "x")
    assert receiver.event().signal["nev"]["net"] == CHILD_CREATED


@purpose("TP/own/CSE/SUB/NTF/013")
def test_deleted_subscription(listener: Application, receiver: Receiver, container: str) -> None:
    """A subscription that is gone is silent."""
    first, second = (listener.subscription(container)["ri"] for _ in range(2))
    listener.delete(first).expect(2002)
    listener.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert receiver.event().signal["sur"].endswith(second)
    assert receiver.events.empty()


@purpose("TP/own/CSE/SUB/UPD/001")
def test_new_target_is_verified(ae: Application, listener: Application, receiver: Receiver) -> None:
    """A target that an UPDATE adds is asked; when it refuses, nothing is changed (TS-0004 clause 7.4.8.2.3)."""
    subscription = ae.subscription(ae.path)["ri"]
    receiver.verdict = 5205
    ae.update(subscription, SUB, {"nu": [listener.identifier]}).expect(5204)
    assert ae.retrieve(subscription).resource(2000)["nu"] == [ae.identifier]
    receiver.verifications.get_nowait()


@purpose("TP/own/CSE/SUB/UPD/002")
@pytest.mark.parametrize("changes", [{"su": "Cnew"}, {"psn": 5}, {"nu": []}])
def test_not_updatable(ae: Application, changes: Attributes) -> None:
    """What an UPDATE can't change (TS-0001 clause 9.6.8)."""
    ae.update(ae.subscription(ae.path)["ri"], SUB, changes).expect(4000)


@pytest.mark.parametrize("verdict", [case(f"{TP}/NTF/001", 4101), case(f"{TP}/NTF/002", 5205)])
def test_refused_verification(ae: Application, listener: Application, receiver: Receiver, verdict: int) -> None:
    """The target refuses the verification; nothing is created."""
    receiver.verdict = verdict
    ae.create(ae.path, SUB, {"rn": "watch", "nu": [listener.identifier]}).expect(5204)
    ae.retrieve(f"{ae.path}/watch").expect(4004)


@purpose(f"{TP}/DEL/001")
@pytest.mark.parametrize("with_parent", [False, True])
def test_subscriber_uri(listener: Application, receiver: Receiver, container: str, with_parent: bool) -> None:
    """subscriberURI hears of the deletion of the subscription, with its parent too."""
    subscription = listener.subscription(container, su=listener.identifier, enc={"net": [CHILD_CREATED]})["ri"]
    listener.delete(container if with_parent else subscription).expect(2002)
    signal = receiver.event().signal
    assert signal["sud"] is True
    assert signal["sur"].endswith(subscription)


@purpose(f"{TP}/DEL/002")
def test_deleted(listener: Application, receiver: Receiver, container: str) -> None:
    """net 2: the resource is deleted."""
    listener.subscription(container, enc={"net": [DELETED]})
    listener.delete(container).expect(2002)
    signal = receiver.event().signal
    assert signal["nev"]["net"] == DELETED
    assert signal["nev"]["rep"]["m2m:cnt"]["lbl"] == ["old"]


@purpose(f"{TP}/DEL/003")
def test_child_deleted(listener: Application, receiver: Receiver, container: str) -> None:
    """net 4: a direct child is deleted."""
    inner = listener.container(container)
    listener.subscription(container, enc={"net": [CHILD_DELETED]})
    listener.delete(inner).expect(2002)
    signal: dict[str, Any] = receiver.event().signal
    assert signal["nev"]["net"] == CHILD_DELETED
    assert signal["nev"]["rep"]["m2m:cnt"]["rn"] == inner.split("/")[-1]
