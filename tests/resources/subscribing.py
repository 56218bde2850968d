"""Subscriptions without a network: their units of work, and targets that take notifications or do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cse.consent import Consent
from cse.notification import Outgoing
from cse.primitive import Request
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import add, creating, updating, working

BOX = "cse-in/me/box"
TARGET = "http://127.0.0.1/x"
PAUSE = 60.0  # seconds after which a deaf target may be tried again


class Subscribing:
    """Cme has a container at BOX and subscriptions to it; its label tells notifications from each other."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.work.consent = Consent(frozenset({f"verify {TARGET}", f"verify {TARGET}/2"}))
        self.deaf: set[str] = set()
        add(work, "cse-in/me", "ae", ri="Cme", creator="Cme", rr=True)
        self.box = add(work, BOX, creator="Cme", st=0, cni=0, cbs=0)

    def subscribe(self, **attributes: Any) -> Resource:
        """Create a subscription of TARGET."""
        content = {"rn": "news", "nu": [TARGET]} | attributes
        self.request(creating(BOX, 23, {"m2m:sub": content}, "Cme"))
        return self.subscription

    @property
    def subscription(self) -> Resource:
        """As it is in the store."""
        return self.work.target(f"{BOX}/news").resource

    def change(self, **attributes: Any) -> None:
        """UPDATE the subscription."""
        self.request(updating(f"{BOX}/news", {"m2m:sub": attributes}, "Cme"))

    def request(self, request: Request) -> None:
        """Carry out a request of Cme."""
        perform(self.work, request)

    def label(self, *texts: str) -> None:
        """One event per text."""
        for text in texts:
            self.request(updating(BOX, {"m2m:cnt": {"lbl": [text]}}, "Cme"))

    def sent(self) -> list[Any]:
        """What has been sent since the last call, in short; targets that are not deaf take it."""
        return [told(outgoing.content) for outgoing in self.deliveries() if outgoing.target not in self.deaf]

    def deliveries(self) -> list[Outgoing]:
        """What has been offered to targets since the last call."""
        return list(self._deliveries())

    def later(self, seconds: float) -> None:
        """Alarms ring meanwhile, each in its time."""
        end = self.work.now + seconds
        alarms = self.work.transaction.alarms
        while (due := alarms.next()) is not None and due <= end:
            self.work.now = due
            self.work.request = None
            for alarm in alarms.due(due, 100):
                alarms.cancel(alarm.ri, alarm.name)
                resource = self.work.transaction.resources.get(alarm.ri)
                assert resource is not None
                self.work.type_of(resource).alarm(self.work, resource, alarm.name)
        self.work.now = end

    def _deliveries(self) -> Iterator[Outgoing]:
        effects, queues = self.work.transaction.effects, self.work.transaction.queues
        while pending := effects.pending(limit=1):
            effects.remove([pending[0].id])
            outgoing = Outgoing(**pending[0].document)
            if outgoing.queue:
                waiting = queues.items(outgoing.source, outgoing.queue, 1)
                if not waiting:
                    continue
                outgoing = replace(outgoing, item=waiting[0].id, **waiting[0].document)
            yield outgoing
            source = self.work.transaction.resources.get(outgoing.source)
            if source is not None and outgoing.reported:
                arrived = outgoing.target not in self.deaf
                told = replace(outgoing, pause=PAUSE)
                self.work.type_of(source).delivered(self.work, source, told, arrived=arrived)


@contextmanager
def subscribing(**settings: Any) -> Iterator[Subscribing]:
    """A scene of its own, with settings."""
    with working(**settings) as work:
        yield Subscribing(work)


def told(content: Any) -> Any:
    """A notification in short: the label of the container, a list of those in a batch, `deleted` for the end."""
    if "m2m:agn" in content:
        return [told({"m2m:sgn": one}) for one in content["m2m:agn"]["m2m:sgn"]]
    notification = content["m2m:sgn"]
    if notification.get("sud"):
        return "deleted"
    (label,) = notification["nev"]["rep"]["m2m:cnt"]["lbl"]
    return label
