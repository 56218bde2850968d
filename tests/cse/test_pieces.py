"""Large content in pieces: sent as it is, or put together for those who need it whole."""

from cse.pieces import Pieces, whole
from cse.primitive import OK, Response

ITEMS = Pieces([b'{"m2m:uril":[', b'"a","b"', b',"c","d"', b"]}"])


async def test_pieces_are_the_json_of_a_content() -> None:
    content = {"m2m:uril": ["a", "b", "c", "d"]}
    assert b"".join(ITEMS.texts) == b'{"m2m:uril":["a","b","c","d"]}'
    assert len(ITEMS) == len(b"".join(ITEMS.texts))
    assert (ITEMS.whole(), ITEMS.whole()) == (content, content), "it is not used up"
    assert await whole(Response(OK, ITEMS, content_offset=3)) == Response(OK, content, content_offset=3)


async def test_other_content_stays_as_it_is() -> None:
    response = Response(OK, {"m2m:uril": []})
    assert await whole(response) is response
