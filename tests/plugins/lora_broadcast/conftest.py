from collections.abc import AsyncIterator

import pytest

from tests.plugins.lora_broadcast.scene import Scene, Start


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.network.start(made.engine)
    yield made
    await made.network.stop()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts the network of a scene; it is stopped after the test."""
    started: list[Scene] = []

    async def starter(made: Scene) -> Scene:
        await made.network.start(made.engine)
        started.append(made)
        return made

    yield starter
    for made in started:
        await made.network.stop()
