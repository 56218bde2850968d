"""Set-up of multicast sessions by unicast, in the message layout of LoRa Alliance TS005-2.0.0 on port 200.

What is kept: sizes, identifiers, the acknowledgement of every message. What is not: the group key is sent as zeros, and
sessions begin when their set-up arrives. They end by their time-out in devices that switch class for them.
"""

import struct
from dataclasses import dataclass, field

PORT = 200
GROUPS_PER_DEVICE = 4
# Class B: a ping slot every 16 s, for groups as for single devices.
PERIODICITY = 4
PING_SLOTS = 128 >> PERIODICITY
# Sessions last up to 2^15 s, nine hours.
LONGEST_SESSION = 15

_SETUP, _DELETE, _SESSION = 0x02, 0x03, {"C": 0x04, "B": 0x05}
# McGroupSetupReq: group, McAddr, encrypted key, first and last frame counter.
_SETUP_REQUEST = struct.Struct("<BBI16sII")
# McClassCSessionReq and McClassBSessionReq: group, start, time-out exponent (class B: with the periodicity), frequency
# in 100 Hz (3 bytes), data rate.
_SESSION_REQUEST = struct.Struct("<BBIB3sB")
_LAST_COUNTER = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Setup:
    """McGroupSetupReq and McClassCSessionReq or McClassBSessionReq in one frame; it lasts 2^`time_out` seconds.

    Two are equal when they set up the same session, however many frames have been sent in it (`first_counter`).
    """

    slot: int
    address: int
    data_rate: int
    device_class: str = "C"
    time_out: int = LONGEST_SESSION
    frequency: int = 869_525_000
    first_counter: int = field(default=0, compare=False)

    def encode(self) -> bytes:
        setup = _SETUP_REQUEST.pack(_SETUP, self.slot, self.address, bytes(16), self.first_counter, _LAST_COUNTER)
        command, periodicity = _SESSION[self.device_class], PERIODICITY if self.device_class == "B" else 0
        frequency = (self.frequency // 100).to_bytes(3, "little")
        return setup + _SESSION_REQUEST.pack(
            command, self.slot, 0, periodicity << 4 | self.time_out, frequency, self.data_rate
        )

    def acknowledgement(self) -> bytes:
        """McGroupSetupAns and McClassCSessionAns or McClassBSessionAns."""
        return bytes([_SETUP, self.slot, _SESSION[self.device_class], self.slot]) + bytes(3)


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
    _, slot, address, _, first, _ = _SETUP_REQUEST.unpack_from(payload)
    command, _, _, times, frequency, data_rate = _SESSION_REQUEST.unpack_from(payload, _SETUP_REQUEST.size)
    device_class = "B" if command == _SESSION["B"] else "C"
    hertz = int.from_bytes(frequency, "little") * 100
    return Setup(slot, address, data_rate, device_class, times & 0xF, hertz, first)


def acknowledges(payload: bytes, request: Setup | Deletion) -> bool:
    """Whether an uplink on port 200 is the answer to this request."""
    return payload == request.acknowledgement()
