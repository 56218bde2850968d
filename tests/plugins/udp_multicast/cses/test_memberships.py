"""Which multicast addresses are joined, and which are not."""

import errno
from typing import Any

import pytest

from cse.coap.target import Endpoint
from cse.errors import JoinMulticastGroupFailed, LeaveMulticastGroupFailed
from plugins.udp_multicast.cses.sockets import GroupSockets
from tests.plugins.udp_multicast.cses.kit import GROUP_HOST, IP, TARGET, membership, scene


async def test_an_address_is_joined_once_and_left_with_the_last_membership() -> None:
    async with scene() as one:
        memberships = one.host.memberships
        memberships.join(membership(one.port))
        memberships.join(membership(one.port, identifier="lmg2", target="/id-home/c2"))
        address = Endpoint(IP, one.port)
        assert memberships.find(address, "/id-home/c2") is not None
        memberships.leave("lmg1")
        assert memberships.find(address, TARGET) is None
        assert memberships.find(address, "/id-home/c2") is not None
        memberships.leave("lmg2")
        memberships.leave("lmg2")
        assert list(memberships) == []


async def test_a_request_is_found_by_address_and_target() -> None:
    async with scene() as one:
        joined = membership(one.port)
        one.host.memberships.join(joined)
        find = one.host.memberships.find
        address = Endpoint(IP, one.port)
        assert find(address, TARGET) == (joined, "")
        assert find(address, f"{TARGET}/box/la") == (joined, "box/la")
        assert find(Endpoint(IP, one.port + 1), TARGET) is None
        assert find(address, f"{GROUP_HOST}/c") is None


async def test_a_membership_takes_the_place_of_its_former_self() -> None:
    async with scene() as one:
        memberships = one.host.memberships
        memberships.join(membership(one.port))
        moved = membership(one.port, address="239.192.55.2", members=("/id-in/cse-in/c",))
        memberships.join(moved)
        assert list(memberships) == [moved]
        assert memberships.find(Endpoint(IP, one.port), TARGET) is None
        assert memberships.find(Endpoint("239.192.55.2", one.port), TARGET) == (moved, "")


@pytest.mark.parametrize(
    ("settings", "address", "sentence"),
    [
        ({}, "ff15::fd", "no IPv4 address"),
        ({}, "239.192.1", "no IPv4 address"),
        ({"joinable_addresses": "239.1.0.0/16"}, IP, "joinable_addresses"),
        ({"max_joined_addresses": 1}, "239.192.55.2", "max_joined_addresses"),
        ({"interface": "192.0.2.1"}, IP, "not signed"),
        ({"interface": "192.0.2.1", "allow_unsigned": True}, IP, "cannot join"),
    ],
)
async def test_what_cannot_or_must_not_be_joined(settings: dict[str, Any], address: str, sentence: str) -> None:
    async with scene(**settings) as one:
        memberships = one.host.memberships
        if "max_joined_addresses" in settings:
            memberships.join(membership(one.port, identifier="other"))
        with pytest.raises(JoinMulticastGroupFailed, match=sentence):
            memberships.join(membership(one.port, address=address))
        assert "lmg1" not in {joined.identifier for joined in memberships}


async def test_it_stays_where_it_was_if_that_cannot_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene() as one:
        memberships = one.host.memberships
        before = membership(one.port)
        memberships.join(before)
        leave = GroupSockets.leave

        def stuck(self: GroupSockets, address: Endpoint) -> None:
            if address.ip == IP:
                raise OSError(errno.EADDRNOTAVAIL, "stuck")
            leave(self, address)

        with monkeypatch.context() as patched:
            patched.setattr(GroupSockets, "leave", stuck)
            with pytest.raises(LeaveMulticastGroupFailed, match="stuck"):
                memberships.leave("lmg1")
            with pytest.raises(LeaveMulticastGroupFailed, match="stuck"):
                memberships.join(membership(one.port, address="239.192.55.2"))
        assert list(memberships) == [before]
        assert memberships.find(Endpoint(IP, one.port), TARGET) is not None
        assert memberships.find(Endpoint("239.192.55.2", one.port), TARGET) is None
        memberships.leave("lmg1")
