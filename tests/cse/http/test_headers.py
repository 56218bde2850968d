from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.http.headers import NAMES, ContentType, printable, read_headers


def scope(*headers: tuple[str, str]) -> dict[str, list[tuple[bytes, bytes]]]:
    return {"headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]}


@pytest.mark.parametrize(
    "text",
    [
        "application/json;ty=3",
        "application/json; ty=3",
        "application/json ;  ty = 3 ;charset=utf-8",
        "Application/JSON;charset=utf-8;TY=3",
        "ty=3; application/json",
        'application/json; ty="3"',
        "application/json;ty=3;ty=3",
    ],
)
def test_a_content_type_is_read_however_it_is_written(text: str) -> None:
    found = ContentType.parse(text)
    assert (found.media_type, found.resource_type()) == ("application/json", 3)


@pytest.mark.parametrize("text", ["", "None", "null", "undefined", ";ty=3", "; charset=utf-8"])
def test_some_clients_name_no_media_type(text: str) -> None:
    assert ContentType.parse(text).media_type == ""


@pytest.mark.parametrize("ty", ["x", "-3", "", "3.0", "²", "99999999999", "3 4"])
def test_a_resource_type_is_one_number(ty: str) -> None:
    with pytest.raises(BadRequest, match="ty"):
        ContentType.parse(f"application/json;ty={ty}").resource_type()


def test_two_resource_types_are_refused() -> None:
    with pytest.raises(BadRequest):
        ContentType.parse("application/json;ty=3;ty=4").resource_type()


@given(st.text(max_size=60))
def test_any_text_is_a_content_type(text: str) -> None:
    found = ContentType.parse(text)
    assert found.media_type == found.media_type.strip().lower()


def test_accept_may_be_sent_in_several_lines() -> None:
    found, _ = read_headers(scope(("accept", "text/html"), ("x-m2m-ri", " 1 "), ("accept", "application/json")))
    assert found == {"accept": "text/html,application/json", "x-m2m-ri": "1"}


def test_a_header_that_is_sent_twice_must_say_the_same() -> None:
    assert read_headers(scope(("x-m2m-origin", "Ca"), ("x-m2m-origin", "Ca"), ("via", "a"), ("via", "b")))[1] == ""
    for name in ("x-m2m-origin", "x-m2m-ri", "content-type", "authorization"):
        assert read_headers(scope((name, "Ca"), (name, "Cb")))[1] == name


@given(st.text(max_size=2000))
def test_what_is_echoed_has_no_control_characters(text: str) -> None:
    found = printable(text)
    assert len(found) <= 1024
    assert found.decode("latin-1").isprintable()


@given(st.text(st.characters(max_codepoint=255), max_size=1100))
def test_what_can_be_echoed_as_it_is_stays_so(text: str) -> None:
    assert printable(text) == "".join(filter(str.isprintable, text))[:1024].encode("latin-1")


def plainly_read(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1"), value.decode("latin-1").strip()
        if name in NAMES:
            found[key] = f"{found[key]},{text}" if key == "accept" and key in found else text
    return found


def contradicts_itself(pairs: list[tuple[bytes, bytes]]) -> bool:
    once = [name for name, _ in set(pairs)]
    return any(
        once.count(name) > 1 and (name.startswith(b"x-m2m-") or name in (b"content-type", b"authorization"))
        for name in once
    )


names = st.sampled_from(
    [b"accept", b"x-m2m-ri", b"x-m2m-other", b"content-type", b"authorization", b"via", b"accept-x"]
)


@given(st.lists(st.tuples(names | st.binary(), st.sampled_from([b"", b"a", b" a", b"\xa0b"]) | st.binary())))
def test_headers_are_read_and_refused_by_the_plain_rules(pairs: list[tuple[bytes, bytes]]) -> None:
    found, contradiction = read_headers({"headers": pairs})
    assert found == plainly_read(pairs)
    assert bool(contradiction) == contradicts_itself(pairs)


@given(st.lists(st.sampled_from([";", "=", "ty", "3", '"', ",", " ", "application/json", "charset", "\xb2", "-"])))
def test_any_parameters_name_one_type_or_none(parts: list[str]) -> None:
    with suppress(BadRequest):
        number = ContentType.parse("".join(parts)).resource_type()
        assert number is None or number >= 0
