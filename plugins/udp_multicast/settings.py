"""The settings of this network."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar

from cse.config import ConfigurationError, setting
from cse.network import Policy


@dataclass(frozen=True)
class UdpMulticastSettings(Policy):
    """CoAP over UDP: unicast to one device, multicast to the devices of a group."""

    section: ClassVar[str] = "udp-multicast"

    interface: str = setting("127.0.0.1", "IPv4 address of the interface to send from and to receive answers at")
    port: int = setting(0, "UDP port for answers; 0 for the one of the last start, or any free one")
    group_addresses: str = setting("239.192.0.0/16", "IPv4 network from which groups get their multicast addresses")
    group_port: int = setting(5683, "UDP port that the members of a group listen on")
    allow_unsigned: bool = setting(
        False, "send multicast requests on another interface than loopback although there is no key to sign them with"
    )
    encrypt: bool = setting(
        False, "encrypt requests, with keys derived from the master key; devices without a secret are not reached"
    )
    max_datagram: int = setting(1152, "largest CoAP message in bytes; larger requests take another network")
    max_exclusions: int = setting(8, "most devices that a multicast request may name as not meant")
    unicast_cost: int = setting(900, "cost of a unicast request to one device")
    multicast_fixed_cost: int = setting(100, "cost of a multicast request")
    multicast_member_cost: int = setting(150, "cost of a multicast request for each member that is to answer")
    multicast_loss_ppm: int = setting(20_000, "expected loss of multicast requests in parts per million")
    round_trip: float = setting(0.5, "seconds that a request and its answer travel at most")
    min_window: float = setting(1.0, "shortest time in seconds over which the members of a group spread their answers")
    answer_bytes: int = setting(100, "expected size of an answer in bytes; with the next one it sets that time")
    answer_bytes_per_second: int = setting(1_250_000, "rate of answers that the devices' network carries")
    answers_per_second: int = setting(2500, "rate of answers that this server takes in")
    ack_timeout: float = setting(2.0, "seconds before a unicast request is sent again (then 2, 4, 8 times as long)")
    max_retransmissions: int = setting(4, "times that an unacknowledged unicast request is sent again")
    parallel: int = setting(
        500, "unicast requests under way; one to a dead device is for the minute in which it is repeated", minimum=1
    )
    setup_parallel: int = setting(128, "members that are asked to join at the same time")
    setup_attempts: int = setting(3, "times that a silent member is asked to join or leave a group")
    setup_pause: float = setting(5.0, "seconds before the second of these times; doubles with every further one")
    renewal: float = setting(
        21_600.0, "seconds after which other CSEs that listen to a group are told again to do so", minimum=1.0
    )
    joinable_addresses: str = setting(
        "239.0.0.0/8", "IPv4 network in which other CSEs may have this one listen to their groups' addresses"
    )
    max_joined_addresses: int = setting(256, "most multicast addresses that this CSE listens to for other CSEs")
    max_heard_requests: int = setting(32, "multicast requests of other CSEs that are carried out at the same time")
    receive_buffer: int = setting(4 * 1024 * 1024, "bytes that the kernel keeps of answers not yet read")
    receive_queue: int = setting(32_768, "answers that are kept until they are looked at; further ones are lost")

    def check(self) -> None:
        """ConfigurationError for a value that cannot be used."""
        try:
            IPv4Address(self.interface)
            networks = {name: IPv4Network(getattr(self, name)) for name in ("group_addresses", "joinable_addresses")}
        except ValueError as error:
            raise ConfigurationError(f"an address in [{self.section}] is wrong: {error}") from None
        for name, network in networks.items():
            if not network.is_multicast:
                raise ConfigurationError(f"{name} in [{self.section}] must be multicast, such as 239.192.0.0/16")
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


POSITIVE = (
    *("answer_bytes_per_second", "answers_per_second", "setup_parallel", "receive_queue", "group_port"),
    *("max_joined_addresses", "max_heard_requests"),
)
# A receive buffer of 4 MiB holds about 10,000 small answers; half of that is left as a reserve.
BUFFERED_ANSWERS = 5000
