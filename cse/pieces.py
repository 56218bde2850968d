"""Content that is too large to be in memory several times, or to be written without a break: pieces of JSON text."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from cse.primitive import Content, Response


@dataclass(slots=True, frozen=True)
class Pieces:
    """What the `content` of a response may be; joined, the `texts` are its JSON, and none of them is long."""

    texts: Sequence[bytes]

    def __len__(self) -> int:
        """How many bytes."""
        return sum(map(len, self.texts))

    def whole(self) -> Content:
        """The same as other content is. It may take long: not in the event loop."""
        return orjson.loads(b"".join(self.texts))


async def whole(response: Response) -> Response:
    """The same response for somebody who needs its content as a whole."""
    content = response.content
    if not isinstance(content, Pieces):
        return response
    return replace(response, content=await asyncio.to_thread(content.whole))
