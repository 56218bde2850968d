from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.lora_broadcast.fragments import (
    HEADER,
    Assembly,
    Block,
    Fragment,
    Malformed,
    Setup,
    Status,
    StatusRequest,
    decode,
    decode_status,
    fragment_count,
)
from plugins.lora_broadcast.frames import frame_sizes, largest_request, parity_count


@pytest.mark.parametrize(
    "message", [Setup(70_000, 9, 48, 13), Fragment(3, 16_383, b"abc"), Fragment(0, 1, bytes(48)), StatusRequest(2, 7)]
)
def test_messages_come_back_exactly(message: Setup | Fragment | StatusRequest) -> None:
    assert decode(message.encode()) == message


def test_sizes_are_those_of_ts004() -> None:
    assert len(Setup(1, 1, 1, 0).encode()) == 11
    assert len(Fragment(0, 1, bytes(48)).encode()) == 48 + HEADER
    assert len(Status(0, 1, 1).encode()) == 5


def test_status_comes_back_exactly() -> None:
    assert decode_status(Status(1, 5, 3).encode()) == Status(1, 5, 3)
    assert decode_status(Status(1, 5, 300).encode()).missing == 255


@given(st.binary(max_size=20))
def test_rubbish_is_refused_and_nothing_else_happens(payload: bytes) -> None:
    for read in (decode, decode_status):
        try:
            read(payload)
        except Malformed:
            continue


def test_a_setup_that_makes_no_sense_is_refused() -> None:
    for setup in (Setup(1, 0, 48, 0), Setup(1, 2, 0, 0), Setup(1, 2, 8, 8)):
        with pytest.raises(Malformed):
            decode(setup.encode())


PAYLOADS = st.binary(min_size=1, max_size=900)
ROOMS = st.sampled_from([33, 51, 115, 222])


@given(PAYLOADS, ROOMS)
def test_the_fragments_themselves_are_the_request(payload: bytes, room: int) -> None:
    block = Block(1, payload, room)
    assembly = Assembly(block.setup)
    for number in range(block.setup.count, 0, -1):
        assert assembly.missing == number
        assembly.add(block.fragment(number))
    assert assembly.payload() == payload


@given(st.binary(min_size=223, max_size=900), ROOMS, st.integers(), st.floats(0, 0.6))
def test_what_is_lost_is_recovered_from_parity(payload: bytes, room: int, seed: int, loss: float) -> None:
    block, random = Block(1, payload, room), Random(seed)
    assembly, number = Assembly(block.setup), 0
    while assembly.missing and number < 40 + 12 * block.setup.count:
        number += 1
        if random.random() >= loss:
            assembly.add(block.fragment(number))
    assert assembly.payload() == payload


def test_one_parity_fragment_replaces_one_lost_fragment_that_it_contains() -> None:
    block = Block(1, bytes(range(200)), 51)
    count = block.setup.count
    for lost in range(1, count + 1):
        assembly = Assembly(block.setup)
        for number in range(1, count + 1):
            if number != lost:
                assembly.add(block.fragment(number))
        number = count
        while assembly.missing:
            number += 1
            assembly.add(block.fragment(number))
        assert number < count + 12
        assert assembly.payload() == bytes(range(200))


def test_fragments_of_another_size_are_ignored() -> None:
    assembly = Assembly(Setup(1, 2, 10, 0))
    assembly.add(Fragment(1, 1, bytes(9)))
    assembly.add(Fragment(1, 0, bytes(10)))
    assert (assembly.received, assembly.missing) == (0, 2)


def test_the_same_fragment_again_is_no_progress() -> None:
    assembly = Assembly(Setup(1, 2, 10, 0))
    for _ in range(3):
        assembly.add(Fragment(1, 1, bytes(10)))
    assert assembly.missing == 1


@given(st.integers(1, 2000), ROOMS)
def test_the_frames_that_a_request_takes(length: int, room: int) -> None:
    sizes = frame_sizes(length, room)
    if length <= room:
        assert sizes == (length,)
    else:
        count = fragment_count(length + 1, room)
        assert count * (room - HEADER) > length
        assert len(sizes) == 2 + count + parity_count(count) + 1
        assert max(sizes) == room


@given(st.integers(0, 20), ROOMS)
def test_the_largest_request_is_the_largest_that_fits(fragments: int, room: int) -> None:
    largest = largest_request(room, fragments)
    if largest > room:
        assert fragment_count(largest + 1, room) == fragments
        assert fragment_count(largest + 2, room) > fragments
