"""Multicast groups: sessions are set up and deleted by unicast, each until the device has acknowledged it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import Event, GroupFacts, MemberFacts, Membership, SetGroup, SetupSent
from plugins.lora_broadcast.radio.application import SETUP_BACKOFF
from plugins.lora_broadcast.radio.device import RadioDevice
from plugins.lora_broadcast.radio.gateway import SETUP, Gateway
from plugins.lora_broadcast.radio.groups import Group, Member, session_class
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.radio.ping_slots import BEACON_PERIOD
from plugins.lora_broadcast.radio.session_setup import (
    GROUPS_PER_DEVICE,
    LONGEST_SESSION,
    PING_SLOTS,
    PORT,
    Deletion,
    Setup,
    acknowledges,
)
from plugins.lora_broadcast.radio.unicasts import Unicasts
from plugins.lora_broadcast.regions import Region

# The pause before the second attempt; it doubles with every further one.
FIRST_PAUSE = 2 * SETUP_BACKOFF * SECOND
LONGEST_PAUSE = HOUR
LIFETIME = 24 * HOUR
# Sessions of devices that have switched class for them end; they are set up again when half of their time is over.
SESSION_LENGTH = SECOND << LONGEST_SESSION
# So long before the end of a session nobody counts on it any more.
SESSION_MARGIN = 60 * SECOND


class Sessions:
    """`emit` is told what changes. With `provisioned`, devices have their sessions without any set-up on the air."""

    def __init__(
        self,
        kernel: Kernel,
        region: Region,
        devices: Mapping[str, RadioDevice],
        gateways: Sequence[Gateway],
        unicasts: Unicasts,
        emit: Callable[[Event], None],
        *,
        provisioned: bool = False,
    ) -> None:
        self.groups: dict[str, Group] = {}
        self._kernel = kernel
        self._frequency = region.second_window.frequency
        self._devices = devices
        self._gateways = gateways
        self._unicasts = unicasts
        self._emit = emit
        self._provisioned = provisioned
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
        """Bring a group to these members; devices that cannot hear a multicast are left out."""
        wanted = {eui for eui in command.devices if self._suitable(eui, command.switch_class_a)}
        group = self.groups.get(command.group)
        if group is None:
            if not wanted:
                return
            group = self.groups[command.group] = Group(command.group, self._next_address)
            self._next_address += 1
        for eui in sorted(group.members.keys() - wanted):
            self._expel(group, eui)
        if wanted:
            group.retune([self._devices[eui] for eui in wanted])
            self._emit(self._group_facts(group))
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
                self._watch(group, eui, member.session)
                return

    def _suitable(self, eui: str, switch_class_a: bool) -> bool:
        device = self._devices.get(eui)
        return device is not None and bool(device.hearing) and (device.device_class != "A" or switch_class_a)

    def _group_facts(self, group: Group) -> GroupFacts:
        names = tuple(self._gateways[leg.gateway].name for leg in group.legs)
        slotted = any(leg.device_class == "B" for leg in group.legs)
        slot = BEACON_PERIOD // PING_SLOTS // 1000 if slotted else 0
        return GroupFacts(group.name, group.data_rate, names, group.address, slot)

    def _invite(self, group: Group, eui: str) -> None:
        member = group.members.get(eui)
        if member is None:
            slot = self._free_slot(eui)
            if slot is None:
                return
            member = group.members[eui] = Member(slot)
        setup = self._setup(group, eui, member)
        if setup == (member.request or member.session):
            return
        if self._provisioned:
            self._devices[eui].receiver.join(setup, self._kernel.now)
            member.session = setup
            self._change(group, eui, Membership.JOINED)
        else:
            self._change(group, eui, Membership.INVITED)
            self._ask(group, eui, setup)

    def _setup(self, group: Group, eui: str, member: Member) -> Setup:
        return Setup(
            member.slot,
            group.address,
            group.data_rate,
            session_class(self._devices[eui]),
            frequency=self._frequency,
            first_counter=group.counter,
        )

    def _expel(self, group: Group, eui: str) -> None:
        member = group.members[eui]
        if not isinstance(member.request, Deletion):
            self._change(group, eui, Membership.LEAVING)
            self._ask(group, eui, Deletion(member.slot))

    def _free_slot(self, eui: str) -> int | None:
        used = {group.members[eui].slot for group in self.groups.values() if eui in group.members}
        return next((slot for slot in range(GROUPS_PER_DEVICE) if slot not in used), None)

    def _watch(self, group: Group, eui: str, session: Setup | None) -> None:
        """The session of a device that has switched class ends: renew it in time."""
        if session and self._devices[eui].device_class == "A":
            self._kernel.after(SESSION_LENGTH // 2, partial(self._renew, group, eui, session))
            self._kernel.after(SESSION_LENGTH - SESSION_MARGIN, partial(self._lapse, group, eui, session))

    def _renew(self, group: Group, eui: str, session: Setup) -> None:
        member = group.members.get(eui)
        if member and member.session is session and member.request is None:
            self._ask(group, eui, replace(session, first_counter=group.counter))

    def _lapse(self, group: Group, eui: str, session: Setup) -> None:
        member = group.members.get(eui)
        if member and member.session is session and member.membership is Membership.JOINED:
            member.session = None
            self._change(group, eui, Membership.INVITED)

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
        self._unicasts.send(
            self._devices[eui],
            PORT,
            request.encode(),
            self._kernel.now + LIFETIME,
            partial(self._sent, group, eui, request),
            lambda reason: self._retry(group, eui, request),
            priority=SETUP,
            wanted=lambda: member.request is request,
        )

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
