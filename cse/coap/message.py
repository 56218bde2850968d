"""CoAP messages (RFC 7252 clause 3) and the options of oneM2M (TS-0008 clause 6.2.2)."""

from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
MARKER = 0xFF
MAX_TOKEN = 8
MAX_OPTIONS = 64
MAX_TEXT = 255
MAX_MESSAGE_ID = 0xFFFF
NON_LIFETIME = 145.0
# Four bits of a delta or length up to 12 are the value; with 13 and 14 the rest of it follows in one or two bytes.
EXTENDED, EXTENDED_TWICE = 13, 269
CUT_OFF = "the message ends within an option"


class CoapError(ValueError):
    """Bytes that are no CoAP message, or a message that cannot be written as one."""


class Type(IntEnum):
    """Confirmable, non-confirmable, acknowledgement, reset."""

    CON = 0
    NON = 1
    ACK = 2
    RST = 3


class Option(IntEnum):
    """The option numbers in use here; those from 259 to 331 are oneM2M's."""

    URI_PATH = 11
    CONTENT_FORMAT = 12
    URI_QUERY = 15
    NO_RESPONSE = 258
    ORIGINATING_TIMESTAMP = 259
    RESOURCE_TYPE = 267
    RELEASE_VERSION = 271
    FROM = 279
    REQUEST_IDENTIFIER = 283
    REQUEST_EXPIRATION = 291
    EVENT_CATEGORY = 303
    RESPONSE_STATUS_CODE = 307
    GROUP_REQUEST_IDENTIFIER = 311
    VENDOR_INFORMATION = 331
    # Ours, in the range for experiments (RFC 7252 clause 12.2). Odd, and so critical: who cannot decrypt must refuse.
    ENCRYPTION = 65001
    # Even, and so elective: who does not know it takes the request as it is.
    AUTHENTICATION = 65004


def code(code_class: int, detail: int) -> int:
    """The code written as `code_class.detail`."""
    return code_class << 5 | detail


EMPTY = code(0, 0)
GET = code(0, 1)
POST = code(0, 2)
PUT = code(0, 3)
DELETE = code(0, 4)
REQUEST_CLASS = 0
RESPONSE_CLASSES = (2, 4, 5)


@dataclass(frozen=True, slots=True)
class Message:
    """One CoAP message; `options` are pairs of number and value, those of one number in their order."""

    type: Type
    code: int
    message_id: int
    token: bytes = b""
    options: tuple[tuple[int, bytes], ...] = ()
    payload: bytes = b""

    @property
    def code_class(self) -> int:
        return self.code >> 5

    @property
    def is_response(self) -> bool:
        return self.code_class in RESPONSE_CLASSES

    def values(self, number: int) -> list[bytes]:
        """All values of an option."""
        return [value for option, value in self.options if option == number]

    def texts(self, number: int) -> list[str]:
        """All values of a text option; CoapError when one is not UTF-8."""
        try:
            return [value.decode() for value in self.values(number)]
        except UnicodeDecodeError:
            raise CoapError(f"option {number} is not UTF-8") from None

    def text(self, number: int) -> str | None:
        """The first value of a text option."""
        return next(iter(self.texts(number)), None)

    def number(self, number: int) -> int | None:
        """The first value of an unsigned integer option."""
        value = next(iter(self.values(number)), None)
        if value is not None and len(value) > 4:
            raise CoapError(f"option {number} is longer than 4 bytes")
        return None if value is None else int.from_bytes(value)


def number_value(value: int) -> bytes:
    """An unsigned integer option value in as few bytes as possible."""
    return value.to_bytes((value.bit_length() + 7) // 8)


def text_option(number: Option, text: str) -> tuple[int, bytes]:
    """A text option; CoapError when it is empty or longer than the 255 bytes that the binding allows."""
    value = text.encode()
    if not 0 < len(value) <= MAX_TEXT:
        raise CoapError(f"{number.name} must have 1 to {MAX_TEXT} bytes in a CoAP option, not {len(value)}")
    return number, value


def encode(message: Message) -> bytes:
    """The datagram of a message; CoapError for an option or token that is too long."""
    if len(message.token) > MAX_TOKEN:
        raise CoapError(f"a token has at most {MAX_TOKEN} bytes, not {len(message.token)}")
    datagram = bytearray((VERSION << 6 | message.type << 4 | len(message.token), message.code))
    datagram += message.message_id.to_bytes(2) + message.token
    previous = 0
    for number, value in sorted(message.options, key=lambda option: option[0]):
        datagram += _option(number - previous, value)
        previous = number
    if message.payload:
        datagram.append(MARKER)
        datagram += message.payload
    return bytes(datagram)


def _option(delta: int, value: bytes) -> bytes:
    delta_nibble, delta_extension = _extended(delta)
    length_nibble, length_extension = _extended(len(value))
    return bytes((delta_nibble << 4 | length_nibble,)) + delta_extension + length_extension + value


def _extended(value: int) -> tuple[int, bytes]:
    if value < EXTENDED:
        return value, b""
    if value < EXTENDED_TWICE:
        return EXTENDED, bytes((value - EXTENDED,))
    if value < EXTENDED_TWICE + 0x10000:
        return EXTENDED + 1, (value - EXTENDED_TWICE).to_bytes(2)
    raise CoapError(f"an option delta or length of {value} cannot be written")


def decode(datagram: bytes) -> Message:
    """The message in a datagram, strictly: CoapError for everything that RFC 7252 calls a message format error."""
    if len(datagram) < 4 or datagram[0] >> 6 != VERSION:
        raise CoapError("not a CoAP message of version 1")
    message_type, token_length = Type(datagram[0] >> 4 & 3), datagram[0] & 15
    if token_length > MAX_TOKEN or len(datagram) < 4 + token_length:
        raise CoapError("the token is too long")
    _check_code(message_type, datagram)
    token = datagram[4 : 4 + token_length]
    options, payload = _options(datagram, 4 + token_length)
    return Message(message_type, datagram[1], int.from_bytes(datagram[2:4]), token, options, payload)


def _check_code(message_type: Type, datagram: bytes) -> None:
    message_code = datagram[1]
    if message_code == EMPTY:
        if len(datagram) != 4 or message_type is Type.NON:
            raise CoapError("an empty message has four bytes and is not NON")
        return
    if message_type is Type.RST or message_code >> 5 not in (REQUEST_CLASS, *RESPONSE_CLASSES):
        raise CoapError(f"code {message_code >> 5}.{message_code & 31:02d} has no meaning here")
    if message_type is Type.ACK and message_code >> 5 == REQUEST_CLASS:
        raise CoapError("an acknowledgement carries no request")


def _options(datagram: bytes, position: int) -> tuple[tuple[tuple[int, bytes], ...], bytes]:
    """The options from this position on, and the payload. Thousands of answers a second are read here."""
    options: list[tuple[int, bytes]] = []
    number, end = 0, len(datagram)
    while position < end:
        first = datagram[position]
        if first == MARKER:
            return tuple(options), _payload(datagram, position + 1)
        position += 1
        delta, length = first >> 4, first & 15
        if delta >= EXTENDED:
            delta, position = _read_extended(datagram, position, delta)
        if length >= EXTENDED:
            length, position = _read_extended(datagram, position, length)
        number += delta
        value = datagram[position : position + length]
        position += length
        if position > end:
            raise CoapError(CUT_OFF)
        options.append((number, value))
        if len(options) > MAX_OPTIONS or number > 0xFFFF:
            raise CoapError(f"more than {MAX_OPTIONS} options, or an option number above 65535")
    return tuple(options), b""


def _read_extended(datagram: bytes, position: int, nibble: int) -> tuple[int, int]:
    """The value that does not fit into four bits, and where the datagram goes on behind it."""
    if nibble > EXTENDED + 1:
        raise CoapError("15 is no option delta or length")
    behind = position + 1 + nibble - EXTENDED
    if behind > len(datagram):
        raise CoapError(CUT_OFF)
    least = EXTENDED if nibble == EXTENDED else EXTENDED_TWICE
    return least + int.from_bytes(datagram[position:behind]), behind


def _payload(datagram: bytes, position: int) -> bytes:
    payload = datagram[position:]
    if not payload:
        raise CoapError("a payload marker without payload")
    return payload
