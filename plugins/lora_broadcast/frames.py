"""How many frames a request takes: one, or a fragmentation session."""

from plugins.lora_broadcast.fragments import HEADER, Setup, StatusRequest, fragment_count

# The set-up is sent twice, because without it all else is lost.
SETUPS = 2
# Devices that lack fragments are asked what they lack up to this often, and answer at a random moment within
# 2^(delay + 4) s; the last answer needs some time as well.
ROUNDS = 3
LONGEST_DELAY = 7
REPORT_TIME = 3


def report_seconds(delay: int) -> int:
    """How long reports of missing fragments are waited for."""
    return (16 << delay) + REPORT_TIME


_SETUP_SIZE = len(Setup(0, 1, 1, 0).encode())
_STATUS_SIZE = len(StatusRequest(0, 0).encode())


def parity_count(fragments: int) -> int:
    """How many parity fragments follow so many fragments."""
    return 1 + fragments // 4


def frame_sizes(length: int, room: int) -> tuple[int, ...]:
    """The payloads of the frames that a request of so many bytes takes, if they have `room` bytes.

    In fragments there is a byte before it, its port.
    """
    if length <= room:
        return (length,)
    fragments = fragment_count(length + 1, room)
    data = (room,) * (fragments + parity_count(fragments))
    return (_SETUP_SIZE,) * SETUPS + data + (_STATUS_SIZE,)


def largest_request(room: int, fragments: int) -> int:
    """The largest request, if it may be cut into so many fragments."""
    return max(room, fragments * (room - HEADER) - 1)
