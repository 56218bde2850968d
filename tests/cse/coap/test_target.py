import pytest

from cse.coap.message import CoapError
from cse.coap.target import Endpoint, Target, endpoint, path_to
from cse.network import Host


@pytest.mark.parametrize(
    ("point_of_access", "found"),
    [
        ("coap://127.7.0.1:5700", Endpoint("127.7.0.1", 5700)),
        ("coap://127.7.0.1", Endpoint("127.7.0.1", 5683)),
        ("coap://127.7.0.1:5700/", Endpoint("127.7.0.1", 5700)),
    ],
)
def test_points_of_access(point_of_access: str, found: Endpoint) -> None:
    assert endpoint(Host("Ca", ("http://127.0.0.1/x", point_of_access))) == found


@pytest.mark.parametrize(
    ("points_of_access", "sentence"),
    [
        ((), "has no coap:// address"),
        (("http://127.0.0.1:80",), "has no coap:// address"),
        (("coap://meter.example:5683",), "must be coap://<IPv4 address>:<port>"),
        (("coap://[::1]:5683",), "must be coap://<IPv4 address>:<port>"),
        (("coap://127.0.0.1:5683/path",), "must be coap://"),
        (("coap://127.0.0.1:port",), "must be coap://"),
        (("coap://127.0.0.1:-1",), "must be coap://"),
        (("coap://127.0.0.1:0",), "port from 1 to 65535"),
        (("coap://127.0.0.1:65536",), "port from 1 to 65535"),
        (("coap://127.0.0.1:5683\n",), "must be coap://"),
        (("coap://127.0.0.\u0661:5683",), "must be coap://"),
        (("coap://127.0.0.300",), "must be coap://"),
        (("coap://127.0.0.01",), "must be coap://"),
        (("coap://127.0.0.1.2",), "must be coap://"),
        (("coap://239.192.0.1",), "not the address of one host"),
        (("coap://0.0.0.0",), "not the address of one host"),
        (("coap://255.255.255.255",), "not the address of one host"),
    ],
)
def test_points_of_access_that_cannot_be_used(points_of_access: tuple[str, ...], sentence: str) -> None:
    found = endpoint(Host("Ca", points_of_access))
    assert isinstance(found, str)
    assert sentence in found


def test_the_first_usable_point_of_access_counts() -> None:
    assert endpoint(Host("Ca", ("coap://239.192.0.1", "coap://127.0.0.2:1"))) == Endpoint("127.0.0.2", 1)


@pytest.mark.parametrize("exclusions", [(), ("Ca",), ("Ca", "Cb+c?&/é")])
def test_a_target_is_read_from_its_text(exclusions: tuple[str, ...]) -> None:
    target = Target(Endpoint("239.192.0.1", 5683), path_to("/id-in", "g/1?"), exclusions)
    assert Target.parse(str(target)) == target


def test_how_targets_are_written() -> None:
    target = Target(Endpoint("239.192.0.1", 5683), path_to("/id-in", "g01"), ("Ca", "Cb"))
    assert str(target) == "coap://239.192.0.1:5683/~/id-in/g01?except=Ca+Cb"


def test_other_text_is_no_target() -> None:
    with pytest.raises(CoapError, match="no address of this network"):
        Target.parse("http://127.0.0.1/")
