"""REQ: non-blocking requests and the request resource (TS-0004 clauses 7.3.1.2 and 7.4.12)."""

from typing import Any

import pytest

from conformance.application import Application, new_name, rule, timestamp
from conformance.client import Attributes, Client
from conformance.purposes import purpose
from conformance.receiver import Receiver, eventually
from conformance.standard import (
    ASYNCHRONOUS,
    BLOCKING,
    CIN,
    CNT,
    COMPLETED,
    DELETED,
    FAILED,
    FLEXIBLE,
    REQ,
    RETRIEVE,
    SYNCHRONOUS,
)


def accepted(ae: Application, content: Any) -> str:
    """The address of the request resource in an acknowledgement; it is removed after the test."""
    address = ae.cse.relative(content["m2m:uri"])
    ae.remove(address)
    return address


def finished(ae: Client, address: str) -> Attributes:
    """The request resource when its operation has ended."""
    eventually(lambda: ae.retrieve(address).resource(2000)["rs"] in (COMPLETED, FAILED), True)
    return ae.retrieve(address).resource(2000)


@purpose("TP/own/CSE/REQ/001")
def test_synchronous(ae: Application) -> None:
    """rt=1: the acknowledgement names a request resource, which holds the result."""
    container = ae.container(lbl=["a"])
    answer = ae.retrieve(container, rt=SYNCHRONOUS)
    attributes = finished(ae, accepted(ae, answer.expect(1001)))
    assert (attributes["ty"], attributes["op"], attributes["rs"]) == (REQ, 2, COMPLETED)
    assert ae.identify([attributes["tg"]]) == ae.identify([container])
    assert (attributes["org"], attributes["rid"]) == (ae.identifier, answer.identifier)
    assert (int(attributes["ors"]["rsc"]), attributes["ors"]["rqi"]) == (2000, answer.identifier)
    assert attributes["ors"]["pc"]["m2m:cnt"]["lbl"] == ["a"]


@purpose("TP/own/CSE/REQ/002")
def test_synchronous_create(ae: Application) -> None:
    """rt=1: CREATE is carried out."""
    name = new_name()
    attributes = finished(ae, accepted(ae, ae.create(ae.path, CNT, {"rn": name}, rt=SYNCHRONOUS).expect(1001)))
    assert (attributes["rs"], attributes["ors"]["rsc"]) == (COMPLETED, 2001)
    ae.retrieve(f"{ae.path}/{name}").expect(2000)


@purpose("TP/own/CSE/REQ/003")
def test_synchronous_update(ae: Application) -> None:
    """rt=1: UPDATE is carried out."""
    container = ae.container()
    content = ae.update(container, CNT, {"lbl": ["new"]}, rt=SYNCHRONOUS).expect(1001)
    assert finished(ae, accepted(ae, content))["ors"]["rsc"] == 2004
    assert ae.retrieve(container).resource(2000)["lbl"] == ["new"]


@purpose("TP/own/CSE/REQ/004")
def test_synchronous_delete(ae: Application) -> None:
    """rt=1: DELETE is carried out."""
    container = ae.container()
    assert finished(ae, accepted(ae, ae.delete(container, rt=SYNCHRONOUS).expect(1001)))["ors"]["rsc"] == 2002
    ae.retrieve(container).expect(4004)


@purpose("TP/own/CSE/REQ/005")
def test_synchronous_failure(ae: Application) -> None:
    """rt=1: a failure is in the result, not in the acknowledgement (TS-0004 clause 7.3.2)."""
    content = ae.retrieve(f"{ae.path}/nothing", rt=SYNCHRONOUS).expect(1001)
    attributes = finished(ae, accepted(ae, content))
    assert (attributes["rs"], attributes["ors"]["rsc"]) == (FAILED, 4004)


@purpose("TP/own/CSE/REQ/006")
def test_synchronous_fan_out(ae: Application) -> None:
    """rt=1 through a fanOutPoint: the result is the aggregated answer."""
    members = [ae.container(), ae.container()]
    answer = ae.create(f"{ae.group(*members)}/fopt", CIN, {"con": "x"}, rt=SYNCHRONOUS)
    result = finished(ae, accepted(ae, answer.expect(1001)))["ors"]
    assert result["rsc"] == 2000
    assert [int(item["rsc"]) for item in result["pc"]["m2m:agr"]["m2m:rsp"]] == [2001, 2001]
    assert [ae.retrieve(f"{member}/la").resource(2000)["con"] for member in members] == ["x", "x"]


@purpose("TP/own/CSE/REQ/007")
def test_asynchronous_with_target(ae: Application, receiver: Receiver) -> None:
    """rt=2: the result is sent to the targets that the request names."""
    container = ae.container(lbl=["a"])
    answer = ae.send("GET", container, query={"rt": ASYNCHRONOUS}, headers={"X-M2M-RTU": receiver.url})
    accepted(ae, answer.expect(1002))
    response = receiver.event().content["m2m:rsp"]
    assert (int(response["rsc"]), response["rqi"]) == (2000, answer.identifier)
    assert response["pc"]["m2m:cnt"]["lbl"] == ["a"]


@purpose("TP/own/CSE/REQ/008")
def test_asynchronous_with_targets(ae: Application, listener: Application, receiver: Receiver) -> None:
    """rt=2 with two targets, a URL and an AE: both are told."""
    headers = {"X-M2M-RTU": f"{receiver.url}&{listener.identifier}"}
    answer = ae.send("GET", ae.path, query={"rt": ASYNCHRONOUS}, headers=headers)
    accepted(ae, answer.expect(1002))
    responses = [receiver.event().content["m2m:rsp"]["rqi"] for _ in range(2)]
    assert responses == [answer.identifier] * 2


@purpose("TP/own/CSE/REQ/009")
def test_asynchronous_to_originator(listener: Application, receiver: Receiver) -> None:
    """rt=2 without targets: the result is sent to the originator."""
    answer = listener.create(listener.path, CNT, {}, rt=ASYNCHRONOUS)
    accepted(listener, answer.expect(1002))
    response = receiver.event().content["m2m:rsp"]
    assert (int(response["rsc"]), response["rqi"]) == (2001, answer.identifier)


@purpose("TP/own/CSE/REQ/010")
def test_asynchronous_failure(listener: Application, receiver: Receiver) -> None:
    """rt=2: a failure is sent as well."""
    accepted(listener, listener.retrieve(f"{listener.path}/nothing", rt=ASYNCHRONOUS).expect(1002))
    assert int(receiver.event().content["m2m:rsp"]["rsc"]) == 4004


@purpose("TP/own/CSE/REQ/011")
def test_asynchronous_to_nobody(listener: Application, receiver: Receiver) -> None:
    """rt=2 with an empty list of targets: nobody is notified, the result is kept."""
    answer = listener.send("GET", listener.path, query={"rt": ASYNCHRONOUS}, headers={"X-M2M-RTU": ""})
    assert finished(listener, accepted(listener, answer.expect(1002)))["ors"]["rsc"] == 2000
    # Had the first result been sent, it would come before this one.
    accepted(listener, listener.create(listener.path, CNT, {}, rt=ASYNCHRONOUS).expect(1002))
    assert int(receiver.event().content["m2m:rsp"]["rsc"]) == 2001


@purpose("TP/own/CSE/REQ/012")
def test_blocking(ae: Application) -> None:
    """rt=3 is what happens without rt."""
    assert ae.retrieve(ae.path, rt=BLOCKING).resource(2000)["ri"] == ae.identifier


@purpose("TP/own/CSE/REQ/013")
@pytest.mark.parametrize("target", [None, "receiver"])
def test_flexible(ae: Application, receiver: Receiver, target: str | None) -> None:
    """rt=4: the host decides; it gives the result at once, or says where it will be or to whom it goes."""
    headers = {"X-M2M-RTU": receiver.url} if target else {}
    answer = ae.send("POST", ae.path, {"m2m:cnt": {"lbl": ["a"]}}, ty=CNT, query={"rt": FLEXIBLE}, headers=headers)
    content = answer.expect(2001, 1001, *([1002] if target else []))
    if answer.rsc == 1001:
        content = finished(ae, accepted(ae, content))["ors"]["pc"]
    elif answer.rsc == 1002:
        content = receiver.event().content["m2m:rsp"]["pc"]
    assert content["m2m:cnt"]["lbl"] == ["a"]


@purpose("TP/own/CSE/REQ/014")
def test_privacy(ae: Application, stranger: Application) -> None:
    """The originator alone may retrieve and delete the request resource (TS-0001 clause 9.6.12)."""
    address = accepted(ae, ae.retrieve(ae.path, rt=SYNCHRONOUS).expect(1001))
    finished(ae, address)
    stranger.retrieve(address).expect(4103)
    stranger.delete(address).expect(4103)
    ae.delete(address).expect(2002)
    ae.retrieve(address).expect(4004)


@purpose("TP/own/CSE/REQ/015")
def test_made_by_the_host_only(ae: Application, admin: Client) -> None:
    """A request resource can't be created (TS-0004 clause 7.4.12)."""
    admin.create(ae.cse.name, REQ, {}).expect(4005)


@purpose("TP/own/CSE/REQ/016")
@pytest.mark.parametrize("response_type", [SYNCHRONOUS, ASYNCHRONOUS])
def test_requests_about_requests(ae: Application, response_type: int) -> None:
    """A non-blocking request to a request resource is refused (TS-0004 clause 7.4.12)."""
    address = accepted(ae, ae.retrieve(ae.path, rt=SYNCHRONOUS).expect(1001))
    finished(ae, address)
    ae.retrieve(address, rt=response_type).expect(4000)


@purpose("TP/own/CSE/REQ/017")
def test_access(ae: Application, stranger: Application) -> None:
    """The privilege is that of the originator, whenever the operation is carried out."""
    container = ae.container(acpi=[ae.policy(rule(RETRIEVE, stranger.identifier))])
    answer = stranger.create(container, CIN, {"con": "x"}, rt=SYNCHRONOUS)
    result = answer.rsc
    if result == 1001:
        result = finished(stranger, accepted(stranger, answer.expect(1001)))["ors"]["rsc"]
    assert result == 4103


@purpose("TP/own/CSE/REQ/018")
@pytest.mark.parametrize("response_type", [0, 9])
def test_unknown_response_type(ae: Application, response_type: int) -> None:
    """A response type that does not exist."""
    ae.retrieve(ae.path, rt=response_type).expect(4000)


@purpose("TP/own/CSE/REQ/019")
def test_subscription(listener: Application, receiver: Receiver) -> None:
    """A request resource takes subscriptions (TS-0001 clause 9.6.12)."""
    address = accepted(listener, listener.retrieve(listener.path, rt=SYNCHRONOUS).expect(1001))
    finished(listener, address)
    listener.subscription(address, enc={"net": [DELETED]})
    listener.delete(address).expect(2002)
    signal = receiver.event().signal
    assert signal["nev"]["net"] == DELETED
    assert listener.identify([signal["nev"]["rep"]["m2m:req"]["tg"]]) == [listener.identifier]


@purpose("TP/own/CSE/REQ/020")
def test_result_persistence(ae: Application) -> None:
    """resultPersistence: the result is kept until then (TS-0004 clause 7.4.12)."""
    wanted = timestamp(hours=1)
    address = accepted(ae, ae.retrieve(ae.path, rt=SYNCHRONOUS, rp=wanted).expect(1001))
    assert finished(ae, address)["et"][:15] >= wanted


@purpose("TP/own/CSE/REQ/021")
def test_bad_result_persistence(ae: Application) -> None:
    """A time in no form of the standard."""
    ae.retrieve(ae.path, rt=SYNCHRONOUS, rp="soon").expect(4000)


@purpose("TP/own/CSE/REQ/022")
def test_discovery(ae: Application) -> None:
    """A discovery may be non-blocking."""
    container = ae.container()
    content = ae.retrieve(ae.path, fu=1, ty=CNT, rt=SYNCHRONOUS).expect(1001)
    result = finished(ae, accepted(ae, content))["ors"]["pc"]
    assert [ae.cse.relative(address) for address in result["m2m:uril"]] == [container]


@purpose("TP/own/CSE/REQ/023")
def test_result_content(ae: Application) -> None:
    """resultContent holds for the stored result."""
    content = ae.create(ae.path, CNT, {}, rt=SYNCHRONOUS, rcn=0).expect(1001)
    result = finished(ae, accepted(ae, content))["ors"]
    assert result["rsc"] == 2001
    assert not result.get("pc")
