"""One connection: it sends one request after another, and knows exactly what must be there after each."""

import time
from random import Random
from threading import Event

from conformance.client import Answer, Attributes, Client, NoAnswer
from conformance.crash.audit import Audit, observe
from conformance.crash.findings import Findings, History
from conformance.crash.load import Load
from conformance.crash.notices import Notices
from conformance.crash.server import Server, decided
from conformance.crash.tree import Difference, Step, Tree, adopt, change, differences, name_of
from conformance.standard import AE

AFTER_DOUBT = 0.2  # seconds in which what is on its way inside of a CSE of several processes is over
MOST_GONE = 30  # deleted resources that are looked for again


class Worker:
    """After a request without an answer it first finds out, by looking, what became of it."""

    def __init__(self, server: Server, load: Load, notices: Notices, findings: Findings) -> None:
        self.history = History()
        self._server, self._load, self._notices, self._findings = server, load, notices, findings
        self._tree: Tree = {}
        self._roots: dict[str, None] = {}
        self._gone: dict[str, str] = {}
        self._unchecked = 0

    def prepare(self) -> None:
        """Make what is there from the beginning."""
        for step in self._load.first():
            self._take(step)

    def run(self, random: Random, go_on: Event, stop: Event) -> None:
        """Send until it is time to stop, or something is wrong; a pause while `go_on` is not set."""
        while go_on.wait() and not stop.is_set():
            if not self._take(self._load.next(random, self._tree)):
                return

    def audit(self, random: Random) -> None:
        """Everything must be as the model says."""
        self._blame(Audit(self._server, self._tree, self._roots, self._gone).differences(random))
        self._blame(self._notices.missing(self._tree))
        self._findings.checked += self._unchecked
        self._unchecked = 0

    def _take(self, step: Step) -> bool:
        """Send a request, and follow its outcome; whether that was as it must be."""
        self._findings.requests += 1
        if step.ty == AE:
            self._roots[step.path] = None
        try:
            answer = self._send(step)
        except NoAnswer as silence:
            self.history.step(step, f"no answer ({silence.__cause__!r})")
            return self._settle(step)
        self.history.step(step, f"{answer.rsc}" if answer.rsc < 3000 else f"{answer.rsc} {answer.content}")
        if not decided(answer):
            return self._settle(step)
        if answer.rsc >= 3000:
            return self._blame([Difference(step.path, f"{step.method} was refused with {answer.rsc}")])
        self._unchecked += 1
        self._follow(step, change(self._tree, step, _told(step, answer)))
        return True

    def _send(self, step: Step) -> Answer:
        creates = step.method == "POST"
        client = self._server.client
        if creates and step.ty == AE:
            client = Client(self._server.target, f"C{name_of(step.path)}")
        target = step.parent if creates else step.path
        return client.send(step.method, target, step.content, ty=step.ty if creates else None)

    def _settle(self, step: Step) -> bool:
        """Nobody knows whether it was carried out: either is right, but nothing in between."""
        self._findings.in_doubt += 1
        time.sleep(AFTER_DOUBT)
        found = observe(self._server, self._roots)
        done = change(self._tree, step)
        wrong, wrong_if_done = differences(self._tree, found), differences(done, found)
        happened = len(wrong_if_done) < len(wrong)
        self.history.note(step.path, f"{step.path}: that was {'' if happened else 'not '}carried out")
        if happened:
            self._follow(step, adopt(done, step.path, found))
        return self._blame(wrong_if_done if happened else wrong)

    def _follow(self, step: Step, after: Tree) -> None:
        """The step has been carried out."""
        self._notices.expect(self._tree, step)
        gone = {path: node.told["ri"] for path, node in self._tree.items() if path not in after}
        self._gone = dict(list((self._gone | gone).items())[-MOST_GONE:])
        self._tree = after
        if step.method == "DELETE":
            self._roots.pop(step.path, None)

    def _blame(self, found: list[Difference]) -> bool:
        """Tell of what is wrong; true if nothing is."""
        for path, sentence in found:
            self._findings.add(f"{path} {sentence}", self.history.story(path))
        return not found


def _told(step: Step, answer: Answer) -> Attributes:
    """The attributes in the answer; that to a DELETE is of no interest."""
    return {} if step.method == "DELETE" or not answer.content else answer.resource(2001, 2004)
