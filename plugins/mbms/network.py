"""The network object: group messages to CSEs that share an externalGroupID."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from cse.coap.message import CoapError
from cse.coap.target import Endpoint, Target
from cse.http.outgoing import client_context
from cse.multicast.addresses import free_address
from cse.multicast.inviter import Inviter, ListenerType
from cse.multicast.offers import Menu, Sender, members_by_cse
from cse.multicast.records import Record, Records
from cse.multicast.setup import SetUps
from cse.network import Delivery, DeliveryFailed, Engine, Host, Network, Reach, Reason, Unreachable
from cse.primitive import Request
from cse.slices import in_slices
from plugins.mbms.bearer import MobileBearer
from plugins.mbms.messages import Messages
from plugins.mbms.service import Service
from plugins.mbms.settings import MbmsSettings

NETWORK = "mbms"
MBMS = 1  # m2m:multicastCapability
LOCAL_MULTICAST_GROUP = ListenerType(45, "m2m:lmg")
CONDITION = "it takes two CSEs with multicastCapability 1 (MBMS) and the same externalGroupID"


class Mbms(Network):
    """Without a SCEF it reaches nobody, and says so. `set_ups` have other CSEs listen, `records` are what they hear."""

    name = NETWORK
    schemes = frozenset[str]()
    records: Records
    set_ups: SetUps

    def __init__(self, settings: MbmsSettings) -> None:
        settings.check()
        self.policy = self._settings = settings
        self._tls = client_context(settings)
        self.external_group = settings.external_group
        self.multicast_capability = MBMS if settings.external_group else 0

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        settings = self._settings
        self.records = Records(engine.documents(NETWORK), self._allocate)
        self._service = Service(settings, engine, self._tls)
        self._bearer = MobileBearer(
            self._service.scef, self.records, engine.clock, engine.cse_id, settings.renewal_margin
        )
        self._inviter = Inviter(engine, LOCAL_MULTICAST_GROUP, self._bearer)
        self.set_ups = SetUps(self.records, self._inviter, settings, engine.clock)
        self._sender = Sender(NETWORK, settings, engine.cse_id, engine.protection, CONDITION)
        self._messages = Messages(engine.protection, settings.max_datagram)
        if settings.api_root:
            await self._service.start()

    async def stop(self) -> None:
        await self.set_ups.stop()
        await self._service.stop()

    async def prepare(self, group: str, members: Sequence[Host]) -> None:
        """Start the set-ups, one for each externalGroupID, and return."""
        able: dict[str, list[Host]] = {record.external_group: [] for record in self.records if record.group == group}
        if self._refusal() is None:
            async for host in in_slices(members):
                if _is_able(host):
                    able.setdefault(host.external_group, []).append(host)
        for external_group, hosts in able.items():
            self.set_ups.change(group, members_by_cse(hosts), external_group)

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        refusal = self._refusal()
        able: dict[str, list[Host]] = {}
        async for host in in_slices(hosts):
            if refusal is None and _is_able(host):
                able.setdefault(host.external_group, []).append(host)
        menus = {name: self._menu(group, name, several, request) for name, several in able.items()}
        others = Unreachable(NETWORK, Reason.NO_POA, "it reaches CSEs that have multicastCapability 1 (MBMS)")
        return [
            [(refusal or menus[host.external_group].reach(host)) if _is_able(host) else others]
            async for host in in_slices(hosts)
        ]

    def _menu(self, group: str, external_group: str, hosts: Sequence[Host], request: Request) -> Menu:
        record = self.records.get(group, external_group)
        return Menu(f"{NETWORK}:{group}:{external_group}", self._sender, hosts, request, record)

    async def deliver(self, delivery: Delivery) -> None:
        external_group = delivery.hosts[0].external_group
        record = self.records.get(delivery.group, external_group)
        target = Target.parse(delivery.address)
        if record is None or record.segment not in target.path:
            raise DeliveryFailed(f"the group message of group {delivery.group} has changed since it was offered")
        await self._open(record, delivery.hosts)
        try:
            payload = self._messages.payload(delivery.request, target.path)
        except CoapError as error:
            raise DeliveryFailed(str(error)) from error
        await self._service.send(record, payload, lambda: delivery.transmitted(1, 0.0))

    def counters(self) -> Mapping[str, int]:
        """How set-ups at other CSEs and group messages have gone."""
        set_ups = {f"set-up: {outcome}": count for outcome, count in self._inviter.outcomes.items()}
        return set_ups | {f"group message: {outcome}": count for outcome, count in self._service.outcomes.items()}

    def _refusal(self) -> Unreachable | None:
        """Why nobody is reached."""
        root = self._settings.api_root
        if not root:
            sentence = "no SCEF is configured: set api_root and scs_as_id in [mbms]"
            return Unreachable(NETWORK, Reason.OFFLINE, sentence)
        name = urlsplit(root).hostname or ""
        if self._service.may_be_allowed(name):
            return None
        return Unreachable(NETWORK, Reason.NOT_ALLOWED, f"{name} is not within allowed_targets of [server]")

    async def _open(self, record: Record, hosts: Sequence[Host]) -> None:
        """With a TMGI that is good, of which all have been told; DeliveryFailed without."""
        if self._bearer.is_good(record):
            return
        if not await self._bearer.open(record):
            raise DeliveryFailed(f"the TMGI of {record.external_group} has expired, and there is no other")
        if not all(record.joined(host.cse) for host in hosts):
            await self.set_ups.again(*record.key)
        if not all(record.joined(host.cse) for host in hosts):
            raise DeliveryFailed(f"not all CSEs know the new TMGI of {record.external_group}")

    def _allocate(self, name: str) -> Endpoint:
        return free_address(self._settings, name, {record.address.ip for record in self.records})


def _is_able(host: Host) -> bool:
    return bool(host.cse and host.external_group) and host.multicast == MBMS
