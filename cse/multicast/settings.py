"""The settings that every network has which reaches other CSEs by multicast."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import ClassVar

from cse.config import ConfigurationError, setting
from cse.network import Policy


@dataclass(frozen=True)
class MulticastSettings(Policy):
    """The settings section of a network inherits from this class, and may have other defaults."""

    section: ClassVar[str]

    group_addresses: str = setting("239.192.0.0/16", "IPv4 network from which groups get their multicast addresses")
    group_port: int = setting(5683, "UDP port that the members of a group listen on", minimum=1)
    max_datagram: int = setting(1152, "largest CoAP message in bytes; larger requests take another network")
    multicast_fixed_cost: int = setting(100, "cost of a multicast request")
    multicast_member_cost: int = setting(150, "cost of a multicast request for each member that is to answer")
    multicast_loss_ppm: int = setting(20_000, "expected loss of multicast requests in parts per million")
    round_trip: float = setting(0.5, "seconds that a request and its answer travel at most")
    min_window: float = setting(1.0, "shortest time in seconds over which the members of a group spread their answers")
    answers_per_second: int = setting(2500, "rate of answers that this server takes in", minimum=1)
    setup_parallel: int = setting(128, "members that are asked to join at the same time", minimum=1)
    setup_pause: float = setting(5.0, "seconds before the silent ones are asked again; doubles with every further time")
    renewal: float = setting(
        21_600.0, "seconds after which other CSEs that listen to a group are told again to do so", minimum=1.0
    )

    def check(self) -> None:
        """ConfigurationError for a value that cannot be used."""
        self.check_multicast("group_addresses")

    def check_multicast(self, name: str) -> None:
        """ConfigurationError if the setting of this name is no network of multicast addresses."""
        try:
            network = IPv4Network(getattr(self, name))
        except ValueError as error:
            raise ConfigurationError(f"an address in [{self.section}] is wrong: {error}") from None
        if not network.is_multicast:
            raise ConfigurationError(f"{name} in [{self.section}] must be multicast, such as 239.192.0.0/16")

    def window(self, members: int) -> float:
        """Seconds over which so many members must spread their answers."""
        return max(self.min_window, members / self.answers_per_second)
