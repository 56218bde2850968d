import pytest

from cse.config import ConfigurationError
from plugins.udp_multicast.settings import UdpMulticastSettings


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"interface": "eth0"}, "an address in"),
        ({"group_addresses": "239.192.0.1/16"}, "an address in"),
        ({"group_addresses": "10.0.0.0/8"}, "must be multicast"),
        ({"receive_queue": 0}, "receive_queue in .udp-multicast. must be at least 1"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        UdpMulticastSettings(**settings).check()  # type: ignore[arg-type]


def test_the_defaults_can_be_used() -> None:
    UdpMulticastSettings().check()


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        (2, 1.0),  # the shortest window
        (5_000, 4.0),  # the devices' network: 5,000 answers of 100 bytes at 125,000 bytes a second
        (100_000, 80.0),
    ],
)
def test_the_window_fits_the_network_of_the_devices(members: int, seconds: float) -> None:
    assert UdpMulticastSettings(answer_bytes_per_second=125_000).window(members) == seconds


def test_the_window_fits_what_the_server_takes_in() -> None:
    assert UdpMulticastSettings().window(100_000) == (100_000 - 5000) / 2500


def test_multicast_is_refused_outside_loopback_unless_allowed() -> None:
    assert UdpMulticastSettings().multicast_refusal(signed=False) == ""
    assert "allow_unsigned = true" in UdpMulticastSettings(interface="10.0.0.1").multicast_refusal(signed=False)
    assert UdpMulticastSettings(interface="10.0.0.1", allow_unsigned=True).multicast_refusal(signed=False) == ""
    assert UdpMulticastSettings(interface="10.0.0.1").multicast_refusal(signed=True) == ""
