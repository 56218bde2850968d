import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.coap.message import (
    EMPTY,
    POST,
    CoapError,
    Message,
    Option,
    Type,
    code,
    decode,
    encode,
    number_value,
)

CODES = st.sampled_from([code(0, 1), POST, code(0, 4), code(2, 4), code(4, 4), code(5, 0)])
OPTIONS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=300)), max_size=8).map(
    lambda options: tuple(sorted(options, key=lambda option: option[0]))
)
MESSAGES = st.builds(
    Message,
    st.sampled_from([Type.CON, Type.NON]),
    CODES,
    st.integers(0, 0xFFFF),
    st.binary(max_size=8),
    OPTIONS,
    st.binary(max_size=100),
)


@given(MESSAGES)
def test_what_is_written_is_read_again(message: Message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_coap_error(datagram: bytes) -> None:
    try:
        message = decode(datagram)
    except CoapError:
        return
    assert decode(encode(message)) == message


@given(MESSAGES, st.integers(0, 500), st.integers(0, 255))
def test_a_damaged_message_is_a_message_or_a_coap_error(message: Message, position: int, value: int) -> None:
    datagram = bytearray(encode(message))
    datagram[position % len(datagram)] = value
    for damaged in (bytes(datagram), bytes(datagram[:position])):
        try:
            decode(damaged)
        except CoapError:
            continue


def test_the_example_of_the_standard() -> None:
    # RFC 7252 figure 16: GET /temperature.
    datagram = bytes.fromhex("44 01 7d 34 20 00 00 00 bb 74 65 6d 70 65 72 61 74 75 72 65".replace(" ", ""))
    message = decode(datagram)
    assert (message.type, message.code, message.message_id) == (Type.CON, code(0, 1), 0x7D34)
    assert message.texts(Option.URI_PATH) == ["temperature"]
    assert encode(message) == datagram


@pytest.mark.parametrize("length", [0, 12, 13, 268, 269, 1000])
def test_option_lengths_around_the_extensions(length: int) -> None:
    message = Message(Type.NON, POST, 1, b"t", ((Option.FROM, bytes(length)), (Option.FROM + length, b"x")))
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("datagram", "sentence"),
    [
        (b"", "version 1"),
        (b"\x50\x02\x00", "version 1"),
        (b"\x90\x02\x00\x01", "version 1"),
        (b"\x49\x02\x00\x01" + bytes(9), "token"),
        (b"\x48\x02\x00\x01\x01", "token"),
        (b"\x50\x00\x00\x01", "empty message"),
        (b"\x60\x00\x00\x01\x00", "empty message"),
        (b"\x70\x44\x00\x01", "no meaning"),
        (b"\x50\x20\x00\x01", "no meaning"),
        (b"\x50\xe0\x00\x01", "no meaning"),
        (b"\x60\x02\x00\x01", "no request"),
        (b"\x50\x02\x00\x01\xff", "without payload"),
        (b"\x50\x02\x00\x01\xf0", "15 is no option"),
        (b"\x50\x02\x00\x01\x0f", "15 is no option"),
        (b"\x50\x02\x00\x01\x05abc", "ends within"),
        (b"\x50\x02\x00\x01\xd0", "ends within"),
        (b"\x50\x02\x00\x01\xe0\x01", "ends within"),
        (b"\x50\x02\x00\x01\xe0\xff\xff", "above 65535"),
        (b"\x50\x02\x00\x01" + bytes(65), "more than 64 options"),
    ],
)
def test_format_errors(datagram: bytes, sentence: str) -> None:
    with pytest.raises(CoapError, match=sentence):
        decode(datagram)


def test_what_cannot_be_written() -> None:
    with pytest.raises(CoapError, match="at most 8 bytes"):
        encode(Message(Type.NON, POST, 1, bytes(9)))
    with pytest.raises(CoapError, match="cannot be written"):
        encode(Message(Type.NON, POST, 1, b"", ((11, bytes(70_000)),)))


@pytest.mark.parametrize(("value", "written"), [(0, b""), (60, b"\x3c"), (2000, b"\x07\xd0"), (65536, b"\x01\x00\x00")])
def test_numbers_are_as_short_as_possible(value: int, written: bytes) -> None:
    assert number_value(value) == written
    assert Message(Type.NON, POST, 1, b"", ((12, written),)).number(12) == value


def test_option_values_that_are_not_what_they_should_be() -> None:
    message = Message(Type.NON, POST, 1, b"", ((11, b"\xff"), (12, bytes(5))))
    with pytest.raises(CoapError, match="UTF-8"):
        message.text(11)
    with pytest.raises(CoapError, match="4 bytes"):
        message.number(12)
    assert message.text(99) is None
    assert message.number(99) is None


def test_empty_messages() -> None:
    assert decode(encode(Message(Type.ACK, EMPTY, 7))) == Message(Type.ACK, EMPTY, 7)
    assert decode(encode(Message(Type.RST, EMPTY, 7))).is_response is False
