"""What is measured, in the order of the table."""

from benchmarks.scenarios.base import Bench, Scenario, Size
from benchmarks.scenarios.campaigns import HttpCampaign, UdpCampaign
from benchmarks.scenarios.containers import Discovery, FanOut
from benchmarks.scenarios.growth import Growth
from benchmarks.scenarios.notifications import Notifications
from benchmarks.scenarios.server import Memory, Plan, Start, WholePlan
from benchmarks.scenarios.single import Create, CreateByMany, Reference, Retrieve, RetrieveLatest

__all__ = ["SCENARIOS", "USUAL", "Bench", "Scenario", "Size"]

SCENARIOS: dict[str, type[Scenario]] = {
    "reference": Reference,
    "retrieve": Retrieve,
    "la": RetrieveLatest,
    "create": Create,
    "create-64": CreateByMany,
    "discovery": Discovery,
    "fan-out": FanOut,
    "udp-campaign": UdpCampaign,
    "http-campaign": HttpCampaign,
    "notifications": Notifications,
    "plan": Plan,
    "memory": Memory,
    "start": Start,
    "whole-plan": WholePlan,
    "growth": Growth,
}
USUAL = [name for name in SCENARIOS if name != "growth"]  # which fills stores for a long time
