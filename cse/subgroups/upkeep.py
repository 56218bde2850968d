"""Keeps the groups at other CSEs as they are to be, while that changes and requests to make them may be refused."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from cse.core import Core
from cse.slices import aside
from cse.subgroups.builder import Builder, Refused
from cse.subgroups.records import Records, SubGroup, digest_of

log = logging.getLogger(__name__)

RETRY = 300.0  # seconds after which a CSE that did not let us make a group is asked again, when there is a request


class Key(NamedTuple):
    """A group of ours, and a CSE that hosts members of it."""

    group: str
    cse: str


class Ready(NamedTuple):
    """A group at another CSE that can be used, and the SP-relative addresses of its members."""

    subgroup: SubGroup
    members: frozenset[str]


class Upkeep:
    """Of all groups; what is done for one of them at one CSE happens one after another."""

    def __init__(self, core: Core, builder: Builder, records: Records) -> None:
        self._ready: dict[Key, Ready] = {}
        self._core = core
        self._builder = builder
        self._records = records
        self._wanted: dict[Key, list[str]] = {}
        now = core.clock.now()  # what no group of ours needs any more, since it has gone, is not settled before that
        self._refused = {Key(each.group, each.cse): now for each in records.all()}
        self._busy: set[Key] = set()

    async def want(self, group: str, members: Mapping[str, list[str]]) -> None:
        """There are to be groups with these members at these CSEs for this group of ours, and no others."""
        known = {key.cse for key in (*self._wanted, *self._ready) if key.group == group} | self._records.of(
            group
        ).keys()
        for cse in known - members.keys():
            self._wanted.pop(Key(group, cse), None)
            await self._settle(Key(group, cse))
        for cse, identifiers in members.items():
            self._wanted[Key(group, cse)] = identifiers
            await self._settle(Key(group, cse))

    def of(self, group: str) -> dict[str, Ready]:
        """What can be used for this group now, by CSE-ID."""
        return {key.cse: ready for key, ready in self._ready.items() if key.group == group}

    def is_refused(self, key: Key, *, is_gone: bool) -> None:
        """It can't be used, as it turns out, or is not there as it was."""
        self._refused[key] = self._core.clock.now()
        ready = self._ready.pop(key, None)
        if ready is not None and is_gone:
            self._records.put(replace(ready.subgroup, digest=""))

    def try_again(self) -> None:
        """For the next request: what was refused may be possible by now."""
        now = self._core.clock.now()
        for key, refused_at in list(self._refused.items()):
            if refused_at + RETRY <= now:
                self._refused[key] = now
                self._core.start(self._settle(key), f"sub-group of {key.group} at {key.cse}")

    async def _settle(self, key: Key) -> None:
        """Make the group at the other CSE what it is to be, or remove it."""
        if key in self._busy:
            return
        self._busy.add(key)
        try:
            while not await self._is_settled(key):
                pass
        finally:
            self._busy.discard(key)

    async def _is_settled(self, key: Key) -> bool:
        """One step; false if something else is wanted meanwhile."""
        wanted = self._wanted.get(key)
        try:
            await self._adjust(key, wanted or [])
            self._refused.pop(key, None)
        except Refused as refusal:
            log.info("no group at %s for members of %s: %s", key.cse, key.group, refusal)
            self._refused[key] = self._core.clock.now()
        return self._wanted.get(key) is wanted

    async def _adjust(self, key: Key, members: list[str]) -> None:
        known = self._records.of(key.group).get(key.cse)
        digest = await aside(len(members), digest_of, members)
        self._ready.pop(key, None)
        if known is not None and not members:
            await self._builder.remove(known)
            self._records.remove(known)
        elif members:
            made = await self._up_to_date(known, key, members, digest)
            self._records.put(made)
            self._ready[key] = Ready(made, await aside(len(members), frozenset, members))

    async def _up_to_date(self, known: SubGroup | None, key: Key, members: list[str], digest: str) -> SubGroup:
        if known is not None and known.digest == digest:
            return known
        try:
            if known is not None:
                return await self._builder.change(known, members, digest)
        except Refused as refusal:
            if not refusal.is_gone:
                raise
        return await self._builder.make(*key, members, digest)
