import pytest

from cse.tree.operations import perform
from cse.work import Work
from resources.content_instance import CONTENT_INFO, ContentInstance, content_size
from tests.cse.works import creating

TYPE = ContentInstance()


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
