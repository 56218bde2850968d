"""A small tree with a place for every resource type, and what holds of every answer there, whatever was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from cse.errors import HTTP_STATUS_BY_RESPONSE_STATUS_CODE
from cse.resource import ResourceType
from tests.fuzz.values import Content, least
from tests.servers import ADMIN, PATIENCE, Answer, Running, eventually, serving

OWNER = "Capp"
NEIGHBOUR = "/id-neighbour"
PENDING = 3  # m2m:requestStatus
PLACES = {
    5: "/cse-in",
    2: "/cse-in/app",
    3: "/cse-in/app/box",
    14: "/cse-in/app-node",
    28: "/cse-in/app/flex",
    29: "/cse-in/app/series",
}
EVERYBODY = {"acr": [{"acor": ["all"], "acop": 63}]}
FURNITURE: tuple[tuple[int, int, Content], ...] = (
    (2, 1, {"m2m:acp": {"rn": "rules", "pv": EVERYBODY, "pvs": EVERYBODY}}),
    (2, 3, {"m2m:cnt": {"rn": "box"}}),
    (3, 4, {"m2m:cin": {"rn": "one", "con": "1"}}),
    (2, 9, {"m2m:grp": {"rn": "meters", "mnm": 5, "mid": [OWNER]}}),
    (5, 14, {"m2m:nod": {"rn": "app-node", "ni": "n1"}}),
    (2, 28, {"cod:tempe": {"rn": "flex", "cnd": "org.onem2m.common.moduleclass.temperature", "curT0": 20.5}}),
    (2, 29, {"m2m:ts": {"rn": "series"}}),
    (5, 16, {"m2m:csr": {"rn": "neighbour", "cb": f"{NEIGHBOUR}/cse", "rr": False, "srv": ["3"]}}),
)
CREATORS = {2: OWNER, 3: OWNER, 16: NEIGHBOUR}  # of furniture below these types, or of these types
# What a CREATE needs that its declaration does not say: values that make sense together, or in this tree.
NEEDED: dict[str, Content] = {
    "m2m:acp": {"pv": EVERYBODY, "pvs": EVERYBODY},
    "m2m:ae": {"api": "N.test"},
    "m2m:crs": {"rrat": ["cse-in/app/box"], "encs": {"enc": [{"net": [3]}]}, "nu": [OWNER]},
    "m2m:csr": {"cb": "/id-new/cse"},
    "m2m:grp": {"mnm": 5, "mid": [OWNER]},
    "m2m:lmg": {"mad": "239.192.1.2", "mgft": f"{NEIGHBOUR}/meters", "mli": ["cse-in/app"]},
    "m2m:sub": {"nu": [OWNER]},
    "m2m:tsi": {"dgt": "20300101T000000"},
}


@asynccontextmanager
async def estate() -> AsyncIterator["Estate"]:
    """A server in which nothing takes long."""
    soon = dict.fromkeys(
        (
            "blocking_deadline",
            "campaign_deadline",
            "exchange_timeout",
            "polling_timeout",
            "notification_lifetime",
            "notification_backoff_limit",
        ),
        0.1,
    )
    async with serving(**soon) as cse:
        await cse.client.register("app", "loopback://app")
        for place, ty, content in FURNITURE:
            creator = CREATORS.get(ty, CREATORS.get(place, ADMIN))
            answer = await cse.client.create(PLACES[place], ty, content, creator)
            assert answer.rsc == 2001, answer
        yield Estate(cse)


def needed(kind: ResourceType) -> Content:
    """What a CREATE of this type must have."""
    table = getattr(kind, "table", None)
    definition = {kind.definition: table.definition or "x"} if table else {}
    return least(kind) | definition | NEEDED.get(kind.root, {})


class Estate:
    """Sends requests and judges the answers."""

    def __init__(self, cse: Running) -> None:
        self.cse = cse
        self.kinds = {number: kind.variants for number, kind in cse.server.core.model.types.items()}

    async def ask(self, method: str, path: str, originator: str | None, **request: Any) -> Answer:
        """One request: answered soon, by a code that is no failure of the server; a refusal changes nothing."""
        before = await self.tree()
        async with asyncio.timeout(PATIENCE):
            answer = await self.cse.client.request(method, path, originator, **request)
        judge(answer)
        if answer.rsc >= 4000:
            assert await self.tree() == before
        return answer

    async def create(self, path: str, ty: int, content: Any, originator: str) -> str | None:
        """The address of the new resource, which is there as it was acknowledged; None if it is refused."""
        answer = await self.ask("POST", path, originator, ty=ty, content=content)
        self.last = answer
        return None if answer.rsc >= 4000 else await self._there(f"/{answer.resource['ri']}", answer)

    async def update(self, path: str, content: Any, originator: str) -> None:
        """Changes are acknowledged as they are then, or refused."""
        answer = await self.ask("PUT", path, originator, content=content)
        if answer.rsc < 4000:
            await self._there(path, answer)

    async def remove(self, path: str) -> None:
        """It is gone at once."""
        assert (await self.ask("DELETE", path, ADMIN)).rsc == 2002
        assert (await self.ask("GET", path, ADMIN)).rsc == 4004

    async def _there(self, path: str, acknowledged: Answer) -> str:
        found = await self.ask("GET", path, ADMIN)
        assert found.rsc == 2000, (found, acknowledged)
        assert acknowledged.content.keys() == found.content.keys()
        assert found.resource == found.resource | acknowledged.resource
        return path

    async def finished(self, request: str) -> None:
        """A request that was accepted comes to an end; it may not be kept then, and is not needed any more."""
        ask = partial(self.cse.client.get, f"/{request}")
        await eventually(ask, lambda answer: answer.rsc == 4004 or answer.resource["rs"] != PENDING)
        assert (await self.cse.client.delete(f"/{request}")).rsc in (2002, 4004)

    async def tree(self) -> tuple[Any, ...]:
        """All resources with their lists, once everything that was to follow from earlier requests has been done."""
        *tree, _ = await eventually(self.cse.snapshot, lambda snapshot: not snapshot[-1])
        return tuple(tree)

    async def paths(self) -> set[str]:
        resources, *_ = await self.tree()
        return {resource.path for resource in resources}


def judge(answer: Answer) -> None:
    """The status fits the code, none of them says that the server has failed, and a refusal says why."""
    if answer.status == 204:  # no response was wanted
        return
    assert answer.rsc != 5000, answer
    assert answer.status == HTTP_STATUS_BY_RESPONSE_STATUS_CODE[answer.rsc], answer
    if answer.rsc >= 4000:
        assert len(answer.debug) > 10, answer
