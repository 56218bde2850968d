"""One delivery by a network that may fail, or be broken."""

import logging
from collections.abc import Mapping

from cse.fanout.states import Failure
from cse.network import Delivery, DeliveryFailed, Network

log = logging.getLogger(__name__)


async def attempt(networks: Mapping[str, Network], delivery: Delivery) -> Failure | None:
    """Deliver; what went wrong, if the network knows that nothing was received."""
    try:
        await networks[delivery.offer.network].deliver(delivery)
    except DeliveryFailed as error:
        log.info("delivery by %s to %s failed: %s", delivery.offer.network, delivery.address, error)
        return Failure.REFUSED if error.refused else Failure.SILENT
    except Exception:
        log.exception("network %s failed to deliver", delivery.offer.network)
        return Failure.ERROR
    return None
