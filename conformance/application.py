"""Registered application entities, with short forms for what tests make below them."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from conformance.client import Attributes, Client, Target
from conformance.standard import ACP, ALL, CIN, CNT, GRP, SUB


class Application(Client):
    """A registered application entity; `remove` is for what is made for it elsewhere than below it."""

    def __init__(self, cse: Target, attributes: Attributes, remove: Callable[[str], None]) -> None:
        super().__init__(cse, attributes["aei"])
        self.remove = remove
        self.identifier: str = attributes["aei"]
        self.path = f"{cse.name}/{attributes['rn']}"

    def make(self, parent: str | None, ty: int, attributes: Attributes, root: str | None = None) -> str:
        """The path of a new resource below this application, or where else is said."""
        parent = parent or self.path
        made = self.create(parent, ty, {"rn": new_name()} | attributes, root=root).resource(2001)
        return f"{parent}/{made['rn']}"

    def container(self, parent: str | None = None, **attributes: object) -> str:
        """The path of a new container."""
        return self.make(parent, CNT, attributes)

    def instance(self, container: str, content: object) -> Attributes:
        """A new contentInstance."""
        return self.create(container, CIN, {"con": content}).resource(2001)

    def policy(self, *rules: Attributes, own: Sequence[Attributes] = ()) -> str:
        """The path of a new accessControlPolicy; without `own` rules this application may change it."""
        self_privileges = list(own) or [rule(ALL, self.identifier)]
        return self.make(None, ACP, {"pv": {"acr": list(rules)}, "pvs": {"acr": self_privileges}})

    def group(self, *members: str, **attributes: object) -> str:
        """The path of a new group."""
        return self.make(None, GRP, {"mnm": 10, "mid": list(members)} | attributes)

    def subscription(self, parent: str, *targets: str, **attributes: object) -> Attributes:
        """A new subscription; this application is notified unless others are named."""
        targets = targets or (self.identifier,)
        return self.create(parent, SUB, {"nu": list(targets)} | attributes).resource(2001)


def rule(rights: int, *originators: str, **conditions: object) -> Attributes:
    """An accessControlRule."""
    return {"acor": list(originators), "acop": rights} | conditions


def new_name() -> str:
    """A resource name that nobody uses."""
    return f"conformance-{secrets.token_hex(6)}"


def timestamp(**distance: float) -> str:
    """The time at a distance (of `timedelta`) from now."""
    return (datetime.now(UTC) + timedelta(**distance)).strftime("%Y%m%dT%H%M%S")
