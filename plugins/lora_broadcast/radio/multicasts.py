"""How a multicast gets to its group: once from each gateway that is needed, one after the other, as the same frame."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from plugins.lora_broadcast.network_server import GATEWAY_MARGIN, Drop, MulticastDownlink
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import Gateway, Job
from plugins.lora_broadcast.radio.groups import Group, Leg
from plugins.lora_broadcast.radio.kernel import Kernel
from plugins.lora_broadcast.radio.ping_slots import next_slot
from plugins.lora_broadcast.radio.receiver import slot_channel
from plugins.lora_broadcast.radio.session_setup import PING_SLOTS
from plugins.lora_broadcast.regions import Channel, Region


@dataclass(slots=True, eq=False)
class Multicast:
    """A multicast under way: the legs that remain, and what came of the others."""

    downlink: MulticastDownlink
    group: Group
    counter: int
    expires: int
    remaining: list[Leg] = field(default_factory=list)
    sent: bool = False
    reason: Drop = Drop.EXPIRED


class Multicasts:
    """`sent(id, gateway, airtime)` is told of each transmission, `ended(run)` when no leg is left.

    `by_unicast` is the airtime in microseconds that unicasts to the same members would have taken.
    """

    def __init__(
        self,
        kernel: Kernel,
        region: Region,
        devices: Mapping[str, RadioDevice],
        gateways: Sequence[Gateway],
        sent: Callable[[str, int, int], None],
        ended: Callable[[Multicast], None],
    ) -> None:
        self._kernel = kernel
        self._region = region
        self._devices = devices
        self._gateways = gateways
        self.by_unicast = 0
        self._sent = sent
        self._ended = ended

    def start(self, downlink: MulticastDownlink, group: Group, expires: int) -> None:
        """Send to a group, with the frame counter that is next."""
        run = Multicast(downlink, group, group.counter, expires, list(group.legs))
        group.counter += 1
        rates = Counter(self._devices[eui].downlink_rate for eui in group.members)
        self.by_unicast += sum(
            count * self._region.data_rates[rate].airtime(len(downlink.payload), uplink=False)
            for rate, count in rates.items()
        )
        self._next_leg(run)

    def _next_leg(self, run: Multicast) -> None:
        if not run.remaining:
            self._ended(run)
            return
        leg = run.remaining.pop(0)
        job = Job(
            run.downlink.port,
            run.downlink.payload,
            Channel(self._region.second_window.frequency, run.group.data_rate),
            run.expires,
            sent=partial(self._leg_sent, run),
            dropped=partial(self._leg_dropped, run),
            address=run.group.address,
            counter=run.counter,
        )
        if leg.device_class == "B":
            self._send_in_slot(self._gateways[leg.gateway], job, self._kernel.now)
        else:
            self._gateways[leg.gateway].submit(job)

    def _send_in_slot(self, gateway: Gateway, job: Job, after: int) -> None:
        """Send in the group's first ping slot after this time in which the gateway is free."""
        time = next_slot(after, job.address, PING_SLOTS)
        if time > job.expires:
            gateway.expire(job)
            return
        job.channel = slot_channel(self._region, job.address, job.channel.data_rate, time)
        gateway.submit_at(job, time, partial(self._send_in_slot, gateway, job, time))

    def _leg_sent(self, run: Multicast, gateway: int, airtime: int) -> None:
        run.sent = True
        self._sent(run.downlink.id, gateway, airtime)
        self._kernel.after(GATEWAY_MARGIN if run.remaining else 0, partial(self._next_leg, run))

    def _leg_dropped(self, run: Multicast, reason: Drop) -> None:
        run.reason = reason
        self._next_leg(run)
