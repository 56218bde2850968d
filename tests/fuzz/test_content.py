"""Generated content for every resource type: accepted and kept, or refused with a reason and nothing done."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cse import registry
from cse.config import ServerSettings
from cse.resource import ResourceType
from tests.fuzz.estate import NEIGHBOUR, OWNER, PLACES, Estate, estate, needed
from tests.fuzz.values import Content, anything, representations, texts
from tests.servers import ADMIN

MODEL = registry.model(registry.load_plugins(), ServerSettings())
KINDS = list(MODEL.variants())
BY_NUMBER = {number: list(kind.variants) for number, kind in MODEL.types.items()}
ORIGINATORS = {
    "m2m:ae": "Cnew",
    "m2m:csr": "/id-new",
    "m2m:lmg": NEIGHBOUR,
    "m2m:pch": OWNER,
}  # who alone can create one
FEWER = settings(
    max_examples=settings().max_examples // 3,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)


@pytest.fixture
async def place(clean_log: None) -> AsyncIterator[Estate]:
    async with estate() as furnished:
        yield furnished


def parents(kind: ResourceType) -> list[str]:
    return [path for number, path in PLACES.items() if kind.may_be_below(MODEL.types[number].variants[0])]


def places_for(kind: ResourceType) -> st.SearchStrategy[str]:
    """Mostly where it belongs."""
    anywhere = st.sampled_from([*PLACES.values(), "/cse-in/app/box/la", "/cse-in/app/rules", "/cse-in/nobody"])
    return st.sampled_from(parents(kind) * 10) | anywhere if parents(kind) else anywhere


def below_root(kind: ResourceType, content: Content) -> st.SearchStrategy[Any]:
    """Mostly as it should be."""
    odd = st.dictionaries(texts, anything, max_size=2) | anything.filter(lambda value: value is not None)
    odd |= st.sampled_from([b"null", {kind.root: content, "m2m:x": content}])
    return st.integers(0, 19).flatmap(lambda number: odd if number == 0 else st.just({kind.root: content}))


def originator(kind: ResourceType) -> str:
    return ORIGINATORS.get(kind.root, ADMIN)


async def test_what_is_needed_is_enough(place: Estate) -> None:
    for kind in filter(lambda kind: kind.creatable, KINDS):
        for path in parents(kind):
            made = await place.create(path, kind.number, {kind.root: needed(kind)}, originator(kind))
            assert made is not None, (kind.root, path, place.last)
            await place.remove(made)


@st.composite
def histories(draw: st.DrawFn, number: int) -> tuple[str, str, Any, list[Any]]:
    """Who creates a resource of this type, where and with what, and how it is updated then."""
    kind = draw(st.sampled_from(BY_NUMBER[number]))
    content = draw(representations(kind, needed(kind), creating=True))
    changes = draw(st.lists(representations(kind, {}, creating=False), min_size=1, max_size=3))
    place = draw(places_for(kind))
    return originator(kind), place, draw(below_root(kind, content)), [draw(below_root(kind, each)) for each in changes]


@pytest.mark.parametrize("number", sorted(BY_NUMBER))
@given(data=st.data())
@FEWER
async def test_whatever_is_sent_is_kept_or_refused(place: Estate, number: int, data: st.DataObject) -> None:
    who, where, content, updates = data.draw(histories(number))
    before = await place.paths()
    made = await place.create(where, number, content, who)
    if made is not None:
        for changes in updates:
            await place.update(made, changes, who)
        await place.remove(made)
    assert await place.paths() == before
