"""When a device of class B listens: beacons, and ping slots at places that change with every beacon (LoRaWAN L2 1.0.4).

Times are virtual microseconds; a beacon begins at every multiple of its period. `slots` is how many ping slots a device
has in a beacon period (pingNb): a power of two up to 128.
"""

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from plugins.lora_broadcast.airtime import SECOND

BEACON_PERIOD = 128 * SECOND
# From the beginning of the beacon to the first slot; from the last slot to the next beacon nothing is sent.
BEACON_RESERVED = 2_120_000
BEACON_GUARD = 3 * SECOND
SLOT = 30_000
SLOTS = 4096
# A device that has heard no beacon for so long goes back to class A.
LONGEST_WITHOUT_BEACON = 2 * 3600 * SECOND

_cipher = Cipher(algorithms.AES(bytes(16)), modes.ECB())  # noqa: S305 - a hash, as the standard has it


def slot_offset(beacon: int, address: int, slots: int) -> int:
    """The number of the first slot of an address after the beacon that began at `beacon` seconds."""
    encryptor = _cipher.encryptor()
    block = encryptor.update(struct.pack("<II8x", beacon & 0xFFFFFFFF, address)) + encryptor.finalize()
    return (block[0] + 256 * block[1]) % (SLOTS // slots)


def next_slot(after: int, address: int, slots: int) -> int:
    """When the next slot of an address begins, later than `after`."""
    beacon = after // BEACON_PERIOD * BEACON_PERIOD
    while True:
        first = beacon + BEACON_RESERVED + slot_offset(beacon // SECOND, address, slots) * SLOT
        step = SLOTS // slots * SLOT
        number = max(0, (after - first) // step + 1)
        if number < slots:
            return first + number * step
        beacon += BEACON_PERIOD


def is_slot(time: int, address: int, slots: int) -> bool:
    """Whether a slot of an address begins at this very time."""
    return next_slot(time - 1, address, slots) == time
