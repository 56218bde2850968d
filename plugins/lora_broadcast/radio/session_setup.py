"""Set-up of multicast sessions by unicast, in the message layout of LoRa Alliance TS005-2.0.0 on port 200.

What is kept: sizes, identifiers, the acknowledgement of every message. What is not: the group key is sent as zeros, and
sessions do not time out.
"""

import struct
from dataclasses import dataclass

from plugins.lora_broadcast.airtime import DOWNLINK_CHANNEL

PORT = 200
GROUPS_PER_DEVICE = 4

_SETUP, _DELETE, _SESSION = 0x02, 0x03, 0x04
# McGroupSetupReq: group, McAddr, encrypted key, first and last frame counter.
_SETUP_REQUEST = struct.Struct("<BBI16sII")
# McClassCSessionReq: group, start, time-out exponent, frequency in 100 Hz (3 bytes), data rate.
_SESSION_REQUEST = struct.Struct("<BBIB3sB")
_LAST_COUNTER = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Setup:
    """McGroupSetupReq and McClassCSessionReq in one frame."""

    slot: int
    address: int
    data_rate: int

    def encode(self) -> bytes:
        setup = _SETUP_REQUEST.pack(_SETUP, self.slot, self.address, bytes(16), 0, _LAST_COUNTER)
        frequency = (DOWNLINK_CHANNEL // 100).to_bytes(3, "little")
        return setup + _SESSION_REQUEST.pack(_SESSION, self.slot, 0, 15, frequency, self.data_rate)

    def acknowledgement(self) -> bytes:
        """McGroupSetupAns and McClassCSessionAns."""
        return bytes([_SETUP, self.slot, _SESSION, self.slot]) + bytes(3)


@dataclass(frozen=True, slots=True)
class Deletion:
    """McGroupDeleteReq."""

    slot: int

    def encode(self) -> bytes:
        return bytes([_DELETE, self.slot])

    def acknowledgement(self) -> bytes:
        """McGroupDeleteAns."""
        return bytes([_DELETE, self.slot])


def decode(payload: bytes) -> Setup | Deletion:
    """What a downlink on port 200 asks for."""
    if payload[0] == _DELETE:
        return Deletion(payload[1])
    _, slot, address, _, _, _ = _SETUP_REQUEST.unpack_from(payload)
    return Setup(slot, address, payload[-1])


def acknowledges(payload: bytes, request: Setup | Deletion) -> bool:
    """Whether an uplink on port 200 is the answer to this request."""
    return payload == request.acknowledgement()
