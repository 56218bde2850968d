from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest
from cse.http.headers import ContentType, check_headers, printable, read_headers


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
    found = read_headers(scope(("accept", "text/html"), ("x-m2m-ri", " 1 "), ("accept", "application/json")))
    assert found == {"accept": "text/html,application/json", "x-m2m-ri": "1"}


def test_a_header_that_is_sent_twice_must_say_the_same() -> None:
    check_headers(scope(("x-m2m-origin", "Ca"), ("x-m2m-origin", "Ca"), ("via", "a"), ("via", "b")))
    for name in ("x-m2m-origin", "x-m2m-ri", "content-type", "authorization"):
        with pytest.raises(BadRequest, match=name):
            check_headers(scope((name, "Ca"), (name, "Cb")))


@given(st.text(max_size=2000))
def test_what_is_echoed_has_no_control_characters(text: str) -> None:
    found = printable(text)
    assert len(found) <= 1024
    assert found.isprintable()


@given(
    st.lists(st.tuples(st.sampled_from([b"accept", b"x-m2m-ri", b"content-type", b"via"]) | st.binary(), st.binary()))
)
def test_any_bytes_are_headers_or_refused(headers: list[tuple[bytes, bytes]]) -> None:
    found = read_headers({"headers": headers})
    assert found.keys() == {name.decode("latin-1") for name, _ in headers}
    with suppress(BadRequest):
        check_headers({"headers": headers})
        assert found.get("x-m2m-ri", "") in [value.decode("latin-1").strip() for _, value in headers] + [""]


@given(st.lists(st.sampled_from([";", "=", "ty", "3", '"', ",", " ", "application/json", "charset", "\xb2", "-"])))
def test_any_parameters_name_one_type_or_none(parts: list[str]) -> None:
    with suppress(BadRequest):
        number = ContentType.parse("".join(parts)).resource_type()
        assert number is None or number >= 0
