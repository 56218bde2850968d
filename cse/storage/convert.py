"""Converts a store: all that is in it, and all that networks remember, goes into another one of any engine."""

from typing import Any, NamedTuple

from cse.config import ConfigurationError
from cse.storage.places import Place
from cse.storage.transfer import Content, Transfer, contents
from cse.store import Store
from cse.store.filling import begin, end, require_whole

Documents = dict[str, Any]


class Converted(NamedTuple):
    """What has been carried over: the content of each table, and the names of networks' documents."""

    tables: list[Content]
    documents: list[str]


async def convert(source: Place, target: Place) -> Converted:
    """Carry everything over and compare both; ConfigurationError if it can't be done.

    The target has a mark until all of it is there and has been compared, with which no server starts. The source must
    not be served: what is written meanwhile would be lost.
    """
    if source.is_at(target):
        raise ConfigurationError(f"{source.shown} is both source and target: name another target")
    async with source.opened(reads_only=True) as store:
        await store.read(require_whole)  # before anything is made or locked
    async with target.opened() as into, source.opened() as store:
        return await fill(into, store, target.shown)


async def fill(target: Store, source: Store, name: str) -> Converted:
    """Carry everything over into an empty store, which has this name in sentences."""
    carried = remembered(source)
    _require_room(target, carried, name)
    try:
        await target.run(begin)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from error
    before = await Transfer(target).run(source)
    for document, content in carried.items():
        target.documents(document).write(content)
    _compare(before, await contents(target), name)
    if any(remembered(target).get(document) != content for document, content in carried.items()):
        raise ConfigurationError(f"{name} does not have the documents of networks as they were: remove it")
    await target.run(end)
    return Converted(before, sorted(carried))


def remembered(store: Store) -> Documents:
    """The documents of networks by name."""
    return {name: store.documents(name).read() or {} for name in store.document_names()}


def _require_room(target: Store, carried: Documents, name: str) -> None:
    """What is there already may be the very same, if both stores have one data folder."""
    there = remembered(target)
    others = [document for document, content in there.items() if carried.get(document) != content]
    if others:
        raise ConfigurationError(
            f"where {name} keeps what networks remember there is {others[0]} already: remove it, or name another folder"
        )


def _compare(before: list[Content], after: list[Content], name: str) -> None:
    different = [one.table for one, other in zip(before, after, strict=True) if one != other]
    if different:
        raise ConfigurationError(f"{name} does not have the {different[0]} of the source: remove it, and tell us")
