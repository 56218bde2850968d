"""Members of a mobile network (MBMS): group messages by way of the operator's SCEF (TS-0026, 3GPP TS 29.122)."""

from collections.abc import Iterable

from cse.config import Settings
from cse.hookspecs import hookimpl
from cse.network import Network
from plugins.mbms.network import Mbms
from plugins.mbms.settings import MbmsSettings


@hookimpl
def register_settings() -> Iterable[type]:
    return [MbmsSettings]


@hookimpl
def register_networks(settings: Settings) -> Iterable[Network]:
    return [Mbms(settings.section(MbmsSettings))]
