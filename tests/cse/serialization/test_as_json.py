from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given

from cse.errors import BadRequest
from cse.serialization import as_json
from tests.cse.serialization.documents import documents

LEVELS = 32


@given(documents)
def test_what_is_written_is_read(document: Any) -> None:
    assert as_json.read(as_json.write(document), 250) == document


@given(...)
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    with suppress(BadRequest):
        assert orjson.dumps(as_json.read(data, LEVELS))


@pytest.mark.parametrize("levels", [1, 2, 31, 32, 33, 300, 2000])
def test_nesting_has_a_limit(levels: int) -> None:
    data = b'{"a":' * levels + b"1" + b"}" * levels
    if levels <= LEVELS:
        assert as_json.read(data, LEVELS)
    else:
        with pytest.raises(BadRequest):
            as_json.read(data, LEVELS)


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b'{"b":[{"a":1,"c":2,"a":3}]}', b'{"a":{},"\\u0061":{}}'])
def test_a_member_may_be_there_once(data: bytes) -> None:
    with pytest.raises(BadRequest, match="two members 'a'"):
        as_json.read(data, LEVELS)
