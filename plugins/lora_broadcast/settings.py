"""The settings of this plugin."""

from dataclasses import dataclass
from typing import ClassVar

from cse.config import setting
from cse.network import Policy


@dataclass(frozen=True)
class LoRaSettings(Policy):
    """Costs are in the micro-units of all offers; a device reached over HTTP costs 1000 by default."""

    section: ClassVar[str] = "lora-broadcast"

    network_server: str = setting("", "IP address and port of the LoRaWAN network server; empty: there is none")
    speed: float = setting(1.0, "radio seconds that pass in one second of this server; above 1 only with a simulator")
    broadcast_cost: int = setting(3000, "cost of a broadcast, besides its airtime")
    unicast_cost: int = setting(3000, "cost of a downlink to one device, besides its airtime")
    airtime_cost: int = setting(1, "cost of a millisecond of airtime of one gateway")
    broadcast_loss_ppm: int = setting(
        100_000, "expected share of devices that a broadcast leaves silent, in millionths"
    )
    unicast_loss_ppm: int = setting(50_000, "expected share of unicasts that stay without answer, in millionths")
    collision_ppm: int = setting(50_000, "share of answers that may collide: decides how long answers are spread")
    answer_bytes: int = setting(26, "application payload of a typical answer, from which its airtime is reckoned")
    allow_unsigned: bool = setting(
        False, "broadcast without signature where there is no key, or where a signature does not fit the data rate"
    )
    max_exclusions: int = setting(4, "devices of a group that a broadcast may name as not meant; more go by unicast")
    max_fragments: int = setting(
        16, "fragments into which a request may be cut that does not fit one frame; 0: none is cut"
    )
    answer_with_reading: bool = setting(
        False, "devices answer a broadcast with their next reading, which costs no airtime but up to an interval"
    )
    switch_class_a: bool = setting(
        False, "devices of class A are switched to class C for sessions of groups, at the cost of their batteries"
    )
    parallel_readings: int = setting(16, "readings that are stored at the same time")
