"""Who asks, from where and when: whether an access control rule means this request (TS-0003 clause 7.1.3)."""

import ipaddress
import math
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from cse.errors import BadRequest
from cse.primitive import Request
from cse.rules import Context, Rule
from cse.wildcard import means
from cse.windows import inside
from cse.work import Work

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EARTH_RADIUS = 6_371_009.0  # metres, on average


class Asker:
    """The originator of a request, with what rules may ask about him. `originator` is his shortest identifier."""

    def __init__(self, work: Work, request: Request) -> None:
        self._work = work
        self._request = request
        self.originator = work.model.naming.originator(request.originator)

    def is_meant(self, rule: Rule) -> bool:
        """Whether he is one of the originators of the rule, is authenticated if it says so, and in a context of it."""
        return (
            (self._request.authenticated or not rule.authenticated)
            and self._is_named(rule)
            and (rule.contexts is None or any(map(self._is_in, rule.contexts)))
        )

    def _is_named(self, rule: Rule) -> bool:
        if rule.everybody or not self.originator:
            return rule.everybody
        return (
            self.originator in rule.names
            or (rule.provider and not self.originator.startswith("//"))
            or any(means(pattern, self.originator) for pattern in rule.patterns)
            or any(role in rule.names or role in rule.patterns for role in self._request.role_identifiers)
            or any(map(self._is_member, rule.names))
        )

    def _is_member(self, name: str) -> bool:
        """Whether this is the name of a group that his AE or remoteCSE is a member of."""
        if not self._groups or name.startswith("//"):
            return False
        group = self._work.look(name)
        return group is not None and group.ri in self._groups

    @cached_property
    def _groups(self) -> Collection[str]:
        """The identifiers of the resources that have him in their lists."""
        registered = self._work.registrant(self.originator)
        return () if registered is None else self._work.transaction.lists.holders(registered.ri)

    def _is_in(self, context: Context) -> bool:
        """All conditions must hold."""
        return (
            ("actw" not in context or inside(context["actw"], self._work.now))
            and ("acip" not in context or self._is_at(context["acip"].values()))
            and ("aclr" not in context or self._is_within(context["aclr"]))
        )

    def _is_within(self, region: Mapping[str, Any]) -> bool:
        """Whether he is in the circle or one of the countries; one whose place is not known is nowhere."""
        if "accr" in region and self._request.position is not None:
            latitude, longitude, radius = region["accr"]
            if distance(self._request.position, (latitude, longitude)) <= radius:
                return True
        return self._request.country in region.get("accc", ())

    def _is_at(self, lists: Iterable[list[str]]) -> bool:
        """Whether the request has come from one of these networks; one that did not come over IP is in none."""
        address = _address(self._request.sender)
        return address is not None and any(address in parse_network(text) for listed in lists for text in listed)


@lru_cache(4096)
def parse_network(text: str, version: int | None = None, name: str = "the address") -> Network:
    """An IP address or network such as 192.0.2.0/24, of IP version 4 or 6 if one is given; BadRequest for none."""
    try:
        network = ipaddress.ip_network(text, strict=False)
        if version in (None, network.version):
            return network
    except ValueError:
        pass
    example = "2001:db8::/32" if version == 6 else "192.0.2.0/24"
    raise BadRequest(f"{name} must be an IP address or network such as {example}, not {text[:60]!r}")


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two places, given as latitude and longitude in degrees, along the surface of a sphere."""
    (latitude, longitude), (far_latitude, far_longitude) = (map(math.radians, place) for place in (one, other))
    across = math.sin((far_latitude - latitude) / 2) ** 2
    along = math.cos(latitude) * math.cos(far_latitude) * math.sin((far_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(across + along)))


def _address(sender: str) -> Address | None:
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
