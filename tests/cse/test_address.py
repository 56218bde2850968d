import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.address import LONGEST_PATH, MAX_LENGTH, MAX_SEGMENTS, Naming, addressable, valid_name
from cse.errors import BadRequest

NAMING = Naming("/id-in", "cse-in", "cse.example")

names = st.from_regex(r"[A-Za-z0-9._~-]{1,20}", fullmatch=True).filter(lambda name: name not in ("-", "id-in"))
paths = st.lists(names, min_size=1, max_size=8)


@given(paths)
def test_every_scope_leads_to_the_same_segments(segments: list[str]) -> None:
    path = "/".join(segments)
    for address in (path, f"/id-in/{path}", f"//cse.example/id-in/{path}"):
        assert NAMING.local(address) == segments


@pytest.mark.parametrize("address", ["-", "cse-in", "id-in", "/id-in", "/id-in/", "/id-in/-", "//cse.example/id-in"])
def test_the_csebase_has_many_names(address: str) -> None:
    assert NAMING.local(address) == ["cse-in"]


@pytest.mark.parametrize("address", ["Smeter", "/Smeter", "//cse.example/Smeter", "/id-in/Smeter"])
def test_an_ae_of_the_service_provider_is_addressed_without_a_cse(address: str) -> None:
    assert NAMING.local(address) == ["Smeter"]
    assert NAMING.originator(address) == "Smeter"


@pytest.mark.parametrize("address", ["/Cmeter", "/Smeter/x", "//other.example/Smeter", "//cse.example/Cmeter"])
def test_other_identifiers_are_those_of_a_cse(address: str) -> None:
    assert NAMING.local(address) is None
    assert NAMING.originator(address) == address.replace("//cse.example/", "/")


@pytest.mark.parametrize(
    ("address", "alone"),
    [("/id-in", True), ("//cse.example/id-in", True), ("/id-in/cse-in", False), ("id-in", False), ("/id", False)],
)
def test_the_cse_id_alone_names_no_resource(address: str, alone: bool) -> None:
    assert NAMING.names_cse(address) is alone


@pytest.mark.parametrize("name", ["-", "id-in", "cse-in"])
def test_the_first_segment_may_be_a_short_form_of_the_csebase(name: str) -> None:
    assert NAMING.local(f"{name}/app") == ["cse-in", "app"]
    assert NAMING.local(f"app/{name}") == ["app", name]


@pytest.mark.parametrize(
    "address",
    ["/other", "/other/cse-in", "/id", "//cse.example", "//other.example/id-in/x", "//cse.example/id/x", "//"],
)
def test_addresses_of_others_are_not_local(address: str) -> None:
    assert NAMING.local(address) is None


@pytest.mark.parametrize(
    "address",
    ["", "/", "a b", "a//b", "a/", "é", "a\n", "a%20b", "a?b", "a#b", "x" * (MAX_LENGTH + 1), "a/" * 64 + "a"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadRequest):
        NAMING.local(address)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        segments = NAMING.local(text)
    except BadRequest:
        return
    assert segments is None or all(map(valid_name, segments))


@given(
    st.lists(
        st.sampled_from(["/", "//", "-", "cse-in", "id-in", "cse.example", "Sx", "Cx", "~", "..", "a b", "%", "*"])
    )
)
def test_whatever_is_made_of_pieces_is_an_address_or_refused(pieces: list[str]) -> None:
    text = "".join(pieces)
    shortest = NAMING.originator(text)
    assert NAMING.originator(shortest) == shortest
    try:
        segments = NAMING.local(text)
    except BadRequest:
        return
    if segments is not None:
        path = "/".join(segments)
        assert (
            NAMING.local(path)
            == NAMING.local(f"/id-in/{path}")
            == NAMING.local(f"//cse.example/id-in/{path}")
            == segments
        )


@given(st.from_regex(r"[CS][A-Za-z0-9._-]{1,20}", fullmatch=True))
def test_an_originator_has_one_shortest_form(stem: str) -> None:
    for written in (stem, NAMING.sp_relative(stem), f"//cse.example/id-in/{stem}"):
        assert NAMING.originator(written) == stem
    assert NAMING.originator(f"/other/{stem}") == f"/other/{stem}"


def test_our_own_identifier_is_no_originator_below_us() -> None:
    assert NAMING.originator("/id-in") == "/id-in"
    assert NAMING.base_identifier == "id-in"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "a\n", "a" * 257, "*", "a+b"])
def test_what_is_no_name_is_known(name: str) -> None:
    assert not valid_name(name)


@given(names)
def test_unreserved_characters_make_a_name(name: str) -> None:
    assert valid_name(name)


def test_an_addressable_path_can_be_used_in_every_form() -> None:
    longest = "cse-in/" + "a" * (LONGEST_PATH - 7)
    deepest = "/".join(["a"] * MAX_SEGMENTS)
    for path in (longest, deepest):
        assert addressable(path)
        assert NAMING.local(f"//cse.example/id-in/{path}") == path.split("/")
        assert not addressable(f"{path}/a")
