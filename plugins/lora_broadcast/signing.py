"""Signed broadcasts: 64 bytes of signature, then what travels unsigned elsewhere, on a port of their own.

Only broadcasts: LoRaWAN proves to a device that a unicast comes from its network server, because nobody else has the
device's keys. The key of a multicast group, however, every device of the group has.

The signature covers `SIGNED`, the group's address (McAddr, four bytes, the highest first), and the payload.
"""

from ipaddress import ip_address

from cse.protection import Protection, Refusal, Refused, Trust
from cse.protection.trust import SIGNATURE_LENGTH
from plugins.lora_broadcast.codec import REQUEST_PORT
from plugins.lora_broadcast.endpoint import parse_endpoint
from plugins.lora_broadcast.settings import LoRaSettings

SIGNED_PORT = 11
SIGNED = b"oneM2M LoRa request\n"


class Signing:
    """The side of the CSE."""

    def __init__(self, protection: Protection, settings: LoRaSettings) -> None:
        self._protection = protection
        self._allow_unsigned = settings.allow_unsigned
        self._is_test = is_test_network(settings.network_server)

    @property
    def refusal(self) -> str:
        """Why nothing may be broadcast, "" where it may."""
        if self._protection.signs or self._allow_unsigned or self._is_test:
            return ""
        return (
            "broadcasts are not signed, and every device of the group could forge one: make a key (cse keys new) and "
            "set keys in [server], or set allow_unsigned = true in [lora-broadcast]"
        )

    def length(self, payload: int, room: int) -> int:
        """Bytes of a broadcast with so long a payload, where a frame has so much room."""
        return payload + (SIGNATURE_LENGTH if self._signs(payload, room) else 0)

    def frame(self, payload: bytes, address: int, room: int) -> tuple[int, bytes]:
        """Port and payload of a broadcast to the group with this address."""
        if not self._signs(len(payload), room):
            return REQUEST_PORT, payload
        return SIGNED_PORT, self._protection.sign(_signed(payload, address)) + payload

    def _signs(self, payload: int, room: int) -> bool:
        """A signature is left away only where it does not fit and the operator has allowed that."""
        return self._protection.signs and (payload + SIGNATURE_LENGTH <= room or not self._allow_unsigned)


def verified(port: int, payload: bytes, address: int, trust: Trust) -> bytes:
    """What a device makes of a broadcast: its payload without the signature, or Refused.

    Without trust in anybody signatures are not looked at.
    """
    if port == REQUEST_PORT:
        if trust:
            raise Refused(Refusal.UNSIGNED)
        return payload
    signature, bare = payload[:SIGNATURE_LENGTH], payload[SIGNATURE_LENGTH:]
    if trust and trust.signer(_signed(bare, address), signature) is None:
        raise Refused(Refusal.FORGED)
    return bare


def is_test_network(network_server: str) -> bool:
    """Whether the network server is on this machine, as the simulator is, or there is none."""
    try:
        return not network_server or ip_address(parse_endpoint(network_server)[0]).is_loopback
    except ValueError:
        return False


def _signed(payload: bytes, address: int) -> bytes:
    return SIGNED + address.to_bytes(4) + payload
