"""Non-blocking requests and the request resource (TS-0004 clauses 7.3.1.2 and 7.4.12; TS-0018 numbers not at hand)."""

import time
from typing import Any

import pytest

from conformance.client import CIN, CNT, REQ, RETRIEVE, Application, Attributes, Client, new_name, rule
from conformance.receiver import TIMEOUT, Receiver

COMPLETED, FAILED = 1, 2
DELETED = 2  # the event
POLL_PAUSE = 0.05  # seconds


def accepted(ae: Application, content: Any) -> str:
    """The address of the request resource in an acknowledgement; it is removed after the test."""
    address = str(content["m2m:uri"])
    ae.leftovers.append(address)
    return address


def finished(ae: Client, address: str) -> Attributes:
    """The request resource when its operation has ended."""
    deadline = time.monotonic() + TIMEOUT
    while (attributes := ae.retrieve(address).resource(2000))["rs"] not in (COMPLETED, FAILED):
        assert time.monotonic() < deadline, f"the request does not end: {attributes}"
        time.sleep(POLL_PAUSE)
    return attributes


def test_nonblocking_synch_retrieve(ae: Application) -> None:
    """rt=1: the acknowledgement names a request resource, which holds the result."""
    container = ae.container(lbl=["a"])
    answer = ae.retrieve(container, rt=1)
    attributes = finished(ae, accepted(ae, answer.expect(1001)))
    assert (attributes["ty"], attributes["op"], attributes["tg"]) == (REQ, 2, container)
    assert (attributes["org"], attributes["rid"]) == (ae.identifier, answer.identifier)
    assert attributes["rs"] == COMPLETED
    assert (attributes["ors"]["rsc"], attributes["ors"]["rqi"]) == (2000, answer.identifier)
    assert attributes["ors"]["pc"]["m2m:cnt"]["lbl"] == ["a"]


def test_nonblocking_synch_create(ae: Application) -> None:
    """rt=1: the operation is carried out."""
    name = new_name()
    attributes = finished(ae, accepted(ae, ae.create(ae.path, CNT, {"rn": name}, rt=1).expect(1001)))
    assert (attributes["rs"], attributes["ors"]["rsc"]) == (COMPLETED, 2001)
    ae.retrieve(f"{ae.path}/{name}").expect(2000)


def test_nonblocking_synch_failure(ae: Application) -> None:
    """rt=1: a failure is in the result, not in the acknowledgement."""
    attributes = finished(ae, accepted(ae, ae.retrieve(f"{ae.path}/nothing", rt=1).expect(1001)))
    assert (attributes["rs"], attributes["ors"]["rsc"]) == (FAILED, 4004)


def test_nonblocking_synch_fan_out(ae: Application) -> None:
    """rt=1 through a fanOutPoint: the result is the aggregated answer."""
    members = [ae.container(), ae.container()]
    answer = ae.create(f"{ae.group(*members)}/fopt", CIN, {"con": "x"}, rt=1)
    result = finished(ae, accepted(ae, answer.expect(1001)))["ors"]
    assert result["rsc"] == 2000
    assert {item["fr"]: item["rsc"] for item in result["pc"]["m2m:agr"]["m2m:rsp"]} == dict.fromkeys(members, 2001)


def test_nonblocking_asynch_with_target(ae: Application, receiver: Receiver) -> None:
    """rt=2: the result is sent to the targets that the request names."""
    container = ae.container(lbl=["a"])
    answer = ae.send("GET", container, query={"rt": 2}, headers={"X-M2M-RTU": receiver.url})
    accepted(ae, answer.expect(1002))
    response = receiver.event().content["m2m:rsp"]
    assert (int(response["rsc"]), response["rqi"]) == (2000, answer.identifier)
    assert response["pc"]["m2m:cnt"]["lbl"] == ["a"]


def test_nonblocking_asynch_to_originator(listener: Application, receiver: Receiver) -> None:
    """rt=2 without targets: the result is sent to the originator."""
    answer = listener.create(listener.path, CNT, {}, rt=2)
    accepted(listener, answer.expect(1002))
    response = receiver.event().content["m2m:rsp"]
    assert (int(response["rsc"]), response["rqi"]) == (2001, answer.identifier)


def test_request_is_private(ae: Application, stranger: Application) -> None:
    """The originator alone may retrieve and delete the request resource."""
    address = accepted(ae, ae.retrieve(ae.path, rt=1).expect(1001))
    finished(ae, address)
    stranger.retrieve(address).expect(4103)
    stranger.delete(address).expect(4103)
    ae.delete(address).expect(2002)
    ae.retrieve(address).expect(4004)


def test_request_is_made_by_the_host_only(ae: Application) -> None:
    """A request resource can't be created."""
    ae.create(ae.cse.name, REQ, {}).expect(4005)


@pytest.mark.parametrize("response_type", [1, 2])
def test_request_is_not_retrieved_by_another(ae: Application, response_type: int) -> None:
    """A non-blocking request to a request resource is refused (TS-0004 clause 7.4.12)."""
    address = accepted(ae, ae.retrieve(ae.path, rt=1).expect(1001))
    finished(ae, address)
    ae.retrieve(address, rt=response_type).expect(4000)


def test_nonblocking_checks_access(ae: Application, stranger: Application) -> None:
    """The privilege is that of the originator, whenever the operation is carried out."""
    container = ae.container(acpi=[ae.policy(rule(RETRIEVE, stranger.identifier))])
    answer = stranger.create(container, CIN, {"con": "x"}, rt=1)
    if answer.rsc == 4103:
        return
    attributes = finished(stranger, accepted(stranger, answer.expect(1001)))
    assert (attributes["rs"], attributes["ors"]["rsc"]) == (FAILED, 4103)


@pytest.mark.parametrize("response_type", [0, 9])
def test_unknown_response_type(ae: Application, response_type: int) -> None:
    """A response type that does not exist."""
    ae.retrieve(ae.path, rt=response_type).expect(4000)


def test_nonblocking_asynch_without_target(listener: Application, receiver: Receiver) -> None:
    """rt=2 with an empty list of targets: nobody is notified, the result is kept."""
    answer = listener.send("GET", listener.path, query={"rt": 2}, headers={"X-M2M-RTU": ""})
    assert finished(listener, accepted(listener, answer.expect(1002)))["ors"]["rsc"] == 2000
    # Had the first result been sent, it would come before this one.
    accepted(listener, listener.create(listener.path, CNT, {}, rt=2).expect(1002))
    assert int(receiver.event().content["m2m:rsp"]["rsc"]) == 2001


def test_request_can_be_subscribed_to(listener: Application, receiver: Receiver) -> None:
    """A request resource takes subscriptions (TS-0001 clause 9.6.12)."""
    address = accepted(listener, listener.retrieve(listener.path, rt=1).expect(1001))
    finished(listener, address)
    listener.subscription(address, enc={"net": [DELETED]})
    listener.delete(address).expect(2002)
    signal = receiver.event().signal
    assert signal["nev"]["net"] == DELETED
    assert signal["nev"]["rep"]["m2m:req"]["tg"] == listener.path
