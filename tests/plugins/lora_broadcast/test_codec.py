from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.primitive import Content, Response
from plugins.lora_broadcast.codec import (
    LONGEST_EXPONENT,
    WITH_READING,
    AnswerMessage,
    CampaignMessage,
    Malformed,
    decode_reading,
    restore,
    shorten,
)
from tests.plugins.lora_broadcast.kit import instruction

UNSIGNED = st.integers(0, (1 << 32) - 1)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NOTIFICATIONS = st.builds(
    lambda sur, con: {"m2m:sgn": {"sur": sur, "nev": {"rep": {"m2m:cin": {"con": con}}}}}, JSON, JSON
)
INSTANCES = st.builds(lambda con: {"m2m:cin": {"con": con}}, JSON)
CONTENTS = JSON | NOTIFICATIONS | INSTANCES


@given(UNSIGNED, st.integers(0, LONGEST_EXPONENT), CONTENTS, st.lists(UNSIGNED, max_size=4).map(tuple))
def test_a_request_comes_back_exactly(
    campaign: int, exponent: int, content: Content, excluded: tuple[int, ...]
) -> None:
    message = CampaignMessage(campaign, exponent, content, excluded)
    assert CampaignMessage.decode(message.encode()) == message


@given(UNSIGNED, st.integers(1000, 9999), CONTENTS, JSON)
def test_an_answer_comes_back_exactly(campaign: int, status_code: int, content: Content, reading: Content) -> None:
    message = AnswerMessage(campaign, Response(status_code, content), reading)
    assert AnswerMessage.decode(message.encode()) == message


def test_an_answer_with_a_reading() -> None:
    message = CampaignMessage(1, WITH_READING, instruction())
    assert CampaignMessage.decode(message.encode()).window_exponent == WITH_READING
    answer = AnswerMessage(1, Response(2000, {"m2m:cin": {"con": "1"}})).with_reading([5, 900])
    assert AnswerMessage.decode(answer.encode()).reading == [5, 900]
    assert answer.without_content() == AnswerMessage(1, Response(2000), [5, 900])


def test_the_usual_envelopes_take_their_values_only() -> None:
    assert shorten(instruction(900)) == ["cse-in/city", '{"interval":900}']
    assert shorten({"m2m:cin": {"con": "1"}}) == ["1"]
    assert len(CampaignMessage(70_000, 9, instruction(900)).encode()) == 37


@pytest.mark.parametrize(
    "content",
    [
        {"m2m:cin": {"con": "1", "cnf": "text/plain:0"}},
        {"m2m:cin": {"con": 1}},
        {"m2m:sgn": {"sur": "x", "nev": {"net": 1, "rep": {"m2m:cin": {"con": "1"}}}}},
        {"m2m:sgn": {"nev": {"rep": {"m2m:cin": {"con": "1"}}}}},
    ],
)
def test_anything_more_is_carried_as_it_is(content: Content) -> None:
    assert shorten(content) is content


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        [1, 2],
        [1, 2, None, [], 5],
        [-1, 2, None],
        [1 << 32, 2, None],
        [True, 2, None],
        [1, LONGEST_EXPONENT + 1, None],
        [1, 2, None, "x"],
        [1, 2, None, [-1]],
        [1, 2, ["a", "b", "c"]],
        [1, 2, [1]],
    ],
)
def test_malformed_requests_are_refused(body: Any) -> None:
    with pytest.raises(Malformed):
        CampaignMessage.decode(cbor2.dumps(body))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x83\x01", cbor2.dumps(b"bytes"), cbor2.dumps({1: 2})])
def test_what_is_not_json_in_cbor_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        decode_reading(payload)
    with pytest.raises(Malformed):
        AnswerMessage.decode(payload)


@given(st.binary(max_size=60))
def test_rubbish_is_refused_and_nothing_else_happens(payload: bytes) -> None:
    for decode in (CampaignMessage.decode, AnswerMessage.decode, decode_reading):
        try:
            decode(payload)
        except Malformed:
            continue


def test_an_array_of_unknown_form_is_no_content() -> None:
    with pytest.raises(Malformed, match="form"):
        restore([1, 2])
