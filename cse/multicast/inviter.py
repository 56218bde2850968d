"""Making, changing and deleting a <localMulticastGroup> at one other CSE, by unicast."""

import secrets
from collections import Counter
from enum import StrEnum
from typing import Any, NamedTuple

from cse.coap.target import DEFAULT_PORT, Endpoint
from cse.multicast.bearer import Bearer
from cse.multicast.records import Place, Record
from cse.network import Engine
from cse.primitive import DELETED, Operation, Request, Response

NOT_FOUND, CONFLICT = 4004, 4105
# Whether the other CSE has heard it is not known: no answer in time, not reachable by us or by somebody on the way.
SILENCE = {4008, 5103, 5105, 5107}
RELEASE = "3"


class Outcome(StrEnum):
    """How a CSE has taken it."""

    DONE = "done"
    REFUSED = "refused"
    SILENT = "silent"


class ListenerType(NamedTuple):
    """The resource type that stands for a CSE's listening: its number, and the name of its root in content."""

    number: int
    root: str


class Inviter:
    """`outcomes` counts them: set-up traffic, which is not part of any request to the group."""

    def __init__(self, engine: Engine, kind: ListenerType, bearer: Bearer) -> None:
        self._engine = engine
        self._kind = kind
        self.bearer = bearer
        self.outcomes: Counter[Outcome] = Counter()

    async def join(self, record: Record, cse: str, members: tuple[str, ...], known: bool) -> Outcome:
        """Have a CSE listen to the group's address for these members of its own; `known` if it may do so already."""
        content = {"mli": list(members), "rstw": f"PT{record.window:g}S", **self.bearer.attributes(record)}
        status = await self._change(record, cse, content) if known else await self._create(record, cse, content)
        if known and status == NOT_FOUND:
            status = await self._create(record, cse, content)
        elif not known and status == CONFLICT:
            status = await self._change(record, cse, content)
        return self._count(status)

    async def leave(self, place: Place) -> Outcome:
        """Have it listen no longer."""
        response = await self._ask(Operation.DELETE, _address(*place))
        return self._count(DELETED if response.status_code == NOT_FOUND else response.status_code)

    async def _create(self, record: Record, cse: str, content: dict[str, Any]) -> int:
        group = {
            "rn": record.segment,
            "mad": multicast_address(record.address),
            "mgft": f"{self._engine.cse_id}/{record.segment}",
            "rstt": self._engine.cse_id,
            **content,
        }
        response = await self._ask(Operation.CREATE, f"{cse}/-", group, resource_type=self._kind.number)
        return response.status_code

    async def _change(self, record: Record, cse: str, content: dict[str, Any]) -> int:
        response = await self._ask(Operation.UPDATE, _address(cse, record.segment), content)
        return response.status_code

    async def _ask(
        self, operation: Operation, to: str, group: dict[str, Any] | None = None, **parameters: Any
    ) -> Response:
        return await self._engine.request(
            Request(
                operation,
                to,
                self._engine.cse_id,
                f"multicast-{secrets.token_hex(8)}",
                content=None if group is None else {self._kind.root: group},
                release_version=RELEASE,
                **parameters,
            )
        )

    def _count(self, status_code: int) -> Outcome:
        if 2000 <= status_code < 3000:
            outcome = Outcome.DONE
        else:
            outcome = Outcome.SILENT if status_code in SILENCE else Outcome.REFUSED
        self.outcomes[outcome] += 1
        return outcome


def multicast_address(address: Endpoint) -> str:
    """As the standard has it, an IP address; our extension adds the port where it is not CoAP's."""
    return address.ip if address.port == DEFAULT_PORT else str(address)


def _address(cse: str, segment: str) -> str:
    return f"{cse}/-/{segment}"
