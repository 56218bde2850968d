"""Multicast groups: sessions are set up and deleted by unicast, each until the device has acknowledged it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import (
    Event,
    GroupFacts,
    MemberFacts,
    Membership,
    SetGroup,
    SetupSent,
)
from plugins.lora_broadcast.radio.cover import cover
from plugins.lora_broadcast.radio.device import SETUP_BACKOFF, RadioDevice
from plugins.lora_broadcast.radio.gateway import SETUP, Gateway, Job
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.radio.session_setup import (
    GROUPS_PER_DEVICE,
    PORT,
    Deletion,
    Setup,
    acknowledges,
)

# The pause before the second attempt; it doubles with every further one.
FIRST_PAUSE = 2 * SETUP_BACKOFF * SECOND
LONGEST_PAUSE = HOUR
LIFETIME = 24 * HOUR


@dataclass(slots=True, eq=False)
class Member:
    """One device of a group: the session it has acknowledged, and what it has to acknowledge next."""

    slot: int
    membership: Membership = Membership.INVITED
    session: Setup | None = None
    request: Setup | Deletion | None = None
    attempts: int = 0


@dataclass(slots=True, eq=False)
class Group:
    """A multicast group; `address` is its McAddr, `gateways` are indices."""

    name: str
    address: int
    data_rate: int = -1
    gateways: tuple[int, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)


class Sessions:
    """`emit` is told what changes."""

    def __init__(
        self,
        kernel: Kernel,
        devices: Mapping[str, RadioDevice],
        gateways: Sequence[Gateway],
        emit: Callable[[Event], None],
    ) -> None:
        self.groups: dict[str, Group] = {}
        self._kernel = kernel
        self._devices = devices
        self._gateways = gateways
        self._emit = emit
        self._next_address = 0xFF000001

    def facts(self) -> list[Event]:
        """All groups and their members."""
        members = [
            MemberFacts(group.name, device, member.membership)
            for group in self.groups.values()
            for device, member in group.members.items()
        ]
        return [*map(self._group_facts, self.groups.values()), *members]

    def set_group(self, command: SetGroup) -> None:
        """Bring a group to these members; devices that cannot hear a class C multicast are left out."""
        wanted = {eui for eui in command.devices if self._suitable(eui)}
        group = self.groups.get(command.group)
        if group is None:
            if not wanted:
                return
            group = self.groups[command.group] = Group(command.group, self._next_address)
            self._next_address += 1
        for eui in sorted(group.members.keys() - wanted):
            self._expel(group, eui)
        if wanted:
            self._retune(group, wanted)
        for eui in sorted(wanted):
            self._invite(group, eui)

    def acknowledged(self, eui: str, payload: bytes) -> None:
        """An uplink on the set-up port has come in."""
        for group in list(self.groups.values()):
            member = group.members.get(eui)
            if member and member.request and acknowledges(payload, member.request):
                request, member.request = member.request, None
                member.session = request if isinstance(request, Setup) else None
                self._change(group, eui, Membership.JOINED if member.session else Membership.GONE)
                return

    def _suitable(self, eui: str) -> bool:
        device = self._devices.get(eui)
        return device is not None and device.device_class == "C" and bool(device.hearing)

    def _retune(self, group: Group, wanted: set[str]) -> None:
        """Data rate and gateways for these members: the slowest member decides."""
        devices = [self._devices[eui] for eui in wanted]
        group.data_rate = min(device.data_rate for device in devices)
        group.gateways = cover(device.hearing for device in devices)
        self._emit(self._group_facts(group))

    def _group_facts(self, group: Group) -> GroupFacts:
        names = tuple(self._gateways[index].name for index in group.gateways)
        return GroupFacts(group.name, group.data_rate, names, group.address)

    def _invite(self, group: Group, eui: str) -> None:
        member = group.members.get(eui)
        if member is None:
            slot = self._free_slot(eui)
            if slot is None:
                return
            member = group.members[eui] = Member(slot)
        setup = Setup(member.slot, group.address, group.data_rate)
        if setup != (member.request or member.session):
            self._change(group, eui, Membership.INVITED)
            self._ask(group, eui, setup)

    def _expel(self, group: Group, eui: str) -> None:
        member = group.members[eui]
        if not isinstance(member.request, Deletion):
            self._change(group, eui, Membership.LEAVING)
            self._ask(group, eui, Deletion(member.slot))

    def _free_slot(self, eui: str) -> int | None:
        used = {group.members[eui].slot for group in self.groups.values() if eui in group.members}
        return next((slot for slot in range(GROUPS_PER_DEVICE) if slot not in used), None)

    def _ask(self, group: Group, eui: str, request: Setup | Deletion) -> None:
        member = group.members[eui]
        member.request, member.attempts = request, 0
        self._attempt(group, eui, request)

    def _attempt(self, group: Group, eui: str, request: Setup | Deletion) -> None:
        """Send the request; once it is out, wait for the acknowledgement, longer each time, and send it again."""
        member = group.members.get(eui)
        if member is None or member.request is not request:
            return
        member.attempts += 1
        device = self._devices[eui]
        job = Job(
            PORT,
            request.encode(),
            device.data_rate,
            self._kernel.now + LIFETIME,
            sent=partial(self._sent, group, eui, request),
            dropped=lambda reason: self._retry(group, eui, request),
            device=eui,
            priority=SETUP,
            wanted=lambda: member.request is request,
        )
        self._gateways[device.hearing[0]].submit(job)

    def _sent(self, group: Group, eui: str, request: Setup | Deletion, gateway: int, airtime: int) -> None:
        self._emit(SetupSent(group.name, self._gateways[gateway].name, airtime))
        self._retry(group, eui, request)

    def _retry(self, group: Group, eui: str, request: Setup | Deletion) -> None:
        member = group.members.get(eui)
        if member is not None:
            pause = min(FIRST_PAUSE << min(member.attempts - 1, 20), LONGEST_PAUSE)
            self._kernel.after(pause, partial(self._attempt, group, eui, request))

    def _change(self, group: Group, eui: str, membership: Membership) -> None:
        """Note where a member stands; forget it once it is gone, and the group with its last member."""
        group.members[eui].membership = membership
        self._emit(MemberFacts(group.name, eui, membership))
        if membership is Membership.GONE:
            del group.members[eui]
            if not group.members:
                del self.groups[group.name]
