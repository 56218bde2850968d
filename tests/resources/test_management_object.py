"""Management objects: which one the content is of, and what some of their attributes do."""

from typing import Any

import pytest

from cse.errors import BadRequest
from cse.tree.operations import perform
from cse.work import Work
from resources.management_object import ManagementObject
from resources.specializations.tables import read_specializations
from tests.cse.works import creating, deleting, retrieving, updating

TYPE = ManagementObject(read_specializations())
CAPABILITY = {"mgd": 1008, "can": "lamp", "att": True, "cas": {"sus": 1}, "cus": True}


@pytest.fixture(autouse=True)
def _node(work: Work) -> None:
    perform(work, creating("cse-in", 14, {"m2m:nod": {"rn": "node", "ni": "urn:node"}}))


def make(work: Work, root: str, **attributes: Any) -> dict[str, Any]:
    content = {root: {"rn": "object"} | attributes}
    return dict(perform(work, creating("cse-in/node", 13, content)).content[root])


def update(work: Work, root: str, **changes: Any) -> dict[str, Any]:
    return dict(perform(work, updating("cse-in/node/object", {root: changes})).content[root])


def test_each_specialization_has_a_root_and_a_definition_of_its_own() -> None:
    roots = {kind.root for kind in TYPE.variants}
    tables = [table for table in read_specializations() if table.family == TYPE.name]
    assert {"m2m:fwr", "m2m:bat", "m2m:cmbf", "dcfg:datc"} <= roots
    assert len(roots) == len({table.definition for table in tables}) == len(tables)


def test_a_management_object_is_represented_below_its_own_root(work: Work) -> None:
    made = make(work, "m2m:bat", mgd=1006, btl=80, bts=1)
    assert perform(work, retrieving("cse-in/node/object")).content == {"m2m:bat": made}
    assert made["ty"] == 13
    assert not [name for name in made if name.startswith("_")]


@pytest.mark.parametrize(
    ("root", "attributes", "words"),
    [
        ("m2m:bta", {"mgd": 1006}, "m2m:bat"),
        ("m2m:bat", {"mgd": 1001, "btl": 1, "bts": 1}, "mgd .* 1006"),
        ("m2m:bat", {"btl": 1, "bts": 1}, "mgd"),
        ("m2m:bat", {"mgd": 1006, "btl": 101, "bts": 1}, "btl .* 100"),
        ("m2m:bat", {"mgd": 1006, "btl": 1, "bts": 99}, "bts"),
        ("m2m:bat", {"mgd": 1006, "btl": 1, "bts": 1, "vr": "1"}, "vr"),
        ("m2m:mem", {"mgd": 1003, "mma": 1, "mmt": 2, "mgs": "x"}, "mgs"),
        ("m2m:rbo", {"mgd": 1009, "rbo": True, "far": True}, "far and rbo"),
        ("dcfg:wific", {"mgd": 1028, "ssid": "a", "scan": False, "wcrds": {"enct": 2, "wpap": "b"}}, "wcrds"),
    ],
)
def test_what_does_not_fit_is_refused_by_a_sentence_that_names_it(
    work: Work, root: str, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        make(work, root, **attributes)


@pytest.mark.parametrize("content", [{}, [], None, {"m2m:bat": {}, "m2m:mem": {}}, {"m2m:bat": []}])
def test_content_that_is_no_object_below_one_root_is_refused(work: Work, content: Any) -> None:
    with pytest.raises(BadRequest, match="one object below"):
        perform(work, creating("cse-in/node", 13, content))


def test_what_starts_something_reads_as_before(work: Work) -> None:
    """Reboot is data here: who cares for the device is told by his subscription that it was set."""
    assert make(work, "m2m:rbo", mgd=1009)["rbo"] is False
    made = update(work, "m2m:rbo", rbo=True)
    assert (made["rbo"], made["far"]) == (False, False)


def test_a_capability_is_switched_one_way_at_a_time(work: Work) -> None:
    assert make(work, "m2m:dvc", **CAPABILITY)["ena"] is True
    assert update(work, "m2m:dvc", ena=False, dis=True)["dis"] is True
    with pytest.raises(BadRequest, match="dis and ena"):
        update(work, "m2m:dvc", ena=True, dis=True)


def test_a_measurement_has_a_schedule_or_an_interval(work: Work) -> None:
    schedule = [{"sce": ["0 */5 * * * * *"]}]
    make(work, "dcfg:datc", mgd=1021, cntp="cse-in/box", mesc=schedule)
    with pytest.raises(BadRequest, match="meil and mesc"):
        update(work, "dcfg:datc", meil=60_000)
    assert update(work, "dcfg:datc", meil=60_000, mesc=None)["meil"] == 60_000


def test_a_resource_outlives_its_table(work: Work) -> None:
    """The operator took the table away: the resource can be read as it is, and be deleted."""
    make(work, "m2m:bat", mgd=1006, btl=80, bts=1)
    resource = work.target("cse-in/node/object").resource
    resource.attributes["_root"] = "x:gone"
    work.transaction.resources.update(resource)
    assert perform(work, retrieving("cse-in/node/object")).content["x:gone"]["btl"] == 80
    assert perform(work, updating("cse-in/node/object", {"x:gone": {"dc": "old"}})).succeeded
    with pytest.raises(BadRequest, match="btl"):
        update(work, "x:gone", btl=1)
    assert perform(work, deleting("cse-in/node/object")).succeeded
