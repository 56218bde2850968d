"""What a request costs on the air: offers, and how long the answers must be spread. Pure arithmetic.

Answers are pure ALOHA: a device picks a random moment in the window and one of the uplink channels. Of n devices at one
data rate whose answers take T, the share that collides is 1 - exp(-2 n T / (channels x window)). Data rates hardly
disturb one another, so for a mix in which a data rate has the share f the window that keeps collisions at c is
n x 2 x sum(f^2 T) / (channels x c). Capture and further gateways only improve on that. Devices count the window in
powers of two, so twice as much is offered, and the largest power that fits is used.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cse.network import Offer
from plugins.lora_broadcast.airtime import SECOND, DataRate
from plugins.lora_broadcast.codec import LONGEST_EXPONENT, WITH_READING
from plugins.lora_broadcast.crowd import Crowd
from plugins.lora_broadcast.frames import LONGEST_DELAY, ROUNDS, frame_sizes, largest_request, report_seconds
from plugins.lora_broadcast.network_server import GATEWAY_MARGIN, LISTENING_PAUSE, DeviceFacts, GroupFacts
from plugins.lora_broadcast.regions import EU868, Region
from plugins.lora_broadcast.settings import LoRaSettings

# A unicast is answered within 2^2 s, while its gateway listens.
UNICAST_EXPONENT = 2
# However few the devices of a group are, their answers are spread over this long.
SHORTEST_WINDOW = 8 * SECOND
# A device of class B listens this often (ping slot periodicity 4).
SLOT_PERIOD = 16 * SECOND
MILLION = 1_000_000


class Listening(NamedTuple):
    """What matters of a device for a downlink to it alone; `interval_s` is 0 unless it must be waited for (class A)."""

    data_rate: int
    device_class: str
    interval_s: int

    @property
    def name(self) -> str:
        """It in offers."""
        detail = f":{self.interval_s}s" if self.interval_s else ""
        return f"lora-unicast:dr{self.data_rate}{'' if self.device_class == 'C' else self.device_class.lower()}{detail}"


def listening(facts: DeviceFacts) -> Listening:
    """How a device listens: intervals are rounded up to powers of two, so that offers stay few."""
    interval = 1 << max(0, facts.uplink_interval_s - 1).bit_length() if facts.device_class == "A" else 0
    return Listening(facts.data_rate, facts.device_class, interval)


@dataclass(frozen=True)
class Planner:
    """Makes the offers of the network called `network`. Radio times become server times by the setting `speed`."""

    network: str
    settings: LoRaSettings
    region: Region = EU868

    def unicast(self, device: Listening, payload: int, gateways: int) -> Offer:
        """To devices that listen like this, spread over so many gateways, each of which serves one after the other."""
        rate = self.region.data_rates[self.region.downlink_rate(device.data_rate)]
        fragments = 0 if device.device_class == "A" else self.settings.max_fragments
        sizes = frame_sizes(payload, rate.max_payload)
        airtime = _airtime(rate, sizes)
        wait = (device.interval_s * SECOND) or (SLOT_PERIOD if device.device_class == "B" else 0)
        exchange = airtime + len(sizes) * wait + (SECOND << UNICAST_EXPONENT) + self._answer_airtime(device.data_rate)
        return Offer(
            id=device.name,
            network=self.network,
            broadcast=False,
            fixed=0,
            per_member=len(sizes) * self.settings.unicast_cost + self._airtime_cost(airtime),
            loss_ppm=self.settings.unicast_loss_ppm,
            latency_ms=self._server_ms(exchange + self._status_time(sizes, 0)),
            latency_per_member_us=1000 * self._server_ms((airtime + len(sizes) * LISTENING_PAUSE) // max(1, gateways)),
            max_payload=largest_request(rate.max_payload, fragments),
            payload=payload,
            airtime_ms=_milliseconds(airtime),
            preference=4,
        )

    def broadcast(self, group: GroupFacts, joined: Crowd, payload: int, budget: int, budget_key: str) -> Offer:
        """To all joined devices of a group, once from each of its gateways, which have `budget` microseconds left."""
        rate = self.rate(group)
        airtime = _airtime(rate, frame_sizes(payload, rate.max_payload))
        most = max(Counter(group.gateways).values(), default=0)
        return Offer(
            id=f"{self.network}:{group.group}",
            network=self.network,
            broadcast=True,
            fixed=self.settings.broadcast_cost + self._airtime_cost(airtime * len(group.gateways)),
            per_member=0,
            loss_ppm=self.settings.broadcast_loss_ppm,
            latency_ms=self._server_ms(self._sending(group, payload, joined) + self._shortest_window(joined)),
            latency_per_member_us=self._per_member(joined),
            max_payload=largest_request(rate.max_payload, self.settings.max_fragments),
            payload=payload,
            airtime_ms=_milliseconds(airtime * most),
            budget_ms=max(0, budget) // 1000,
            budget_key=budget_key,
            preference=2,
        )

    def rate(self, group: GroupFacts) -> DataRate:
        """The data rate of a group's multicasts."""
        return self.region.data_rates[group.data_rate]

    def spread(self, joined: Crowd) -> float:
        """Microseconds of answer window per device that keep collisions at the setting's share."""
        size = joined.size
        load = sum((count / size) ** 2 * self._answer_airtime(rate) for rate, count in joined.rates.items())
        return 2 * load * MILLION / (len(self.region.uplink_channels) * self.settings.collision_ppm)

    def window_exponent(self, group: GroupFacts, joined: Crowd, payload: int, window: float) -> int:
        """The answer window for devices: the largest power of two of radio seconds within `window` server seconds."""
        if self.settings.answer_with_reading:
            return WITH_READING
        left = window * self.settings.speed - self._sending(group, payload, joined) / SECOND
        return min(LONGEST_EXPONENT, int(math.log2(left))) if left >= 1 else 0

    def status_delay(self, joined: Crowd) -> int:
        """The back-off (2^(delay + 4) s) for reports of missing fragments, if they come from the expected share."""
        losers = joined.size * self.settings.broadcast_loss_ppm / MILLION
        wanted = self.spread(joined) * losers / SECOND
        return next((delay for delay in range(LONGEST_DELAY) if 16 << delay >= wanted), LONGEST_DELAY)

    def lifetime_ms(self, seconds: float) -> int:
        """Radio milliseconds in so many server seconds, a week at most."""
        return int(min(seconds * self.settings.speed, 7 * 86400.0) * 1000)

    def _shortest_window(self, joined: Crowd) -> int:
        if self.settings.answer_with_reading:
            return joined.longest_interval_s * SECOND
        return SHORTEST_WINDOW

    def _per_member(self, joined: Crowd) -> int:
        """Microseconds of server time by which each member lengthens the answer window."""
        if self.settings.answer_with_reading:
            return 0
        return math.ceil(2 * self.spread(joined) / self.settings.speed)

    def _sending(self, group: GroupFacts, payload: int, joined: Crowd) -> int:
        """Microseconds that the broadcast takes from all gateways, and the last answer."""
        rate = self.rate(group)
        sizes = frame_sizes(payload, rate.max_payload)
        pauses = len(sizes) * (GATEWAY_MARGIN + group.slot_ms * 1000)
        sending = len(group.gateways) * (_airtime(rate, sizes) + pauses)
        slowest = min(joined.rates, default=self.region.uplink_rates[0])
        return sending + self._status_time(sizes, self.status_delay(joined)) + self._answer_airtime(slowest)

    def _status_time(self, sizes: Sequence[int], delay: int) -> int:
        """Microseconds for the reports of missing fragments."""
        return ROUNDS * report_seconds(delay) * SECOND if len(sizes) > 1 else 0

    def _answer_airtime(self, data_rate: int) -> int:
        rate = self.region.data_rates[data_rate]
        return rate.airtime(min(self.settings.answer_bytes, rate.max_payload), uplink=True)

    def _airtime_cost(self, airtime: int) -> int:
        return self.settings.airtime_cost * _milliseconds(airtime)

    def _server_ms(self, radio_us: int) -> int:
        return math.ceil(radio_us / 1000 / self.settings.speed)


def _airtime(rate: DataRate, sizes: Sequence[int]) -> int:
    return sum(rate.airtime(size, uplink=False) for size in sizes)


def _milliseconds(microseconds: int) -> int:
    return -(-microseconds // 1000)
