"""From hosts and a request to offers, and from a delivery to the message on the air."""

from collections.abc import Sequence
from dataclasses import replace

from cse.network import Delivery, DeliveryFailed, Host, Offer, Reach, Reason, Unreachable, Way
from cse.primitive import Operation, Request
from cse.slices import in_slices
from plugins.lora_broadcast.codec import REQUEST_PORT, CampaignMessage
from plugins.lora_broadcast.directory import Directory
from plugins.lora_broadcast.memory import Campaigns
from plugins.lora_broadcast.network_server import DeviceFacts
from plugins.lora_broadcast.planning import UNICAST_EXPONENT, Listening, Planner, listening
from plugins.lora_broadcast.registry import Registry
from plugins.lora_broadcast.settings import LoRaSettings
from plugins.lora_broadcast.signing import Signing
from plugins.lora_broadcast.transport import Message


class Offering:
    """`network` is the name of the network in offers and reasons."""

    def __init__(
        self,
        network: str,
        settings: LoRaSettings,
        directory: Directory,
        registry: Registry,
        campaigns: Campaigns,
        signing: Signing,
    ) -> None:
        self._network = network
        self._most_excluded = settings.max_exclusions
        self._settings = settings
        self._directory = directory
        self._registry = registry
        self._campaigns = campaigns
        self._signing = signing

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        """As `Network.offers`."""
        obstacle = self._obstacle(request)
        found = [self._registry.find(host, obstacle) async for host in in_slices(hosts)]
        devices = [facts for facts in found if isinstance(facts, DeviceFacts)]
        unicasts = await self._unicasts(request, devices)
        broadcast = await self._broadcast(request, group, devices) if group and devices else None
        return [
            [item]
            if isinstance(item, Unreachable)
            else [Way(unicasts[listening(item)], item.device), *self._heard(item, group, broadcast)]
            async for item in in_slices(found)
        ]

    def unicast_message(self, request: Request, device: str) -> Message:
        """What a single device receives."""
        number = self._campaigns.number(request.request_identifier)
        payload = CampaignMessage(number, UNICAST_EXPONENT, request.content).encode()
        facts, region = self._directory.devices.get(device), self._directory.region
        if facts is None:
            raise DeliveryFailed(self._directory.obstacle or f"the network server knows no device {device} any more")
        room = region.data_rates[region.downlink_rate(facts.data_rate)].max_payload
        return Message(number, REQUEST_PORT, payload, room, device)

    async def multicast_message(self, delivery: Delivery) -> Message:
        """What a group receives, for the group as it stands now, which may have changed since the offer."""
        identifier, group = delivery.request.request_identifier, delivery.address
        facts = self._directory.groups.get(group)
        if facts is None:
            raise DeliveryFailed(self._directory.obstacle or f"the group {group} has no multicast session any more")
        found = [self._registry.find(host, None) async for host in in_slices(delivery.hosts)]
        self._registry.target(identifier, group, [item.device for item in found if isinstance(item, DeviceFacts)])
        excluded = self._registry.bystanders(identifier, group)
        if len(excluded) > self._most_excluded:
            raise DeliveryFailed(self._too_many(excluded))
        number = self._campaigns.number(identifier)
        message = CampaignMessage(number, 0, delivery.request.content, excluded)
        planner, joined = self._planner, await self._directory.crowd(group)
        room = planner.rate(facts).max_payload
        length = self._signing.length(len(message.encode()), room)
        exponent = planner.window_exponent(facts, joined, length, delivery.window)
        payload = replace(message, window_exponent=exponent).encode()
        port, payload = self._signing.frame(payload, facts.address, room)
        return Message(number, port, payload, room, delay=planner.status_delay(joined))

    def lifetime_ms(self, seconds: float) -> int:
        """Radio milliseconds in so many server seconds."""
        return self._planner.lifetime_ms(seconds)

    @property
    def _planner(self) -> Planner:
        return Planner(self._network, self._settings, self._directory.region)

    def _obstacle(self, request: Request) -> Unreachable | None:
        """What keeps every device from being reached."""
        if request.operation is not Operation.NOTIFY:
            return Unreachable(self._network, Reason.OPERATION, "LoRa carries device requests (NOTIFY) only")
        if self._directory.obstacle:
            return Unreachable(self._network, Reason.OFFLINE, self._directory.obstacle)
        return None

    async def _unicasts(self, request: Request, devices: Sequence[DeviceFacts]) -> dict[Listening, Offer]:
        """One offer for all devices that listen in the same way."""
        number = self._campaigns.peek(request.request_identifier)
        size = len(CampaignMessage(number, UNICAST_EXPONENT, request.content).encode())
        gateways, planner = len(self._directory.gateways), self._planner
        kinds = {listening(facts) async for facts in in_slices(devices)}
        return {kind: planner.unicast(kind, size, gateways) for kind in kinds}

    async def _broadcast(self, request: Request, group: str, devices: Sequence[DeviceFacts]) -> Offer | Unreachable:
        """The offer to all joined devices of the group, or why there is none."""
        identifier, offer_id = request.request_identifier, f"{self._network}:{group}"
        self._registry.target(identifier, group, [facts.device async for facts in in_slices(devices)])
        facts, joined = self._directory.groups.get(group), await self._directory.crowd(group)
        if facts is None or not joined.rates:
            return Unreachable(offer_id, Reason.NOT_JOINED, "no device has acknowledged a session of this group yet")
        excluded = self._registry.bystanders(identifier, group)
        if len(excluded) > self._most_excluded:
            return Unreachable(offer_id, Reason.SECURITY, self._too_many(excluded))
        if self._signing.refusal:
            return Unreachable(offer_id, Reason.SECURITY, self._signing.refusal)
        message = CampaignMessage(self._campaigns.peek(identifier), 0, request.content, excluded).encode()
        size = self._signing.length(len(message), self._planner.rate(facts).max_payload)
        return self._planner.broadcast(facts, joined, size, self._directory.budget(facts), self._directory.band(facts))

    def _heard(self, facts: DeviceFacts, group: str, broadcast: Offer | Unreachable | None) -> Reach:
        """The broadcast as one device sees it."""
        if not isinstance(broadcast, Offer):
            return [broadcast] if broadcast else []
        if self._directory.joined(group, facts.device):
            return [Way(broadcast, group)]
        if facts.device_class == "A" and not self._settings.switch_class_a:
            sentence = "the device listens only after its own uplinks; switch_class_a would let it take part"
            return [Unreachable(broadcast.id, Reason.CLASS_A, sentence)]
        spent = self._directory.setup_airtime[group] / 1e6
        detail = f"the device has not acknowledged its session; {spent:.1f} s of airtime went into the set-up so far"
        return [Unreachable(broadcast.id, Reason.NOT_JOINED, detail)]

    def _too_many(self, excluded: Sequence[int]) -> str:
        return (
            f"{len(excluded)} devices that are not targets of this request would hear it; "
            f"at most {self._most_excluded} can be excluded (max_exclusions)"
        )
