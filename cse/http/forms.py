"""What Content-Type and Accept say of the form of a request and of its answer."""

from functools import lru_cache
from typing import NamedTuple

from cse.errors import NotAcceptable
from cse.http.headers import ContentType, Headers
from cse.serialization.formats import Serialization, Serializations

REMEMBERED = 1000  # pairs of the two headers,
LONGEST = 200  # that have together no more characters than this


class Form(NamedTuple):
    """How the content is written and the answer is to be written; `media_type` is what the latter is called.

    `refusal` says why the client can't have an answer, but an explanation in a form that it does not accept.
    """

    content_type: ContentType
    serialization: Serialization
    media_type: bytes
    refusal: str = ""


class Forms:
    """Clients write the same headers again and again: what follows from the last ones is at hand.

    It depends on their text and on the serialisations that are there from the start, and so is never out of date.
    """

    def __init__(self, serializations: Serializations) -> None:
        self._serializations = serializations
        self._at_hand = lru_cache(REMEMBERED)(self._read)

    def of(self, headers: Headers) -> Form:
        """By Accept, else as the request was written, else the default: an error is explained in any case."""
        accept, content_type = headers.get("accept", ""), headers.get("content-type", "")
        read = self._at_hand if len(accept) + len(content_type) <= LONGEST else self._read
        return read(accept, content_type)

    def _read(self, accept: str, content_type: str) -> Form:
        parsed = ContentType.parse(content_type)
        default = self._serializations.default
        preferred = self._serializations.named(parsed.media_type) or default
        try:
            serialization, media_type = self._serializations.accepted(accept, preferred)
        except NotAcceptable as error:
            return Form(parsed, default, default.media_type.encode(), str(error))
        return Form(parsed, serialization, media_type.encode())
