import pytest

from cse.tree.operations import perform
from cse.work import Work
from resources.content_instance import CONTENT_INFO, ContentInstance, content_size
from tests.cse.works import creating

TYPE = ContentInstance()
<<<<<<< HEAD
=======
R3 = read(
    """
    rn O NP 1; ty NP NP 1; ri NP NP 1; pi NP NP 1; et O NP 1; ct NP NP 1; lt NP NP 1; st NP NP 1; lbl O NP 0;
    at O NP 0; aa O NP 0; cr O NP 0; cnf O NP 0; cs NP NP 1; conr O NP 0; or O NP 0; con M NP 1
    """
)


LATER = read("dgt O NP 0; dcnt O NP 0")


def test_the_attributes_are_those_of_release_3_and_some_that_came_later() -> None:
    assert declared(TYPE) == R3 | LATER
>>>>>>> a1d7cf4 (deletionCnt: an instance goes with the last of so many retrievals)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("20270101T000000", "20270101T000000"),
        ("20270101T000000,25", "20270101T000000,25"),
        ("-1500", "20270115T075958,500000"),
    ],
)
def test_a_relative_generation_time_is_worked_out(work: Work, sent: str, kept: str) -> None:
    perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box"}}))
    made = perform(work, creating("cse-in/box", 4, {"m2m:cin": {"con": "1", "dgt": sent}})).content["m2m:cin"]
    assert made["dgt"] == kept


@pytest.mark.parametrize(
    ("content", "size"), [("", 0), ("abc", 3), ("é", 2), (12, 2), (True, 4), ({"a": [1]}, 9), (1.5, 3)]
)
def test_the_size_is_that_of_the_text_or_of_its_json(work: Work, content: object, size: int) -> None:
    assert content_size(content) == size
    perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box"}}))
    made = perform(work, creating("cse-in/box", 4, {"m2m:cin": {"con": content}})).content["m2m:cin"]
    assert (made["con"], made["cs"]) == (content, size)


@pytest.mark.parametrize("value", ["text/plain:0", "application/json:1", "image/png:2:5"])
def test_content_info_is_a_media_type_with_an_encoding(value: str) -> None:
    assert CONTENT_INFO.accepts(value)


@pytest.mark.parametrize("value", ["", "text/plain", "text:0", "text/plain:3", "text/plain:0:6", "a b/c:0", "a/b:0\n"])
def test_other_content_info_is_refused(value: str) -> None:
    assert not CONTENT_INFO.accepts(value)
