"""Makes groups at other CSEs, changes their members, and removes them."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cse.fanout import split
from cse.network import Engine
from cse.primitive import Operation, Request, Response
from cse.resource import Admission, Collective, ResourceType
from cse.subgroups.records import SubGroup
from cse.work import Model

RELEASE = "3"
NOT_FOUND = 4004


class Refused(Exception):
    """The other CSE has not done it, or can't be reached. `is_gone` says that there is no such resource."""

    def __init__(self, sentence: str, *, is_gone: bool = False) -> None:
        super().__init__(sentence)
        self.is_gone = is_gone


class Builder:
    """Of the types that this server has itself for groups and policies."""

    def __init__(self, engine: Engine, model: Model, collective: Collective, admission: Admission) -> None:
        self._engine = engine
        self._naming = model.naming
        (self._fan_out_name,) = model.fan_out_names
        self._collective = collective
        self._admission = admission

    async def make(self, group: str, cse: str, members: Sequence[str], digest: str) -> SubGroup:
        """Below what stands for this CSE there, or else the CSEBase, whichever lets us; Refused if none does."""
        for parent in (f"{cse}/{self._naming.base_identifier}", f"{cse}/-"):
            try:
                return await self._make_below(parent, SubGroup(group, cse, "", "", digest), members)
            except Refused as refusal:
                reason = refusal
        raise reason

    async def change(self, known: SubGroup, members: Sequence[str], digest: str) -> SubGroup:
        """Give it other members; Refused, and it may be gone."""
        content = {self._collective.root: self._collective.of_members(members)}
        await self._ask(Operation.UPDATE, known.address, content)
        return replace(known, digest=digest)

    async def remove(self, known: SubGroup) -> None:
        """Leave nothing behind; Refused if the other CSE can't be asked."""
        for address in (known.address, known.policy):
            try:
                await self._ask(Operation.DELETE, address)
            except Refused as refusal:
                if not refusal.is_gone:
                    raise

    async def _make_below(self, parent: str, planned: SubGroup, members: Sequence[str]) -> SubGroup:
        """The members judge for themselves who may do what, so that everybody may address them by the group."""
        open_to_all = self._admission.of_everybody(self._engine.cse_id)
        policy = await self._create(planned.cse, parent, self._admission, open_to_all)
        attributes = self._collective.of_members(members, policy)
        try:
            address = await self._create(planned.cse, parent, self._collective, attributes)
        except Refused:
            await self._ask(Operation.DELETE, policy)
            raise
        made = replace(planned, address=address, policy=policy)
        await self._require_names(made, members[0])
        return made

    async def _require_names(self, made: SubGroup, member: str) -> None:
        """Only where answers say whose they are, can they be told apart: try it with one member."""
        target = f"{made.address}/{self._fan_out_name}"
        response = await self._request(Operation.RETRIEVE, target, group_target_members=(member,))
        directory = {member: member}
        named = split.responses(self._naming, made.cse, directory, split.items(response) or ())
        if not any(host == member for host, _ in named):
            await self.remove(made)
            raise Refused(f"{made.cse} answers for a group without saying which item is whose: {response.status_code}")

    async def _create(self, cse: str, parent: str, kind: ResourceType, attributes: dict[str, Any]) -> str:
        """The SP-relative address of the new resource."""
        content = {kind.root: attributes}
        response = await self._ask(Operation.CREATE, parent, content, resource_type=kind.number)
        made = response.content.get(kind.root) if isinstance(response.content, dict) else None
        identifier = made.get("ri") if isinstance(made, dict) else None
        if not isinstance(identifier, str):
            raise Refused(f"{cse} has not said which resource it has made")
        return identifier if identifier.startswith("/") else f"{cse}/{identifier}"

    async def _ask(self, operation: Operation, to: str, content: Any = None, **parameters: Any) -> Response:
        """The response, if it is a success."""
        response = await self._request(operation, to, content=content, **parameters)
        if not response.succeeded:
            sentence = f"{operation.name} of {to} was answered with {response.status_code}: {response.content}"
            raise Refused(sentence, is_gone=response.status_code == NOT_FOUND)
        return response

    async def _request(self, operation: Operation, to: str, **parameters: Any) -> Response:
        identifier = "sub" + secrets.token_hex(8)
        return await self._engine.request(
            Request(operation, to, self._engine.cse_id, identifier, release_version=RELEASE, **parameters)
        )
