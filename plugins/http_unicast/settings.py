"""Settings of the network `http-unicast`."""

from dataclasses import dataclass
from typing import ClassVar

from cse.config import setting
from cse.network import Policy


@dataclass(frozen=True)
class HttpUnicastSettings(Policy):
    """Section `[http-unicast]`."""

    section: ClassVar[str] = "http-unicast"

    connect_timeout: float = setting(3.0, "seconds until a device must have accepted the connection")
    answer_timeout: float = setting(5.0, "seconds until a member must have answered, the connection included")
    max_response_bytes: int = setting(65_536, "largest content of an answer; of a larger one only the status is taken")
    max_cse_response_bytes: int = setting(8 * 1024 * 1024, "the same of an answer from another CSE")
    max_payload: int = setting(1_048_576, "largest request content in bytes that is offered")
    authorities: str = setting("", "file with the authorities of https points of access (PEM); empty: the system's")
    certificate: str = setting("", "file with the certificate chain that is shown to them (PEM); empty: none")
    private_key: str = setting("", "file with the private key of the certificate (PEM)")
    tokens: str = setting("", "file with the bearer tokens for servers that want one (TOML); empty: none")
    cost: int = setting(1000, "cost of one request in micro-units")
    loss_ppm: int = setting(0, "requests that are expected to be lost, in parts per million")
    latency_ms: int = setting(200, "milliseconds until one device has answered")
    latency_per_member_us: int = setting(500, "microseconds that every further device adds")
    preference: int = setting(3, "lower is preferred among networks of equal cost")
