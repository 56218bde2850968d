"""The settings of this network."""

import ipaddress
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from cse.config import ConfigurationError, setting
from cse.multicast.settings import MulticastSettings


@dataclass(frozen=True)
class MbmsSettings(MulticastSettings):
    """Group messages of a mobile network, sent by way of its SCEF."""

    section: ClassVar[str] = "mbms"

    api_root: str = setting("", "URL of the operator's SCEF without what T8 puts behind it; empty: there is none")
    scs_as_id: str = setting("", "name by which the SCEF knows this server (scsAsId)")
    token: str = setting("", "bearer token for the SCEF; empty for none", secret=True)
    authorities: str = setting("", "file with the authorities of an https SCEF (PEM); empty: the system's")
    certificate: str = setting("", "file with the certificate chain that is shown to it (PEM); empty: none")
    private_key: str = setting("", "file with the private key of the certificate (PEM)")
    service_areas: tuple[str, ...] = setting((), "MBMS service areas that group messages go to; empty: the operator's")
    callback_host: str = setting("127.0.0.1", "address to listen on for what the SCEF says of deliveries")
    callback_port: int = setting(0, "TCP port to listen on for that; 0 picks a free one")
    callback_url: str = setting("", "URL at which the SCEF reaches that; empty: where it listens")
    external_group: str = setting(
        "", "externalGroupID by which others reach this CSE, such as meters@operator.example; empty for none"
    )
    connect_timeout: float = setting(3.0, "seconds until the SCEF must have accepted a connection", minimum=0.001)
    request_timeout: float = setting(10.0, "seconds until it must have answered a request", minimum=0.001)
    trigger_timeout: float = setting(
        30.0, "seconds until it must have said that a group message is on its way", minimum=0.001
    )
    renewal_margin: float = setting(300.0, "seconds before the end of a TMGI at which it is renewed")
    group_addresses: str = setting("239.193.0.0/16", "IPv4 network from which groups get their multicast addresses")
    multicast_fixed_cost: int = setting(500, "cost of a group message")
    multicast_member_cost: int = setting(150, "cost of a group message for each CSE that is to answer")
    multicast_loss_ppm: int = setting(50_000, "expected loss of group messages in parts per million")
    round_trip: float = setting(2.0, "seconds that a group message and an answer travel at most")

    def check(self) -> None:
        """ConfigurationError for a value that cannot be used."""
        super().check()
        if not self.api_root:
            return
        root = _url("api_root", self.api_root)
        if not self.scs_as_id:
            raise ConfigurationError("api_root in [mbms] needs scs_as_id, the name by which the SCEF knows this server")
        if self.token and root.scheme == "http" and not _is_loopback(root.hostname):
            raise ConfigurationError("token in [mbms] would travel in clear: api_root must be an URL with https")
        if self.callback_url:
            _url("callback_url", self.callback_url)


def _url(name: str, text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not valid or url.query or url.fragment or url.username is not None:
        raise ConfigurationError(f"{name} in [mbms] must be a URL such as https://scef.operator.example, not {text!r}")
    return url


def _is_loopback(name: str | None) -> bool:
    try:
        return ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False
