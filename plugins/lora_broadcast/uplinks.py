"""What devices say: answers go to the engine, readings into the tree."""

import logging

from cse.network import Discard, Engine
from cse.primitive import Content
from plugins.lora_broadcast.codec import READING_PORT, REQUEST_PORT, AnswerMessage, Malformed, decode_reading
from plugins.lora_broadcast.memory import Campaigns
from plugins.lora_broadcast.network_server import Uplink
from plugins.lora_broadcast.readings import Reading, ReadingStore
from plugins.lora_broadcast.registry import Registry

log = logging.getLogger(__name__)


class Uplinks:
    """The network server vouches for the DevEUI of an uplink; which AE that is, the registry knows."""

    def __init__(
        self, network: str, engine: Engine, registry: Registry, campaigns: Campaigns, readings: ReadingStore
    ) -> None:
        self._network = network
        self._engine = engine
        self._registry = registry
        self._campaigns = campaigns
        self._readings = readings

    def handle(self, uplink: Uplink) -> None:
        """Take in an uplink; ports of other applications are ignored."""
        if uplink.port == REQUEST_PORT:
            self._answer(uplink)
        elif uplink.port == READING_PORT:
            self._read(uplink)

    def _answer(self, uplink: Uplink) -> None:
        try:
            message = AnswerMessage.decode(uplink.payload)
        except Malformed:
            self._engine.discard("", Discard.MALFORMED)
            return
        identifier = self._campaigns.identifier(message.campaign)
        entity = self._registry.proven_owner(uplink.device)
        if message.reading is not None:
            self._keep(uplink, message.reading)
        if identifier is None:
            self._engine.discard("", Discard.STRAY)
        elif not entity:
            self._engine.discard(identifier, Discard.WRONG_ADDRESS)
        else:
            self._engine.answer(identifier, entity, message.response, self._network)

    def _read(self, uplink: Uplink) -> None:
        try:
            self._keep(uplink, decode_reading(uplink.payload))
        except Malformed as error:
            log.warning("device %s has sent a reading that cannot be used: %s", uplink.device, error)

    def _keep(self, uplink: Uplink, value: Content) -> None:
        if entity := self._registry.owner(uplink.device):
            self._readings.put(Reading(entity, f"lora-{uplink.device}-{uplink.counter}", value))
        else:
            log.warning("no AE is known for device %s: tag it at the network server", uplink.device)
