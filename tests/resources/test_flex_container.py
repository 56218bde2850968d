"""flexContainers: attributes of their own, and the instances that say what these were."""

from typing import Any

import pytest

from cse.errors import BadRequest, InvalidChildResourceType, NotAcceptable, NotFound, OperationNotAllowed
from cse.tree.operations import perform
from cse.work import Work
from resources.flex_container import FlexContainer
from resources.specializations.tables import read_specializations
from tests.cse.works import creating, deleting, retrieving, updating

TYPE = FlexContainer(read_specializations())
ROOT = "cod:tempe"
DEFINITION = "org.onem2m.common.moduleclass.temperature"


def make(work: Work, **attributes: Any) -> dict[str, Any]:
    content = {ROOT: {"rn": "probe", "cnd": DEFINITION} | attributes}
    return dict(perform(work, creating("cse-in", 28, content, "CAdmin")).content[ROOT])


def update(work: Work, **changes: Any) -> dict[str, Any]:
    return dict(perform(work, updating("cse-in/probe", {ROOT: changes})).content[ROOT])


def kept(work: Work, name: str = "curT0") -> list[Any]:
    """What the instances say about an attribute, oldest first; the counters agree with them."""
    probe = work.target("cse-in/probe").resource
    instances = [instance.attributes for instance in work.transaction.resources.children(probe.ri, 58)]
    if "fcied" in probe.attributes:
        assert probe.attributes["cni"] == len(instances)
        assert probe.attributes["cbs"] == sum(instance["cs"] for instance in instances)
    return [instance.get(name) for instance in instances]


def test_it_is_represented_below_the_root_of_its_module_class(work: Work) -> None:
    made = make(work, curT0=21.5)
    assert (made["ty"], made["st"], made["cs"]) == (28, 0, len("21.5"))
    assert perform(work, retrieving("cse-in/probe")).content == {ROOT: made}


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"cnd": "org.example"}, "cnd .* temperature"),
        ({"curT0": "21"}, "curT0"),
        ({"colour": 1}, "colour"),
        ({"cs": 1}, "cs"),
        ({"mni": 1}, "mni .* fcied"),
        ({"mia": 1}, "mia .* fcied"),
        ({"fcied": False, "mni": 0}, "mni"),
        ({"fcied": True, "curT0": 1.5, "mbs": 2}, "mbs .* 3"),
        ({"loc": {"typ": 1, "crd": "[[1, 2]]"}}, "loc"),
    ],
)
def test_what_does_not_fit_is_refused(work: Work, attributes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        make(work, **attributes)


def test_an_update_without_attributes_counts(work: Work) -> None:
    make(work)
    assert update(work)["st"] == 1


def test_without_history_there_are_no_instances(work: Work) -> None:
    made = make(work, curT0=1)
    assert not {"cni", "cbs"} & made.keys()
    with pytest.raises(NotFound):
        perform(work, retrieving("cse-in/probe/la"))


def test_each_change_of_data_labels_or_location_is_an_instance(work: Work) -> None:
    make(work, fcied=True, curT0=1)
    update(work, curT0=2)
    update(work, lbl=["new"])
    update(work, loc={"typ": 1, "crd": "[8.5, 47.4]"})
    assert kept(work) == [1, 2, 2, 2]
    update(work, mni=9)
    update(work)
    update(work, dgt=None)
    assert kept(work, "lbl") == [None, None, ["new"], ["new"], ["new"]]
    assert kept(work, "st") == [0, 1, 2, 3, 6]


def test_an_instance_looks_like_its_parent_and_names_who_wrote_it(work: Work) -> None:
    make(work, fcied=True, curT0=1)
    latest = perform(work, retrieving("cse-in/probe/la")).content[ROOT]
    assert (latest["ty"], latest["org"], latest["curT0"]) == (58, "CAdmin", 1)
    assert not {"cnd", "fcied", "cni", "mni"} & latest.keys()
    update(work, curT0=2)
    assert perform(work, retrieving("cse-in/probe/ol")).content == {ROOT: latest}


def test_instances_are_made_by_the_cse_only(work: Work) -> None:
    make(work, fcied=True, curT0=1)
    with pytest.raises(OperationNotAllowed):
        perform(work, creating("cse-in/probe", 58, {ROOT: {"curT0": 2}}))
    name = perform(work, retrieving("cse-in/probe/la")).content[ROOT]["rn"]
    with pytest.raises(OperationNotAllowed):
        perform(work, updating(f"cse-in/probe/{name}", {ROOT: {"curT0": 2}}))


def test_as_many_instances_are_kept_as_the_limits_allow(work: Work) -> None:
    make(work, fcied=True, curT0=1, mni=3)
    for value in (2, 3, 4):
        update(work, curT0=value)
    assert kept(work) == [2, 3, 4]
    update(work, mni=2)
    assert kept(work) == [3, 4]
    update(work, mni=None, mbs=1)
    assert kept(work) == [4]
    with pytest.raises(NotAcceptable, match="mbs"):
        update(work, curT0=10)


def test_false_keeps_the_last_instance_only(work: Work) -> None:
    make(work, fcied=True, curT0=1)
    update(work, curT0=2)
    update(work, fcied=False)
    assert kept(work) == [2]
    update(work, curT0=3)
    assert kept(work) == [3]
    update(work, fcied=True)
    update(work, curT0=4)
    assert kept(work) == [3, 4]


def test_without_the_attribute_the_history_is_forgotten(work: Work) -> None:
    make(work, fcied=True, curT0=1, mni=3)
    assert not {"cni", "cbs", "mni", "fcied"} & update(work, fcied=None).keys()
    assert kept(work) == []
    assert update(work, fcied=True)["cni"] == 1


def test_a_deleted_instance_no_longer_counts(work: Work) -> None:
    make(work, fcied=True, curT0=1)
    update(work, curT0=2)
    perform(work, deleting("cse-in/probe/la"))
    assert kept(work) == [1]


def test_a_table_can_say_below_what_it_may_be(work: Work) -> None:
    operation = {"m2m:gio": {"cnd": "x", "gion": "start", "gios": "idle"}}
    with pytest.raises(InvalidChildResourceType):
        perform(work, creating("cse-in", 28, operation))
    make(work)
    assert perform(work, creating("cse-in/probe", 28, operation)).succeeded


@pytest.mark.parametrize(
    ("kind", "coordinates", "fits"),
    [
        (1, "[1, 2]", True),
        (1, "[1, 2, 3]", True),
        (1, "[1]", False),
        (1, '["1", 2]', False),
        (1, "nowhere", False),
        (2, "[[1, 2], [3, 4]]", True),
        (2, "[[1, 2]]", False),
        (3, "[[[0, 0], [0, 1], [1, 1], [0, 0]]]", True),
        (3, "[[[0, 0], [0, 1], [1, 1], [1, 0]]]", False),
        (4, "[[1, 2]]", True),
        (5, "[[[1, 2], [3, 4]]]", True),
        (6, "[[[[0, 0], [0, 1], [1, 1], [0, 0]]]]", True),
        (6, "[]", False),
        (7, "[1, 2]", False),
    ],
)
def test_coordinates_fit_their_geometry(kind: int, coordinates: str, fits: bool) -> None:
    assert TYPE.attributes["loc"].type.accepts({"typ": kind, "crd": coordinates}) is fits
