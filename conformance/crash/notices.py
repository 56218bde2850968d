"""Which notifications are due, by what was acknowledged, and which have come."""

import time
from collections import defaultdict
from collections.abc import Iterator
from threading import Lock
from typing import Any, NamedTuple

from conformance.crash.inbox import Received
from conformance.crash.tree import Difference, Step, Tree, meant, name_of, parent_of
from conformance.standard import CHILD_CREATED, CHILD_DELETED, SUB, UPDATED

PATIENCE = 30.0  # seconds in which notifications must have come
PAUSE = 0.05
FORGETFUL = 100  # every so many notifications, one is not answered and has to be repeated


class Happening(NamedTuple):
    """An event, by what tells it from all others: the name of the child, or the label that came with the update."""

    event: int
    mark: str


class Notices:
    """By the addresses of subscriptions, which are also those that their notifications are sent to."""

    def __init__(self) -> None:
        self._due: defaultdict[str, list[Happening]] = defaultdict(list)
        self._come: defaultdict[str, list[tuple[Happening, Received]]] = defaultdict(list)
        self._count = 0
        self._lock = Lock()

    def take(self, received: Received) -> bool:
        """Note what has come, and answer it mostly."""
        signal = received.content["m2m:sgn"]
        if signal.get("vrq") or signal.get("sud"):
            return True
        with self._lock:
            self._come[received.path.lstrip("/")].append((_happening(signal["nev"]), received))
            self._count += 1
            return self._count % FORGETFUL != 0

    def expect(self, tree: Tree, step: Step) -> None:
        """What follows from a step that has been carried out; `tree` is that before it."""
        about = meant(tree, step)
        watched = about if step.method == "PUT" else parent_of(about)
        event = {"PUT": UPDATED, "POST": CHILD_CREATED, "DELETE": CHILD_DELETED}[step.method]
        mark = step.attributes["lbl"][0] if event == UPDATED else name_of(about)
        for path, node in tree.items():
            if node.ty == SUB and parent_of(path) == watched and path != about:
                self._due[path].append(Happening(event, mark))

    def missing(self, tree: Tree) -> list[Difference]:
        """What is wrong with the notifications of the subscriptions that are there; those due are waited for."""
        paths = [path for path, node in tree.items() if node.ty == SUB]
        deadline = time.monotonic() + PATIENCE
        while any(self._outstanding(path) for path in paths) and time.monotonic() < deadline:
            time.sleep(PAUSE)
        return [Difference(path, sentence) for path in paths for sentence in self._wrong(path)]

    def _outstanding(self, path: str) -> list[Happening]:
        with self._lock:
            come = {happening for happening, _ in self._come[path]}
        return [happening for happening in self._due[path] if happening not in come]

    def _wrong(self, path: str) -> Iterator[str]:
        with self._lock:
            come = list(self._come[path])
        due, first = self._due[path], list(dict.fromkeys(happening for happening, _ in come))
        yield from (f"has not told of {one}" for one in self._outstanding(path))
        yield from (f"has told of {one}, which has not happened" for one in first if one not in due)
        if [one for one in first if one in due] != [one for one in due if one in first]:
            yield f"has told of {first}, but the order was {due}"
        yield from _changed(come)


def _changed(come: list[tuple[Happening, Received]]) -> Iterator[str]:
    """A repeat is the same request again."""
    requests: dict[Happening, Received] = {}
    for happening, received in come:
        if (first := requests.setdefault(happening, received)) != received:
            kind = "with other content" if first.identifier == received.identifier else "under another identifier"
            yield f"has told of {happening} by {first.identifier}, and again by {received.identifier}, {kind}"
    if len({received.identifier for received in requests.values()}) < len(requests):
        yield "has told of two events under one request identifier"


def _happening(event: dict[str, Any]) -> Happening:
    ((_, attributes),) = event["rep"].items()
    kind = event["net"]
    return Happening(kind, attributes["lbl"][0] if kind == UPDATED else attributes["rn"])
