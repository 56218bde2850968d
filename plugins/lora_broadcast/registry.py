"""Which AE a device belongs to, and which devices may hear a broadcast to a group."""

import re
import threading
from collections import OrderedDict
from collections.abc import Container, Iterable

from tinydb import TinyDB

from cse.network import Host, Reason, Unreachable, addresses
from cse.slices import in_slices
from plugins.lora_broadcast.directory import Directory
from plugins.lora_broadcast.memory import Mapping
from plugins.lora_broadcast.network_server import DeviceFacts, SetGroup

SCHEME = "lora"
# Campaigns whose targets are remembered, so that repeats to the silent ones know who else may hear them.
MOST_CAMPAIGNS = 1000
MOST_TARGETS = 500_000
_ADDRESS = re.compile(r"lora://([0-9a-fA-F]{16})/?")


class Registry:
    """`network` is the name that reasons show; `switch_class_a` lets devices of class A take part in broadcasts."""

    def __init__(self, network: str, directory: Directory, documents: TinyDB, *, switch_class_a: bool = False) -> None:
        self._network = network
        self._switch_class_a = switch_class_a
        self._directory = directory
        self._owners = Mapping(documents, "owners")
        self._groups = Mapping(documents, "groups")
        self._saving = threading.Lock()
        self._targets: OrderedDict[tuple[str, str], set[str]] = OrderedDict()

    def save(self) -> None:
        """Write what has changed. It takes a while and may run in any thread."""
        with self._saving:
            self._owners.save()
            self._groups.save()

    def owner(self, device: str) -> str:
        """The AE-ID of a device: what the network server's operator says, else the first AE that named it; or ""."""
        facts = self._directory.devices.get(device)
        return (facts and facts.tag) or self._owners.values.get(device, "")

    def proven_owner(self, device: str) -> str:
        """The same, but only for an AE that the engine has shown us as a host."""
        owner = self.owner(device)
        return owner if self._owners.values.get(device) == owner else ""

    def find(self, host: Host, obstacle: Unreachable | None) -> DeviceFacts | Unreachable:
        """The device of a host, or why it cannot be reached; `obstacle` is in the way of every device."""
        device = dev_eui(host)
        if device is None:
            return self._no(Reason.NO_POA, "no point of access is lora:// and a DevEUI of 16 hexadecimal digits")
        if obstacle:
            return obstacle
        facts = self._directory.devices.get(device)
        if facts is None:
            return self._no(Reason.OFFLINE, f"the network server knows no device {device}; add it there")
        return self._unfit(facts) or self._foreign(host, device) or facts

    def _unfit(self, facts: DeviceFacts) -> Unreachable | None:
        region = self._directory.region.name
        if facts.region != region:
            return self._no(Reason.REGION, f"the device is in region {facts.region}, its network server in {region}")
        if not facts.gateways:
            return self._no(Reason.OFFLINE, "no gateway hears the device")
        return None

    def _foreign(self, host: Host, device: str) -> Unreachable | None:
        """A device answers to one AE only, whoever else claims it in its poa."""
        owner = self.owner(device)
        if owner and owner != host.id:
            return self._no(Reason.SECURITY, f"the device belongs to {owner}; correct its tag at the network server")
        self._owners.put(device, host.id)
        return None

    async def regroup(self, group: str, members: Iterable[Host]) -> SetGroup | None:
        """The group has these members now: what to tell the network server. A group takes two devices."""
        claimed = {device: member.id async for member in in_slices(members) if (device := dev_eui(member))}
        own = [device async for device, entity in in_slices(claimed.items()) if self.owner(device) in ("", entity)]
        devices = sorted(own)
        if len(devices) < 2:
            devices = []
        if not devices and group not in self._groups.values:
            return None
        self._groups.put(group, devices)
        return SetGroup(group, tuple(devices), self._switch_class_a)

    def groups(self) -> list[SetGroup]:
        """What to tell a network server that has just told what it knows; deletions that it has made are forgotten."""
        for group, devices in list(self._groups.values.items()):
            if not devices and group not in self._directory.groups:
                self._groups.put(group, None)
        return [SetGroup(group, tuple(devices), self._switch_class_a) for group, devices in self._groups.values.items()]

    def target(self, request_identifier: str, group: str, devices: Iterable[str]) -> None:
        """These devices are permitted targets of this request to this group, besides those named before."""
        key = (request_identifier, group)
        self._targets.setdefault(key, set()).update(devices)
        self._targets.move_to_end(key)
        while len(self._targets) > 1 and self._are_too_many():
            self._targets.popitem(last=False)

    def _are_too_many(self) -> bool:
        return len(self._targets) > MOST_CAMPAIGNS or sum(map(len, self._targets.values())) > MOST_TARGETS

    def bystanders(self, request_identifier: str, group: str) -> tuple[int, ...]:
        """Short addresses of devices that would or might hear a broadcast of this request and are not its targets."""
        requested = self._groups.values.get(group, ())
        targets = self._targets.get((request_identifier, group), set())
        listeners = self._directory.listeners(group)
        facts = (self._directory.devices.get(device) for device in listeners.union(requested) - targets)
        return tuple(sorted(known.address for known in facts if known and _may_hear(known, listeners)))

    def _no(self, reason: Reason, detail: str) -> Unreachable:
        return Unreachable(self._network, reason, detail)


def _may_hear(facts: DeviceFacts, listeners: Container[str]) -> bool:
    """Whether a multicast can reach a device; one of class A must have been switched for it."""
    return bool(facts.gateways) and (facts.device_class != "A" or facts.device in listeners)


def dev_eui(host: Host) -> str | None:
    """The DevEUI in the first lora:// point of access that has one, in lower case."""
    for address in addresses(host, SCHEME):
        if match := _ADDRESS.fullmatch(address):
            return match[1].lower()
    return None
