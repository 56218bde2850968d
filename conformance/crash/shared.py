"""One container into which several connections put instances at the same time; it keeps the newest."""

from collections.abc import Iterator
from random import Random
from threading import Event

from conformance.client import NoAnswer
from conformance.crash.findings import Findings, History
from conformance.crash.server import Server, decided
from conformance.crash.tree import Step, flat, name_of
from conformance.standard import CIN, CNT

LIMIT = 60


class Contributor:
    """A connection that does nothing but create instances. `acknowledged` has their names, oldest first."""

    def __init__(self, server: Server, container: str, name: str, findings: Findings) -> None:
        self.history = History()
        self.acknowledged: list[str] = []
        self.unchecked = 0
        self._server, self._container, self._name, self._findings = server, container, name, findings
        self._sent = 0

    def run(self, random: Random, go_on: Event, stop: Event) -> None:
        """Send until it is time to stop."""
        while go_on.wait() and not stop.is_set():
            self._sent += 1
            name = f"{self._name}-{self._sent}"
            content = {"con": "x" * random.randint(1, 100)}
            self._create(Step("POST", f"{self._container}/{name}", CIN, content))

    def _create(self, step: Step) -> None:
        self._findings.requests += 1
        try:
            answer = self._server.client.send("POST", step.parent, step.content, ty=CIN)
        except NoAnswer as silence:
            self._findings.in_doubt += 1
            self.history.step(step, f"no answer ({silence.__cause__!r})")
            self._server.wait()
            return
        self.history.step(step, str(answer.rsc))
        if not decided(answer):
            self._findings.in_doubt += 1
        elif answer.rsc == 2001:
            self.acknowledged.append(name_of(step.path))
            self.unchecked += 1
        else:
            self._findings.add(f"{step.path} was refused with {answer.rsc}: {answer.content}")


class SharedContainer:
    """The container and those who use it."""

    def __init__(self, server: Server, path: str, connections: int, findings: Findings) -> None:
        self._server, self._path, self._findings = server, path, findings
        self.contributors = [Contributor(server, path, f"w{number}", findings) for number in range(connections)]

    def prepare(self) -> None:
        """Make the container."""
        step = Step("POST", self._path, CNT, {"mni": LIMIT})
        self._server.client.send("POST", step.parent, step.content, ty=CNT).expect(2001)

    def audit(self) -> None:
        """Nobody's instances may have gone but for newer ones, and the counters are right."""
        attributes = self._server.attributes(self._path, rcn=4)
        if attributes is None:
            self._findings.add(f"{self._path} is missing")
            return
        there = {name_of(path): child for path, child in flat(self._path, attributes) if path != self._path}
        sizes = [len(child["con"]) for child in there.values()]
        for name, wanted in (("cni", len(sizes)), ("cbs", sum(sizes))):
            if attributes[name] != wanted:
                self._findings.add(f"{self._path} has {name} {attributes[name]}, but it must be {wanted}")
        for sentence in self._lost(set(there)):
            self._findings.add(f"{self._path} {sentence}")
        for contributor in self.contributors:
            self._findings.checked += contributor.unchecked
            contributor.unchecked = 0

    def _lost(self, there: set[str]) -> Iterator[str]:
        acknowledged = sum(len(each.acknowledged) for each in self.contributors)
        if len(there) > LIMIT or len(there) < min(acknowledged, LIMIT):
            yield f"has {len(there)} instances of {acknowledged}, and mni is {LIMIT}"
        for contributor in self.contributors:
            names = contributor.acknowledged
            oldest = next((index for index, name in enumerate(names) if name in there), len(names))
            for name in names[oldest:]:
                if name not in there:
                    story = "\n    ".join(contributor.history.story(f"{self._path}/{name}"))
                    yield f"lacks {name}, and has older ones\n    {story}"
