"""PCH: applications without a server of their own fetch requests to them from their polling channel."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from conformance.application import Application
from conformance.client import Answer, Attributes, Client
from conformance.conftest import Register
from conformance.purposes import purpose
from conformance.standard import CNT, PCH, SUB

WAIT = "10000"  # milliseconds that a poll may take


class Poller:
    """An application and its polling channel."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.channel = application.make(None, PCH, {})

    def poll(self, milliseconds: str = WAIT) -> Answer:
        return self.application.send("GET", f"{self.channel}/pcu", headers={"X-M2M-RET": milliseconds})

    def request(self) -> Attributes:
        """The next request."""
        request = self.poll().expect(2000)["m2m:rqp"]
        assert isinstance(request, dict)
        return request

    def respond(self, request: Attributes, code: int) -> Answer:
        """Answer a request through the channel."""
        response = {"rsc": code, "rqi": request["rqi"], "rvi": "3", "fr": self.application.identifier}
        return self.application.notify(f"{self.channel}/pcu", {"m2m:rsp": response | {"to": request["fr"]}})


@pytest.fixture
def poller(register: Register) -> Poller:
    return Poller(register(rr=False))


def meanwhile(function: Any, *arguments: Any) -> "Future[Any]":
    """What a request that has to wait for the poller's response becomes."""
    executor = ThreadPoolExecutor(1)
    future = executor.submit(function, *arguments)
    executor.shutdown(wait=False)
    return future


@purpose("TP/own/CSE/PCH/CRE/001")
def test_create(poller: Poller) -> None:
    """An AE makes its polling channel, and can retrieve it."""
    attributes = poller.application.retrieve(poller.channel).resource(2000)
    assert (attributes["ty"], attributes["pi"]) == (PCH, poller.application.identifier)


@purpose("TP/own/CSE/PCH/CRE/002")
def test_other_parents(ae: Application, admin: Client) -> None:
    """It is the child of an AE (or remoteCSE)."""
    ae.create(ae.container(), PCH, {}).expect(4108)
    admin.create(ae.cse.name, PCH, {}).expect(4108)


@purpose("TP/own/CSE/PCH/CRE/003")
def test_other_originators(ae: Application, stranger: Application) -> None:
    """Only the AE itself makes it."""
    stranger.create(ae.path, PCH, {}).expect(4103)


@purpose("TP/own/CSE/PCH/RET/001")
def test_nothing(poller: Poller) -> None:
    """A poll ends when its time is over and nothing has come (TS-0004 clause 7.4.22)."""
    poller.poll("500").expect(4008)


@purpose("TP/own/CSE/PCH/RET/002")
def test_others_do_not_poll(poller: Poller, stranger: Application) -> None:
    """Only the owner may use pollingChannelURI (TS-0001 clause 9.6.21)."""
    stranger.retrieve(f"{poller.channel}/pcu").expect(4103)


@purpose("TP/own/CSE/PCH/RET/003")
def test_notification(poller: Poller) -> None:
    """A notification is fetched as a request primitive."""
    ae = poller.application
    container = ae.container()
    ae.subscription(container)
    ae.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    request = poller.request()
    assert request["op"] == 5
    assert request["rqi"]
    assert request["fr"].removeprefix(f"//{ae.cse.service_provider}") == ae.cse.cse_id
    assert request["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["lbl"] == ["new"]
    poller.respond(request, 2000).expect(2000)


@purpose("TP/own/CSE/PCH/RET/004")
def test_order(poller: Poller) -> None:
    """Requests are fetched in the order in which they came, each once."""
    ae = poller.application
    container = ae.container()
    ae.subscription(container)
    labels = [["1"], ["2"], ["3"]]
    for label in labels:
        ae.update(container, CNT, {"lbl": label}).expect(2004)
    fetched = []
    for _ in labels:
        request = poller.request()
        fetched.append(request["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["lbl"])
        poller.respond(request, 2000).expect(2000)
    assert fetched == labels
    poller.poll("500").expect(4008)


@purpose("TP/own/CSE/PCH/RET/005")
def test_poll_waits(poller: Poller) -> None:
    """A poll that is already there gets what comes then."""
    ae = poller.application
    container = ae.container()
    ae.subscription(container)
    poll = meanwhile(poller.request)
    ae.update(container, CNT, {"lbl": ["new"]}).expect(2004)
    assert poll.result()["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["lbl"] == ["new"]


@purpose("TP/own/CSE/PCH/NTF/001")
@pytest.mark.parametrize(("response", "outcome"), [(2000, 2001), (4101, 5204)])
def test_verification(poller: Poller, ae: Application, response: int, outcome: int) -> None:
    """Who waits for a response gets that of the poller: here, whether it accepts a subscription."""
    wanted = {"nu": [poller.application.identifier]}
    creation = meanwhile(ae.create, ae.path, SUB, wanted)
    request = poller.request()
    assert request["pc"]["m2m:sgn"]["vrq"] is True
    poller.respond(request, response).expect(2000)
    creation.result().expect(outcome)


@purpose("TP/own/CSE/PCH/NTF/002")
def test_others_do_not_respond(poller: Poller, stranger: Application) -> None:
    """Only the owner may respond."""
    content = {"m2m:rsp": {"rsc": 2000, "rqi": "x", "rvi": "3"}}
    stranger.notify(f"{poller.channel}/pcu", content).expect(4103)


@purpose("TP/own/CSE/PCH/UPD/001")
def test_uri_is_not_changed(poller: Poller) -> None:
    """pollingChannelURI can only be retrieved and notified (TS-0004 clause 7.4.22)."""
    pcu = f"{poller.channel}/pcu"
    poller.application.update(pcu, PCH, {"lbl": ["a"]}).expect(4005)
    poller.application.delete(pcu).expect(4005)
    poller.application.create(pcu, CNT, {}).expect(4005)


@purpose("TP/own/CSE/PCH/UPD/002")
def test_update(poller: Poller) -> None:
    """The owner may label the channel."""
    poller.application.update(poller.channel, PCH, {"lbl": ["new"]}).expect(2004)
    assert poller.application.retrieve(poller.channel).resource(2000)["lbl"] == ["new"]


@purpose("TP/own/CSE/PCH/DEL/001")
def test_delete(poller: Poller) -> None:
    """The owner deletes it; nothing can be fetched any more."""
    poller.application.delete(poller.channel).expect(2002)
    poller.application.retrieve(f"{poller.channel}/pcu").expect(4004)


@purpose("TP/own/CSE/PCH/DEL/002")
def test_goes_with_the_entity(poller: Poller, admin: Client) -> None:
    """It goes with its AE."""
    poller.application.delete(poller.application.path).expect(2002)
    assert admin.retrieve(poller.channel).rsc == 4004
