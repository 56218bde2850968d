from contextlib import suppress
from typing import Any

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st

from cse.attributes import (
    ANYTHING,
    BOOLEAN,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    NUMBER,
    Attribute,
    O,
    list_of,
    record,
    table,
)
from cse.errors import BadRequest
from cse.serialization.as_xml import NAMESPACE, Types
from cse.serialization.formats import available
from tests.cse.serialization.documents import LIMITS, documents

RULE = record(acor=list_of(IDENTIFIER), acop=NON_NEGATIVE)
BOX = table(
    LABELS,
    Attribute("rn", "resourceName", IDENTIFIER, O, O),
    Attribute("mni", "maxNrOfInstances", NON_NEGATIVE, O, O),
    Attribute("disr", "disableRetrieval", BOOLEAN, O, O),
    Attribute("con", "content", ANYTHING, O, O),
    Attribute("deg", "degrees", NUMBER, O, O),
    Attribute("net", "events", list_of(NON_NEGATIVE), O, O),
    Attribute("pv", "privileges", record(acr_=list_of(RULE)), O, O),
)
TYPES = Types({"m2m:box": BOX})


def read(text: str) -> Any:
    return TYPES.read(text.encode(), LIMITS)


def box(inside: str, attributes: str = "") -> Any:
    document = f'<?xml version="1.0"?>\n<m2m:box xmlns:m2m="{NAMESPACE}"{attributes}>\n{inside}\n</m2m:box>'
    return read(document)["m2m:box"]


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        ("", {}),
        ("<lbl>a b</lbl>", {"lbl": ["a", "b"]}),
        ("<lbl>a</lbl>", {"lbl": ["a"]}),
        ("<lbl>a</lbl><lbl>b</lbl>", {"lbl": ["a", "b"]}),
        ("<lbl></lbl>", {"lbl": []}),
        ("<lbl/>", {"lbl": []}),
        ("<mni>5</mni><disr>true</disr>", {"mni": 5, "disr": True}),
        ("<mni/>", {"mni": None}),
        ("<mni>many</mni>", {"mni": "many"}),
        ("<deg>21.5</deg>", {"deg": 21.5}),
        ("<net>1 3</net>", {"net": [1, 3]}),
        ("<con>5</con>", {"con": "5"}),
        ("<con/>", {"con": ""}),
        ("<con>{&quot;a&quot;: 1}</con>", {"con": '{"a": 1}'}),
        ("<con><![CDATA[<x>]]></con>", {"con": "<x>"}),
        (
            "<pv><acr><acor>A B</acor><acop>63</acop></acr></pv>",
            {"pv": {"acr": [{"acor": ["A", "B"], "acop": 63}]}},
        ),
        ("<colour>red</colour>", {"colour": "red"}),
        ("text", {"val": "text"}),
    ],
)
def test_a_text_is_what_its_type_says(inside: str, attributes: dict[str, Any]) -> None:
    assert box(inside) == attributes


def test_names_may_be_attributes_and_roots_may_be_written_without_their_prefix() -> None:
    assert box("<mni>1</mni>", ' rn="new"') == {"rn": "new", "mni": 1}
    assert read("<box rn='new'/>") == {"m2m:box": {"rn": "new"}}
    assert read("<hd:box xmlns:hd='x'><mni>1</mni></hd:box>") == {"hd:box": {"mni": "1"}}


def test_what_is_no_resource_is_read_too() -> None:
    event = "<nev><net>3</net><rep><m2m:box rn='a'><mni>5</mni></m2m:box></rep></nev><vrq>true</vrq>"
    expected = {"nev": {"net": 3, "rep": {"m2m:box": {"rn": "a", "mni": 5}}}, "vrq": True}
    assert read(f"<m2m:sgn xmlns:m2m='x'>{event}</m2m:sgn>") == {"m2m:sgn": expected}
    assert read("<m2m:atrl xmlns:m2m='x'>rn lbl</m2m:atrl>") == {"m2m:atrl": ["rn", "lbl"]}


@pytest.mark.parametrize(
    ("content", "inside"),
    [
        ({"m2m:box": {"rn": "a", "lbl": ["x", "y"]}}, '<m2m:box xmlns:m2m="NS" rn="a"><lbl>x y</lbl></m2m:box>'),
        ({"m2m:box": {"mni": 5, "disr": False}}, '<m2m:box xmlns:m2m="NS"><mni>5</mni><disr>false</disr></m2m:box>'),
        ({"m2m:uri": "cse-in/a"}, '<m2m:uri xmlns:m2m="NS">cse-in/a</m2m:uri>'),
        ({"m2m:uril": []}, '<m2m:uril xmlns:m2m="NS"></m2m:uril>'),
        (
            {"m2m:rrl": {"rrf": [{"nm": "a", "typ": 3}, {"nm": "b", "typ": 4}]}},
            '<m2m:rrl xmlns:m2m="NS"><rrf><nm>a</nm><typ>3</typ></rrf><rrf><nm>b</nm><typ>4</typ></rrf></m2m:rrl>',
        ),
        ({"cod:lock": {"lock": True}}, '<cod:lock xmlns:m2m="NS" xmlns:cod="NS/cod"><lock>true</lock></cod:lock>'),
        ({"m2m:box": {"con": {"a b": 1}}}, '<m2m:box xmlns:m2m="NS"><con>{"a b":1}</con></m2m:box>'),
        ({"m2m:box": {"con": "<\x00>"}}, '<m2m:box xmlns:m2m="NS"><con>&lt;\ufffd&gt;</con></m2m:box>'),
        ([1, 2], '<m2m:pc xmlns:m2m="NS">1 2</m2m:pc>'),
    ],
)
def test_content_is_written(content: Any, inside: str) -> None:
    assert TYPES.write(content).decode().partition("\n")[2] == inside.replace("NS", NAMESPACE)


words = st.from_regex(r"[a-zA-Z0-9:/._-]{1,8}", fullmatch=True)
rules = st.fixed_dictionaries({"acor": st.lists(words, max_size=3), "acop": st.integers(0, 63)})
boxes = st.fixed_dictionaries(
    {},
    optional={
        "rn": words,
        "lbl": st.lists(words, max_size=3),
        "mni": st.integers(0, 2**63),
        "disr": st.booleans(),
        "con": st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=10),
        "net": st.lists(st.integers(0, 9), max_size=3),
        "pv": st.fixed_dictionaries({"acr": st.lists(rules, min_size=1, max_size=3)}),
    },
)


@given(boxes)
def test_what_is_written_is_read(attributes: dict[str, Any]) -> None:
    assert TYPES.read(TYPES.write({"m2m:box": attributes}), LIMITS) == {"m2m:box": attributes}


@given(documents)
def test_anything_is_written_as_a_document(content: Any) -> None:
    assert xmltodict.parse(TYPES.write(content))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for document in (text, f"<a>{text}</a>", f"<a {text}/>"):
        with suppress(BadRequest):
            TYPES.read(document.encode("utf-8", "replace"), LIMITS)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "no element"),
        (b"<a", "unclosed"),
        (b"<a/><b/>", "junk"),
        (b"<a><b></a>", "mismatched"),
        (b"<a>\xff</a>", "not well-formed"),
        (b"{}", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "entities"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding"),
        (b"<a>" * 33 + b"</a>" * 33, "32 levels"),
        (b"<a>" * 1_000_000, "32 levels"),
    ],
)
def test_malformed_documents_are_refused(document: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        TYPES.read(document, LIMITS)


def test_without_the_extra_there_is_no_xml(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.name for one in available({})] == ["json", "cbor", "xml"]
    monkeypatch.setattr("cse.serialization.as_xml.AVAILABLE", False)
    assert [one.name for one in available({})] == ["json", "cbor"]


def test_elements_are_counted() -> None:
    with pytest.raises(BadRequest, match="max_values"):
        read(f"<box>{'<a/>' * LIMITS.values}</box>")
