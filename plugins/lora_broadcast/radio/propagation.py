"""Path loss, sensitivity and link budget. Levels in dBm, losses in dB, distances in metres."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from plugins.lora_broadcast.airtime import DataRate
from plugins.lora_broadcast.regions import Region

NOISE_FIGURE = 6.0
# Signal-to-noise ratio that the demodulator needs, by spreading factor (SX1276 data sheet).
DEMODULATOR_SNR = {5: -2.5, 6: -5.0, 7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
GATEWAY_GAIN = 2.0
NEAREST = 1.0

Position = tuple[float, float]


def oulu(distance: float) -> float:
    """Log-distance model measured in Oulu with the gateway 24 m above sea level (Petäjäjärvi et al. 2015)."""
    return 128.95 + 23.2 * math.log10(max(distance, NEAREST) / 1000)


def hata(distance: float) -> float:
    """Okumura-Hata, suburban, as Actility fits it for LoRa."""
    return 127.5 + 35.2 * math.log10(max(distance, NEAREST) / 1000)


PATH_LOSS: dict[str, Callable[[float], float]] = {"oulu": oulu, "hata": hata}


@cache
def sensitivity(data_rate: DataRate) -> float:
    """The weakest level at which a frame of this data rate can be demodulated."""
    noise = -174 + 10 * math.log10(data_rate.bandwidth_khz * 1000) + NOISE_FIGURE
    return noise + DEMODULATOR_SNR[data_rate.spreading_factor]


def best_data_rate(region: Region, level: float, margin: float) -> int:
    """The fastest uplink rate whose sensitivity the level exceeds by the margin; the slowest if none does."""
    rates = region.data_rates
    fit = (rate for rate in reversed(region.uplink_rates) if level - margin >= sensitivity(rates[rate]))
    return next(fit, region.uplink_rates[0])


@dataclass(frozen=True)
class Terrain:
    """How signals fade between a device and the gateways. Links are symmetrical and do not change with time."""

    gateways: Sequence[Position]
    path_loss: Callable[[float], float] = oulu
    shadowing: float = 7.8

    def losses(self, place: Position, random: Random) -> tuple[float, ...]:
        """Loss to each gateway, antenna gain included, with log-normal shadowing of its own for each."""
        return tuple(
            self.path_loss(math.dist(place, gateway)) + random.gauss(0.0, self.shadowing) - GATEWAY_GAIN
            for gateway in self.gateways
        )


def settle(
    terrain: Terrain, radius: float, largest_loss: float, random: Random, attempts: int = 200
) -> tuple[Position, tuple[float, ...]]:
    """A place in a disc around the origin with no larger loss to its best gateway: meters stand where they work.

    After so many attempts the last place is taken whether it is covered or not.
    """
    for _ in range(attempts):
        distance, angle = radius * math.sqrt(random.random()), 2 * math.pi * random.random()
        place = (distance * math.cos(angle), distance * math.sin(angle))
        losses = terrain.losses(place, random)
        if min(losses) <= largest_loss:
            break
    return place, losses


def gateway_ring(count: int, radius: float) -> list[Position]:
    """One gateway in the centre, or all on a circle of half the radius."""
    if count == 1:
        return [(0.0, 0.0)]
    angles = (2 * math.pi * index / count for index in range(count))
    return [(radius / 2 * math.cos(angle), radius / 2 * math.sin(angle)) for angle in angles]
