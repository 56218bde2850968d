from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.coap.message import MAX_TOKEN, Message, decode, encode
from cse.primitive import OK, Response, error_response
from plugins.udp_multicast.cses.answering import NOT_ACCEPTABLE, Said, aggregate, answers, together, understood
from plugins.udp_multicast.messages import read_answer

CSE = "/id-mn"
MOST = 300


def said(count: int, size: int = 10) -> list[Said]:
    return [Said(f"{CSE}/cse-mn/c{number}", Response(OK, {"m2m:cnt": {"rn": "x" * size}})) for number in range(count)]


def received(messages: list[Message], most: int = MOST) -> list[Any]:
    """The contents of the answers that arrive."""
    contents = []
    for message in messages:
        datagram = encode(replace(message, token=bytes(MAX_TOKEN)))
        assert len(datagram) <= most
        told = read_answer(decode(datagram))
        assert (told.request_identifier, told.originator) == ("r-1", CSE)
        contents.append(told.response)
    return contents


def items(response: Response) -> list[dict[str, Any]]:
    found = response.content["m2m:agr"]["m2m:rsp"]
    assert response.status_code == OK
    assert isinstance(found, list)
    return found


def test_a_single_member_answers_by_itself() -> None:
    assert received(answers("r-1", CSE, said(1), MOST)) == [said(1)[0].response]
    (too_large,) = received(answers("r-1", CSE, said(1, size=400), MOST))
    assert too_large.status_code == NOT_ACCEPTABLE


def test_several_members_answer_together() -> None:
    refusal = Said("cse-mn/c9", error_response(4103, "no"))
    (response,) = received(answers("r-1", CSE, [*said(1), refusal, Said("cse-mn/c8", Response(2002))], MOST))
    assert items(response) == [
        {"rsc": OK, "rqi": "r-1", "fr": "/id-mn/cse-mn/c0", "pc": {"m2m:cnt": {"rn": "x" * 10}}},
        {"rsc": 4103, "rqi": "r-1", "fr": "cse-mn/c9", "pc": {"m2m:dbg": "no"}},
        {"rsc": 2002, "rqi": "r-1", "fr": "cse-mn/c8"},
    ]


@given(st.lists(st.integers(0, 400), min_size=2, max_size=40), st.integers(250, 1200))
def test_every_member_is_in_one_of_the_messages(sizes: list[int], most: int) -> None:
    whole = [replace_size(member, size) for member, size in zip(said(len(sizes)), sizes, strict=True)]
    responses = received(answers("r-1", CSE, whole, most), most)
    found = [item for response in responses for item in items(response)]
    assert [item["fr"] for item in found] == [member.member for member in whole]
    for item, member in zip(found, whole, strict=True):
        assert item["rsc"] == NOT_ACCEPTABLE or item["pc"] == member.response.content


def replace_size(member: Said, size: int) -> Said:
    return Said(member.member, Response(OK, {"m2m:cnt": {"rn": "x" * size}}))


def test_elsewhere_there_is_no_limit() -> None:
    assert together("r-1", said(1, 5000)) == said(1, 5000)[0].response
    assert len(items(together("r-1", said(40, 500)))) == 40


@pytest.mark.parametrize(
    ("response", "kept"),
    [
        (Response(OK, {"m2m:cnt": {}}), Response(OK, {"m2m:cnt": {}})),
        (error_response(NOT_ACCEPTABLE, "large"), None),
        (aggregate([{"rsc": OK, "fr": "a"}]), aggregate([{"rsc": OK, "fr": "a"}])),
        (aggregate([{"rsc": OK, "fr": "a"}, {"rsc": NOT_ACCEPTABLE, "fr": "b"}]), aggregate([{"rsc": OK, "fr": "a"}])),
        (aggregate([{"rsc": NOT_ACCEPTABLE, "fr": "b"}]), None),
        (aggregate([]), aggregate([])),
        (Response(OK, {"m2m:agr": 7}), Response(OK, {"m2m:agr": 7})),
        (aggregate([7]), aggregate([7])),  # type: ignore[list-item]
    ],
)
def test_what_was_too_large_counts_as_silence(response: Response, kept: Response | None) -> None:
    assert understood(response) == kept
