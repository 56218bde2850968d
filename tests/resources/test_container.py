import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import NotAcceptable, NotFound
from cse.store import Search
from cse.timing import parse_timestamp, timestamp
from cse.tree.operations import perform
from cse.work import Work
from resources.container import Container
from tests.cse.works import creating, retrieving, updating, working

TYPE = Container()


def fill(work: Work, *contents: str) -> None:
    for content in contents:
        assert perform(work, creating("cse-in/box", 4, {"m2m:cin": {"con": content}})).succeeded


def kept(work: Work) -> list[str]:
    box = work.target("cse-in/box").resource
    instances = [instance.attributes for instance in work.transaction.resources.children(box.ri, 4)]
    assert box.attributes["cni"] == len(instances)
    assert box.attributes["cbs"] == sum(instance["cs"] for instance in instances)
    return [instance["con"] for instance in instances]


@given(
    limits=st.dictionaries(st.sampled_from(["mni", "mbs"]), st.integers(1, 8)),
    contents=st.lists(st.text("ab", max_size=4), max_size=10),
)
def test_the_newest_that_fit_are_kept(limits: dict[str, int], contents: list[str]) -> None:
    """Whatever fits at all is stored, and the longest end of it that both limits allow is there."""
    with working() as work:
        perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box", **limits}}))
        stored: list[str] = []
        for content in contents:
            if len(content) > limits.get("mbs", 99):
                with pytest.raises(NotAcceptable):
                    fill(work, content)
                continue
            fill(work, content)
            stored.append(content)
            while len(stored) > limits.get("mni", 99) or sum(map(len, stored)) > limits.get("mbs", 99):
                stored.pop(0)
            assert kept(work) == stored


def test_nothing_fits_into_a_container_for_nothing(work: Work) -> None:
    perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box", "mni": 0}}))
    with pytest.raises(NotAcceptable, match="mni"):
        fill(work, "a")


def test_instances_do_not_live_longer_than_the_container_wants(work: Work) -> None:
    perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box", "mia": 10}}))
    fill(work, "a")
    attributes = work.target("cse-in/box/la").resource.attributes
    assert attributes["mia"] == 10
    instance = perform(work, retrieving("cse-in/box/la")).content["m2m:cin"]
    assert parse_timestamp(instance["et"]) == parse_timestamp(instance["ct"]) + 10


def test_a_shorter_age_holds_for_the_instances_that_are_there(work: Work) -> None:
    perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box"}}))
    fill(work, "a", "b")
    for age, expected in ((20, 20), (30, 20), (10, 10), (None, 10)):
        perform(work, updating("cse-in/box", {"m2m:cnt": {"mia": age}}))
        ends = [instance.attributes["et"] for instance in work.transaction.resources.search(Search("cse-in/box"))]
        assert ends == [timestamp(work.now + expected)] * 2
        assert work.deadline == work.now + expected


@pytest.mark.parametrize("name", ["la", "ol"])
def test_a_virtual_child_can_not_be_below_an_instance(work: Work, name: str) -> None:
    perform(work, creating("cse-in", 3, {"m2m:cnt": {"rn": "box"}}))
    fill(work, "a")
    with pytest.raises(NotFound):
        perform(work, retrieving(f"cse-in/box/{name}/{name}"))
