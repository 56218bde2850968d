import pytest

from plugins.lora_broadcast.directory import Directory
from plugins.lora_broadcast.network_server import (
    GatewayFacts,
    GroupFacts,
    MemberFacts,
    Membership,
    Offline,
    Ready,
    SetupSent,
)
from tests.plugins.lora_broadcast.kit import facts_of

FIRST, SECOND = facts_of(1), facts_of(2)
GROUP = GroupFacts("g", 0, ("b", "a"))


@pytest.fixture
def directory() -> Directory:
    directory = Directory("not yet")
    for event in (FIRST, SECOND, GROUP, MemberFacts("g", FIRST.device, Membership.JOINED)):
        directory.learn(event)
    return directory


def test_it_is_usable_once_everything_has_been_told(directory: Directory) -> None:
    assert directory.obstacle == "not yet"
    directory.learn(Ready("EU868"))
    assert directory.obstacle == ""


def test_the_region_is_that_of_the_network_server(directory: Directory) -> None:
    directory.learn(Ready("US915"))
    assert (directory.region.name, directory.obstacle) == ("US915", "")
    directory.learn(Ready("AS923"))
    assert directory.obstacle == "the network server is in AS923, which is not supported"


def test_a_lost_connection_voids_everything(directory: Directory) -> None:
    directory.learn(Ready("EU868"))
    directory.learn(Offline("why"))
    assert directory.obstacle == "why"
    assert (directory.devices, directory.groups, directory.listeners("g")) == ({}, {}, set())


@pytest.mark.parametrize(
    ("membership", "joined", "listens"),
    [
        (Membership.INVITED, False, True),
        (Membership.JOINED, True, True),
        (Membership.LEAVING, False, True),
        (Membership.GONE, False, False),
    ],
)
async def test_who_listens_and_who_has_joined(
    directory: Directory, membership: Membership, joined: bool, listens: bool
) -> None:
    directory.learn(MemberFacts("g", SECOND.device, membership))
    assert directory.joined("g", SECOND.device) is joined
    assert (await directory.crowd("g")).size == 1 + joined
    assert (SECOND.device in directory.listeners("g")) is listens


def test_the_gateway_with_the_least_airtime_decides(directory: Directory) -> None:
    directory.learn(GatewayFacts("a", "band", 300))
    assert directory.budget(GROUP) == 0
    directory.learn(GatewayFacts("b", "band", 200))
    assert directory.budget(GROUP) == 200
    assert directory.band(GROUP) == "a+b/band"


def test_the_airtime_of_the_set_up_adds_up(directory: Directory) -> None:
    for airtime in (100, 20):
        directory.learn(SetupSent("g", "a", airtime))
    assert directory.setup_airtime["g"] == 120
