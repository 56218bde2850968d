"""What is known of the network server's devices, groups and gateways: the sum of the events so far."""

from collections import Counter, defaultdict

from cse.slices import in_slices
from plugins.lora_broadcast.crowd import Crowd
from plugins.lora_broadcast.network_server import (
    DeviceFacts,
    Event,
    GatewayFacts,
    GroupFacts,
    MemberFacts,
    Membership,
    Offline,
    Ready,
    SetupSent,
)
from plugins.lora_broadcast.regions import EU868, REGIONS


class Directory:
    """`obstacle` says why nothing can be sent, "" when it can; `region` is that of the network server."""

    def __init__(self, obstacle: str) -> None:
        self.obstacle = obstacle
        self.region = EU868
        self._clear()

    def _clear(self) -> None:
        self.devices: dict[str, DeviceFacts] = {}
        self.groups: dict[str, GroupFacts] = {}
        self.gateways: dict[str, GatewayFacts] = {}
        self.setup_airtime: Counter[str] = Counter()
        self._members: defaultdict[str, dict[str, Membership]] = defaultdict(dict)

    def learn(self, event: Event) -> None:
        """Take in an event; those that are no facts are ignored."""
        match event:
            case DeviceFacts():
                self.devices[event.device] = event
            case GroupFacts():
                self.groups[event.group] = event
            case GatewayFacts():
                self.gateways[event.gateway] = event
            case MemberFacts():
                self._learn_member(event)
            case SetupSent():
                self.setup_airtime[event.group] += event.airtime_us
            case Ready():
                self.region = REGIONS.get(event.region, self.region)
                known = event.region in REGIONS
                self.obstacle = "" if known else f"the network server is in {event.region}, which is not supported"
            case Offline():
                self._clear()
                self.obstacle = event.sentence

    def _learn_member(self, event: MemberFacts) -> None:
        if event.membership is Membership.GONE:
            self._members[event.group].pop(event.device, None)
        else:
            self._members[event.group][event.device] = event.membership

    def joined(self, group: str, device: str) -> bool:
        """Whether the device has acknowledged its session and is not about to leave."""
        return self._members[group].get(device) is Membership.JOINED

    def listeners(self, group: str) -> set[str]:
        """The devices that hear a broadcast to the group or, since an acknowledgement is missing, may hear it."""
        return set(self._members[group])

    async def crowd(self, group: str) -> Crowd:
        """The devices that certainly hear a broadcast to the group."""
        crowd = Crowd()
        async for device, state in in_slices(list(self._members[group].items())):
            if state is Membership.JOINED and device in self.devices:
                crowd.add(self.devices[device])
        return crowd

    def budget(self, group: GroupFacts) -> int:
        """Microseconds of airtime that every gateway of the group has left in this hour."""
        known = (self.gateways.get(gateway) for gateway in group.gateways)
        return min((facts.budget_us if facts else 0 for facts in known), default=0)

    def band(self, group: GroupFacts) -> str:
        """What the gateways of the group share their duty cycle in: their names and the sub-band."""
        bands = sorted({self.gateways[name].band for name in group.gateways if name in self.gateways})
        return "+".join(sorted(set(group.gateways))) + "/" + "+".join(bands)
