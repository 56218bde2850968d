"""Requests that do not fit one frame, in the message layout of LoRa Alliance TS004-1.0.0 on port 201.

A session is set up, then its fragments follow, then parity: fragments that are the sum of others, from any of which a
device recovers what it has missed. Asked for their status, devices that are not complete say how many fragments they
lack, and get as many more. What differs from TS004: the set-up travels with the fragments and is not acknowledged.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

PORT = 201
# What a fragment has besides its data.
HEADER = 3
# Sessions that a device tells apart; the number of a session is that of its campaign modulo this.
SESSIONS = 4

_STATUS, _SETUP, _DATA = 0x01, 0x02, 0x08
_SETUP_REQUEST = struct.Struct("<BBHBBBI")
_STATUS_ANSWER = struct.Struct("<BHBB")
_LAST_INDEX = (1 << 14) - 1


class Malformed(Exception):
    """A payload that is no message of this port."""


@dataclass(frozen=True, slots=True)
class Setup:
    """FragSessionSetupReq: `count` fragments of `size` bytes, the last `padding` of them void, of a campaign."""

    campaign: int
    count: int
    size: int
    padding: int

    @property
    def session(self) -> int:
        """FragIndex."""
        return self.campaign % SESSIONS

    def encode(self) -> bytes:
        return _SETUP_REQUEST.pack(_SETUP, self.session << 4, self.count, self.size, 0, self.padding, self.campaign)


@dataclass(frozen=True, slots=True)
class Fragment:
    """DataFragment: numbers from 1 to the count are the data itself, higher ones parity."""

    session: int
    number: int
    data: bytes

    def encode(self) -> bytes:
        return struct.pack("<BH", _DATA, self.session << 14 | self.number) + self.data


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """FragSessionStatusReq to those who are not complete; answered at a random moment within 2^(delay + 4) s."""

    session: int
    delay: int

    def encode(self) -> bytes:
        return bytes([_STATUS, self.session << 1, self.delay])


@dataclass(frozen=True, slots=True)
class Status:
    """FragSessionStatusAns: how many fragments have come in, and how many are lacking."""

    session: int
    received: int
    missing: int

    def encode(self) -> bytes:
        return _STATUS_ANSWER.pack(_STATUS, self.session << 14 | self.received, min(self.missing, 255), 0)


Downlink = Setup | Fragment | StatusRequest


def decode(payload: bytes) -> Downlink:
    """What a downlink on port 201 says."""
    match payload[:1]:
        case b"\x02" if len(payload) == _SETUP_REQUEST.size:
            _, _, count, size, _, padding, campaign = _SETUP_REQUEST.unpack(payload)
            if count and size and padding < size:
                return Setup(campaign, count, size, padding)
        case b"\x08" if len(payload) > HEADER:
            (header,) = struct.unpack_from("<H", payload, 1)
            return Fragment(header >> 14, header & _LAST_INDEX, payload[HEADER:])
        case b"\x01" if len(payload) == 3:
            return StatusRequest(payload[1] >> 1 & 3, payload[2] & 7)
    raise Malformed("not a message of TS004")


def decode_status(payload: bytes) -> Status:
    """What an uplink on port 201 says."""
    if len(payload) != _STATUS_ANSWER.size or payload[0] != _STATUS:
        raise Malformed("not a status of TS004")
    _, header, missing, _ = _STATUS_ANSWER.unpack(payload)
    return Status(header >> 14, header & _LAST_INDEX, missing)


@dataclass(frozen=True, slots=True)
class Block:
    """A request cut into fragments for frames of `room` bytes."""

    campaign: int
    payload: bytes
    room: int

    @property
    def setup(self) -> Setup:
        size = self.room - HEADER
        count = fragment_count(len(self.payload), self.room)
        return Setup(self.campaign, count, size, count * size - len(self.payload))

    def fragment(self, number: int) -> Fragment:
        """The fragment of this number, counted from 1."""
        setup = self.setup
        padded = self.payload + bytes(setup.padding)
        parts = [int.from_bytes(padded[start : start + setup.size]) for start in range(0, len(padded), setup.size)]
        total = 0
        for index in _members(number, setup.count):
            total ^= parts[index]
        return Fragment(setup.session, number, total.to_bytes(setup.size))


def fragment_count(length: int, room: int) -> int:
    """How many fragments a payload takes in frames of `room` bytes."""
    return -(-length // (room - HEADER))


@dataclass(slots=True)
class Assembly:
    """What a device has of a block. Each row is a sum of fragments: which ones, as bits, and its value."""

    setup: Setup
    received: int = 0
    _rows: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many more independent fragments are needed."""
        return self.setup.count - len(self._rows)

    def add(self, fragment: Fragment) -> None:
        """Take in a fragment: subtract what is known from it, and keep what remains."""
        if len(fragment.data) != self.setup.size or fragment.number < 1:
            return
        self.received += 1
        mask, value = 0, int.from_bytes(fragment.data)
        for index in _members(fragment.number, self.setup.count):
            mask |= 1 << index
        while mask:
            lead = mask.bit_length() - 1
            if lead not in self._rows:
                self._rows[lead] = mask, value
                return
            mask, value = mask ^ self._rows[lead][0], value ^ self._rows[lead][1]

    def payload(self) -> bytes:
        """The request, once nothing is missing."""
        parts: list[int] = []
        for lead in range(self.setup.count):
            mask, value = self._rows[lead]
            for index in range(lead):
                if mask >> index & 1:
                    value ^= parts[index]
            parts.append(value)
        padded = b"".join(part.to_bytes(self.setup.size) for part in parts)
        return padded[: len(padded) - self.setup.padding]


def _members(number: int, count: int) -> Iterator[int]:
    """The fragments, counted from 0, that one is the sum of: itself, or for parity the matrix row of TS004."""
    if number <= count:
        return iter((number - 1,))
    return iter(_parity_row(number - count, count))


def _parity_row(row: int, count: int) -> set[int]:
    """The columns of a row of TS004's parity matrix: half of all, drawn by a shift register of 23 bits."""
    state, chosen, drawn = 1 + 1001 * row, set[int](), 0
    modulus = count + (count & (count - 1) == 0)
    while drawn < count // 2:
        column = 1 << 16
        while column >= count:
            state = (state >> 1) + (((state & 1) ^ (state >> 5 & 1)) << 22)
            column = state % modulus
        chosen.add(column)
        drawn += 1
    return chosen
