"""What a request costs on the air: offers, and how long the answers must be spread. Pure arithmetic.

Answers are pure ALOHA: a device picks a random moment in the window and one of the uplink channels. Of n devices at one
data rate whose answers take T, the share that collides is 1 - exp(-2 n T / (channels x window)). Data rates do not
disturb one another, so for a mix in which a data rate has the share f the window that keeps collisions at c is
n x 2 x sum(f^2 T) / (channels x c). Capture and further gateways only improve on that. Devices count the window in
powers of two, so twice as much is offered, and the largest power that fits is used.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cse.network import Offer
from plugins.lora_broadcast.airtime import DATA_RATES, SECOND, UPLINK_CHANNELS
from plugins.lora_broadcast.codec import LONGEST_EXPONENT
from plugins.lora_broadcast.network_server import GATEWAY_MARGIN, LISTENING_PAUSE, DeviceFacts, GroupFacts
from plugins.lora_broadcast.settings import LoRaSettings

# A unicast is answered within 2^2 s, while its gateway listens.
UNICAST_EXPONENT = 2
# However few the devices of a group are, their answers are spread over this long.
SHORTEST_WINDOW = 8 * SECOND
MILLION = 1_000_000


@dataclass(frozen=True)
class Planner:
    """Makes the offers of the network called `network`. Radio times become server times by the setting `speed`."""

    network: str
    settings: LoRaSettings

    def unicast(self, data_rate: int, payload: int, gateways: int) -> Offer:
        """To devices of one data rate, spread over so many gateways, each of which serves one after the other."""
        airtime = DATA_RATES[data_rate].airtime(payload, uplink=False)
        exchange = airtime + (SECOND << UNICAST_EXPONENT) + self._answer_airtime(data_rate)
        return Offer(
            id=f"lora-unicast:dr{data_rate}",
            network=self.network,
            broadcast=False,
            fixed=0,
            per_member=self.settings.unicast_cost + self._airtime_cost(airtime),
            loss_ppm=self.settings.unicast_loss_ppm,
            latency_ms=self._server_ms(exchange),
            latency_per_member_us=1000 * self._server_ms((airtime + LISTENING_PAUSE) // max(1, gateways)),
            max_payload=DATA_RATES[data_rate].max_payload,
            payload=payload,
            airtime_ms=_milliseconds(airtime),
            preference=4,
        )

    def broadcast(
        self, group: GroupFacts, joined: Sequence[DeviceFacts], payload: int, budget: int, budget_key: str
    ) -> Offer:
        """To all joined devices of a group, once from each of its gateways, which have `budget` microseconds left."""
        airtime = DATA_RATES[group.data_rate].airtime(payload, uplink=False)
        return Offer(
            id=f"{self.network}:{group.group}",
            network=self.network,
            broadcast=True,
            fixed=self.settings.broadcast_cost + self._airtime_cost(airtime * len(group.gateways)),
            per_member=0,
            loss_ppm=self.settings.broadcast_loss_ppm,
            latency_ms=self._server_ms(self._sending(group, payload) + SHORTEST_WINDOW),
            latency_per_member_us=math.ceil(2 * self.spread(joined) / self.settings.speed),
            max_payload=DATA_RATES[group.data_rate].max_payload,
            payload=payload,
            airtime_ms=_milliseconds(airtime),
            budget_ms=max(0, budget) // 1000,
            budget_key=budget_key,
            preference=2,
        )

    def spread(self, joined: Sequence[DeviceFacts]) -> float:
        """Microseconds of answer window per device that keep collisions at the setting's share."""
        counts = Counter(facts.data_rate for facts in joined)
        load = sum((count / len(joined)) ** 2 * self._answer_airtime(rate) for rate, count in counts.items())
        return 2 * load * MILLION / (len(UPLINK_CHANNELS) * self.settings.collision_ppm)

    def window_exponent(self, group: GroupFacts, payload: int, window: float) -> int:
        """The answer window for devices: the largest power of two of radio seconds within `window` server seconds."""
        left = window * self.settings.speed - self._sending(group, payload) / SECOND
        return min(LONGEST_EXPONENT, int(math.log2(left))) if left >= 1 else 0

    def lifetime_ms(self, seconds: float) -> int:
        """Radio milliseconds in so many server seconds, a week at most."""
        return int(min(seconds * self.settings.speed, 7 * 86400.0) * 1000)

    def _sending(self, group: GroupFacts, payload: int) -> int:
        """Microseconds that the broadcast takes from all gateways, and the last answer."""
        airtime = DATA_RATES[group.data_rate].airtime(payload, uplink=False)
        return len(group.gateways) * (airtime + GATEWAY_MARGIN) + self._answer_airtime(group.data_rate)

    def _answer_airtime(self, data_rate: int) -> int:
        return DATA_RATES[data_rate].airtime(self.settings.answer_bytes, uplink=True)

    def _airtime_cost(self, airtime: int) -> int:
        return self.settings.airtime_cost * _milliseconds(airtime)

    def _server_ms(self, radio_us: int) -> int:
        return math.ceil(radio_us / 1000 / self.settings.speed)


def _milliseconds(microseconds: int) -> int:
    return -(-microseconds // 1000)
