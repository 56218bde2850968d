"""The settings of this network."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import ClassVar

from cse.config import ConfigurationError, setting
from cse.multicast.settings import MulticastSettings


@dataclass(frozen=True)
class UdpMulticastSettings(MulticastSettings):
    """CoAP over UDP: unicast to one device, multicast to the devices of a group."""

    section: ClassVar[str] = "udp-multicast"

    interface: str = setting("127.0.0.1", "IPv4 address of the interface to send from and to receive answers at")
    port: int = setting(0, "UDP port for answers; 0 for the one of the last start, or any free one")
    allow_unsigned: bool = setting(
        False, "send multicast requests on another interface than loopback although there is no key to sign them with"
    )
    encrypt: bool = setting(
        False, "encrypt requests, with keys derived from the master key; devices without a secret are not reached"
    )
    max_exclusions: int = setting(8, "most devices that a multicast request may name as not meant")
    unicast_cost: int = setting(900, "cost of a unicast request to one device")
    answer_bytes: int = setting(100, "expected size of an answer in bytes; with the next one it sets that time")
    answer_bytes_per_second: int = setting(1_250_000, "rate of answers that the devices' network carries")
    ack_timeout: float = setting(2.0, "seconds before a unicast request is sent again (then 2, 4, 8 times as long)")
    max_retransmissions: int = setting(4, "times that an unacknowledged unicast request is sent again")
    parallel: int = setting(
        500, "unicast requests under way; one to a dead device is for the minute in which it is repeated", minimum=1
    )
    setup_attempts: int = setting(3, "times that a silent member is asked to join or leave a group")
    joinable_addresses: str = setting(
        "239.0.0.0/8", "IPv4 network in which other CSEs may have this one listen to their groups' addresses"
    )
    max_joined_addresses: int = setting(256, "most multicast addresses that this CSE listens to for other CSEs")
    max_heard_requests: int = setting(32, "multicast requests of other CSEs that are carried out at the same time")
    receive_buffer: int = setting(4 * 1024 * 1024, "bytes that the kernel keeps of answers not yet read")
    receive_queue: int = setting(32_768, "answers that are kept until they are looked at; further ones are lost")

    def check(self) -> None:
        """ConfigurationError for a value that cannot be used."""
        super().check()
        self.check_multicast("joinable_addresses")
        try:
            IPv4Address(self.interface)
        except ValueError as error:
            raise ConfigurationError(f"an address in [{self.section}] is wrong: {error}") from None
        for name in POSITIVE:
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} in [{self.section}] must be at least 1")

    def multicast_refusal(self, signed: bool) -> str:
        """Why no multicast request may be sent, "" where it may."""
        if signed or self.allow_unsigned or IPv4Address(self.interface).is_loopback:
            return ""
        return (
            "multicast requests are not signed, and anybody could forge one: make a key (cse keys new) and set keys in "
            f"[server], or set allow_unsigned = true in [{self.section}] to send them on interface {self.interface} "
            "nevertheless"
        )

    def window(self, members: int) -> float:
        """Seconds over which so many members must spread their answers.

        They must fit the devices' network (lb_Leisure of RFC 7252 clause 8.2), and what the receive buffer does not
        hold must not come faster than it is taken in.
        """
        leisure = members * self.answer_bytes / self.answer_bytes_per_second
        intake = (members - BUFFERED_ANSWERS) / self.answers_per_second
        return max(self.min_window, leisure, intake)


POSITIVE = ("answer_bytes_per_second", "receive_queue", "max_joined_addresses", "max_heard_requests")
# A receive buffer of 4 MiB holds about 10,000 small answers; half of that is left as a reserve.
BUFFERED_ANSWERS = 5000
