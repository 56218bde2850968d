import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.serialization import as_json
from cse.serialization.limits import Limits
from tests.cse.serialization.documents import LIMITS, ROOMY, documents


@given(documents)
def test_what_is_written_is_read(document: Any) -> None:
    assert as_json.read(as_json.write(document), ROOMY) == document


@given(...)
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    with suppress(BadRequest):
        assert orjson.dumps(as_json.read(data, LIMITS))


@pytest.mark.parametrize("levels", [1, 2, 31, 32, 33, 300, 2000])
def test_nesting_has_a_limit(levels: int) -> None:
    data = b'{"a":' * levels + b"1" + b"}" * levels
    if levels <= LIMITS.nesting:
        assert as_json.read(data, LIMITS)
    else:
        with pytest.raises(BadRequest):
            as_json.read(data, LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"b":[{"a":1,"c":2,"a":3}]}',
        b'{"a":{},"\\u0061":{}}',
        b'{"a" : 1, "a"\n\t:1}',
        b'[{"a":"\\":","a":"\\\\"}]',
    ],
)
def test_a_member_may_be_there_once(data: bytes) -> None:
    with pytest.raises(BadRequest, match="two members 'a'"):
        as_json.read(data, LIMITS)


names = st.text('":\\ \n', max_size=3)


@given(st.lists(st.tuples(names, names, st.sampled_from(["", " ", "\n\t", "\r"])), max_size=4))
def test_repeated_members_are_found_whatever_is_in_the_texts(members: list[tuple[str, str, str]]) -> None:
    text = ",".join(f"{json.dumps(name)}{space}:{json.dumps(value)}" for name, value, space in members)
    if len({name for name, _, _ in members}) == len(members):
        assert as_json.read(f"{{{text}}}".encode(), LIMITS) == {name: value for name, value, _ in members}
    else:
        with pytest.raises(BadRequest, match="two members"):
            as_json.read(f"{{{text}}}".encode(), LIMITS)


def test_colons_in_texts_do_not_make_a_document_suspicious(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read twice takes many times as long, and most names of resources have a colon."""
    monkeypatch.delattr(json, "loads")
    assert as_json.read(rb'{"m2m:cin": {"con": "{\"a\": \"b:c\", \"d\":1}"}}', LIMITS)


@pytest.mark.parametrize("part", [b"1", b"[]", b"{}", b'"a"', b'",[{"', b'"\\",\\\\"', b'{"a,":1}'])
def test_values_are_counted_and_texts_are_not_looked_into(part: bytes) -> None:
    document = b"[" + b",".join([part] * 5) + b"]"
    count = 1 + document.count(b"[]") + document.count(b"{}") + document.count(b'{"a') + 4
    assert as_json.read(document, Limits(nesting=3, values=count)) == orjson.loads(document)
    with pytest.raises(BadRequest, match="max_values"):
        as_json.read(document, Limits(nesting=3, values=count - 1))


@pytest.mark.parametrize("part", [b'"', b'\\"', b"\\", b'",', b'"\\', b",", b'[",'])
def test_quotes_without_end_are_refused_at_once(part: bytes) -> None:
    with pytest.raises(BadRequest):
        as_json.read(b'["' + part * 200_000, LIMITS)


@given(
    st.lists(st.sampled_from(['"', "\\", ",", "[", "]", "{", "}", ":", "1", "null", "\\ud800", "\\u0000", "e9", "-"]))
)
def test_any_signs_are_json_or_refused(signs: list[str]) -> None:
    with suppress(BadRequest):
        assert orjson.dumps(as_json.read("".join(signs).encode(), Limits(3, 2)))


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3)


@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=3), containers))
def test_what_is_written_piece_by_piece_is_the_same(content: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(as_json, "PIECE", 2)
        assert as_json.write_long(content) == as_json.write(content)
