"""What AEs and remoteCSEs have in common: they register, and stand for somebody who can be sent requests."""

from typing import Any

from cse.attributes import matching
from cse.events import host_changed
from cse.fanout.states import State
from cse.network import Host
from cse.polling import channel_address
from cse.resource import ResourceType
from cse.store import Resource
from cse.work import Work

SERIALIZATION = matching(
    "a media type such as application/json or application/cbor",
    r"application/(vnd\.onem2m-(res|ntfy)\+)?(json|cbor|xml)",
)


REACHED_BY = {"poa", "rr", "nl", "csz", "srv"}


class Registration(ResourceType):
    """Its creator is the identifier that it registers: an AE-ID or CSE-ID."""

    registers = True

    def created(self, work: Work, resource: Resource, parent: Resource) -> None:
        """Somebody who was registered before may be awaited."""
        if work.transaction.campaigns.concern(resource.ri, State.WAITING):
            host_changed(work, resource)

    def updated(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        if REACHED_BY & changes.keys():
            host_changed(work, resource)
        if "poa" in changes:
            for group in work.transaction.lists.holders(resource.ri):
                work.list_changed(group)

    def host(self, resource: Resource) -> Host | None:
        attributes = resource.attributes
        channel = [channel_address(attributes["_channel"])] if "_channel" in attributes else []
        return Host(
            attributes.get("csi", resource.ri),
            (*attributes.get("poa", ()), *channel),
            attributes["rr"],
            tuple(attributes.get("srv", ())),
            tuple(attributes.get("csz", ())),
            multicast=attributes.get("mtcc", 0),
            external_group=attributes.get("egid", ""),
            schedule=tuple(attributes.get("_schedule", ())),
        )
