import pytest

from cse.address import Naming
from cse.destination import Branch, Destination, Destinations, Place
from cse.errors import BadRequest

NAMES = (frozenset({"la", "fopt", "pcu"}), frozenset({"fopt"}), frozenset({"pcu"}))
DESTINATIONS = Destinations(Naming("/id-in", "cse-in", "cse.example"), *NAMES)


def read(address: str) -> Destination:
    destination = DESTINATIONS.read(address)
    assert destination is not None
    return destination


@pytest.mark.parametrize(
    "address", ["cse-in/box", "-/box", "id-in/box", "/id-in/-/box", "//cse.example/id-in/cse-in/box"]
)
def test_every_form_of_an_address_says_the_same(address: str) -> None:
    assert read(address) == Destination(Place("", "cse-in/box"), (), fans_out=False, polls=False)


def test_an_address_may_begin_with_any_resource() -> None:
    assert read("cnt4").place == Place("cnt4", "")
    assert read("/id-in/cnt4/inner/one").place == Place("cnt4", "inner/one")


def test_each_name_of_a_virtual_child_may_be_one_or_a_resource() -> None:
    inner = Branch(Place("", "cse-in/la"), "fopt", "x/la")
    last = Branch(Place("", "cse-in/la/fopt/x"), "la", "")
    first = Branch(Place("", "cse-in"), "la", "fopt/x/la")
    assert read("cse-in/la/fopt/x/la").branches == (first, inner, last)
    assert read("la").branches == ()


@pytest.mark.parametrize(
    ("address", "fans_out", "polls"),
    [("g/fopt", True, False), ("g/fopt/pcu", True, True), ("ae/pcu", False, True), ("ae/pcu/x", False, False)],
)
def test_some_requests_go_to_members_or_poll(address: str, fans_out: bool, polls: bool) -> None:
    assert read(address)[2:] == (fans_out, polls)


@pytest.mark.parametrize("address", ["/id-mn/cse-mn/fopt", "//other.example/id-in/g/fopt", "/id-mn"])
def test_what_leads_to_another_cse_says_nothing_here(address: str) -> None:
    assert DESTINATIONS.read(address) is None


@pytest.mark.parametrize("address", ["", "a b", "cse-in//box", "/", "/id-mn/a b", "x" * 3000])
def test_what_is_no_address_is_refused_each_time(address: str) -> None:
    for _ in range(2):
        with pytest.raises(BadRequest):
            DESTINATIONS.read(address)
