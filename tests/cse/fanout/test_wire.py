"""What members get of a request."""

import pytest

from cse.address import Naming
from cse.fanout.entry import Limits
from cse.fanout.wire import Wire, group_request_identifier
from cse.network import Host
from cse.primitive import Operation, Request
from cse.store import Campaign
from cse.timing import precise_timestamp

NAMING = Naming("/id-in", "cse-in", "cse.example")
CAMPAIGN = Campaign("cmp1", 1_500_000, "grp1", b"", "", 100.0, 160.0, "running")
REQUEST = Request(Operation.CREATE, "cse-in/g/fopt/box", "Chead", "r", content={"m2m:cin": {"con": "1"}})


def wire(request: Request = REQUEST, send_until: float = 160.0, deadline: float = 160.0) -> Wire:
    return Wire.of(NAMING, CAMPAIGN, request, Limits(100.0, send_until, deadline))


@pytest.mark.parametrize(
    ("originator", "elsewhere", "afar"),
    [
        ("Chead", "/id-in/Chead", "//cse.example/id-in/Chead"),
        ("Shead", "/Shead", "//cse.example/Shead"),
        ("/id-far/Cx", "/id-far/Cx", "//cse.example/id-far/Cx"),
    ],
)
def test_how_the_originator_is_called(originator: str, elsewhere: str, afar: str) -> None:
    made = wire(REQUEST.derive(originator=originator))
    assert made.devices.originator == originator
    assert made.to(Host("/id-mn/a", (), cse="/id-mn")).originator == elsewhere
    assert made.to(Host("//far.example/id-x/a", (), cse="//far.example/id-x")).originator == afar


def test_each_host_elsewhere_has_its_own_target_and_devices_have_none() -> None:
    made = wire()
    assert made.to(Host("/id-mn/a/box", (), cse="/id-mn", member="/id-mn/a")).to == "/id-mn/a/box"
    assert made.to(Host("Cmeter", ())) is made.devices


@pytest.mark.parametrize(
    ("send_until", "deadline", "sent", "answered"),
    [(160.0, 160.0, 159.0, 159.0), (110.0, 160.0, 110.0, 159.0), (102.0, 102.0, 101.8, 101.8)],
)
def test_others_give_up_before_we_do(send_until: float, deadline: float, sent: float, answered: float) -> None:
    request = wire(send_until=send_until, deadline=deadline).elsewhere
    assert request.request_expiration == precise_timestamp(sent)
    assert request.result_expiration == precise_timestamp(answered)


@pytest.mark.parametrize(
    ("operation", "content", "repeats"),
    [
        (Operation.CREATE, {"m2m:cin": {"con": "1"}}, False),
        (Operation.CREATE, {"m2m:cnt": {"rn": "box"}}, True),
        (Operation.CREATE, None, False),
        (Operation.UPDATE, {"m2m:cnt": {"mni": 1}}, True),
        (Operation.DELETE, None, True),
        (Operation.RETRIEVE, None, True),
        (Operation.NOTIFY, {"m2m:sgn": {}}, True),
    ],
)
def test_what_can_be_done_twice(operation: Operation, content: object, repeats: bool) -> None:
    assert wire(REQUEST.derive(operation=operation, content=content)).repeats is repeats


def test_the_identifier_of_the_first_group_on_the_way_stays() -> None:
    assert group_request_identifier(NAMING, CAMPAIGN, REQUEST) == "id-in.cmp1"
    assert wire().elsewhere.group_request_identifier == "id-in.cmp1"
    passed_on = REQUEST.derive(group_request_identifier="g")
    assert wire(passed_on).elsewhere.group_request_identifier == "g"
    assert wire(passed_on).devices.group_request_identifier is None
