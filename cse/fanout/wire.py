"""What members get to see of a request to their group."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cse.address import Naming
from cse.fanout.entry import Limits
from cse.fanout.managed import instruction
from cse.network import Host
from cse.primitive import Operation, Request, ResponseType
from cse.store import Campaign
from cse.timing import precise_timestamp

MARGIN_SHARE, MOST_MARGIN = 0.1, 1.0  # of the time until the deadline, and seconds


@dataclass(frozen=True, slots=True)
class Wire:
    """What goes out, on whatever path, attempt and restart: `devices` to AEs here, `elsewhere` to other CSEs.

    `afar` is what the originator is called at another service provider's.
    """

    devices: Request
    elsewhere: Request
    afar: str

    @property
    def repeats(self) -> bool:
        """Whether another CSE may get it again if it has not answered, because doing it twice is the same as once.

        A CREATE is repeated only if it names the resource: then the second one fails (4105).
        """
        content = self.elsewhere.content
        representations = content.values() if isinstance(content, dict) else ()
        names = any(isinstance(each, dict) and "rn" in each for each in representations)
        return self.elsewhere.operation is not Operation.CREATE or names

    @classmethod
    def of(cls, naming: Naming, campaign: Campaign, request: Request, limits: Limits) -> "Wire":
        """Of the request that the originator sent."""
        elsewhere = _for_elsewhere(naming, campaign, request, limits)
        afar = naming.elsewhere(request.originator, other_provider=True)
        return cls(_for_devices(campaign, request, limits), elsewhere, afar)

    def follows(self, host: Host) -> bool:
        """Whether the tree here has to do what this host has done: it is a device, and has been managed."""
        return self.elsewhere.operation is Operation.UPDATE and not host.cse

    def meant(self, hosts: Iterable[Host]) -> Iterator[tuple[Request, list[Host]]]:
        """What networks are asked about, and for whom: all hosts that get the same."""
        found = list(hosts)
        for request, some in (
            (self.devices, [host for host in found if not host.cse]),
            (self.elsewhere, [host for host in found if host.cse]),
        ):
            if some:
                yield request, some

    def to(self, host: Host) -> Request:
        """What this host gets by unicast."""
        if not host.cse:
            return self.devices
        originator = self.afar if host.id.startswith("//") else self.elsewhere.originator
        return self.elsewhere.derive(to=host.id, originator=originator)


def group_request_identifier(naming: Naming, campaign: Campaign, request: Request) -> str:
    """That of the first group on the way (TS-0004 clause 7.4.14.2.1): the one that came with the request, or ours."""
    return request.group_request_identifier or f"{naming.base_identifier}.{campaign.id}"


def _for_devices(campaign: Campaign, request: Request, limits: Limits) -> Request:
    manages = request.operation is Operation.UPDATE
    return Request(
        operation=Operation.NOTIFY if manages else request.operation,
        to=request.to,
        originator=request.originator,
        request_identifier=campaign.id,
        content=instruction(request) if manages else request.content,
        release_version=request.release_version,
        originating_timestamp=precise_timestamp(campaign.sequence / 1e6),
        request_expiration=precise_timestamp(limits.send_until),
        event_category=request.event_category,
    )


def _for_elsewhere(naming: Naming, campaign: Campaign, request: Request, limits: Limits) -> Request:
    """The CSE of a member answers blocking, and in time: it may have to wait for others, and its answer to travel."""
    until = limits.deadline - min(MOST_MARGIN, MARGIN_SHARE * (limits.deadline - limits.accepted))
    return request.derive(
        originator=naming.elsewhere(request.originator),
        request_identifier=campaign.id,
        originating_timestamp=precise_timestamp(campaign.sequence / 1e6),
        request_expiration=precise_timestamp(min(limits.send_until, until)),
        result_expiration=precise_timestamp(until),
        group_request_identifier=group_request_identifier(naming, campaign, request),
        response_type=ResponseType.BLOCKING,
        notification_uris=None,
        result_persistence=None,
        execution_time=None,
        group_target_members=(),
    )
