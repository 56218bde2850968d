from typing import Any

import pytest

from cse.errors import BadRequest, ContentsUnacceptable, CSEError, InvalidChildResourceType, NotImplementedByThisCSE
from cse.primitive import Response
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import add, creating, retrieving, updating

ALWAYS = {"sce": ["* * * * * * *"]}


@pytest.fixture(autouse=True)
def parents(work: Work) -> None:
    perform(work, creating("cse-in", 14, {"m2m:nod": {"rn": "node", "ni": "urn:node"}}))
    add(work, "cse-in/box")
    add(work, "cse-in/box/news", "sub", nu=["Capp"])


def create(work: Work, parent: str, **attributes: Any) -> Response:
    return perform(work, creating(parent, 18, {"m2m:sch": {"se": ALWAYS} | attributes}))


@pytest.mark.parametrize("parent", ["cse-in", "cse-in/node"])
def test_the_csebase_and_a_node_have_one_schedule(work: Work, parent: str) -> None:
    assert create(work, parent, rn="hours").location == f"{parent}/hours"
    with pytest.raises(BadRequest, match="already"):
        create(work, parent)


def test_a_notification_schedule_has_its_name(work: Work) -> None:
    with pytest.raises(BadRequest, match="rn must be notificationSchedule"):
        create(work, "cse-in/box/news", rn="hours")
    assert create(work, "cse-in/box/news").location == "cse-in/box/news/notificationSchedule"
    with pytest.raises(CSEError):
        create(work, "cse-in/box/news", rn="notificationSchedule")


def test_containers_have_no_schedule(work: Work) -> None:
    with pytest.raises(InvalidChildResourceType):
        create(work, "cse-in/box")


@pytest.mark.parametrize(
    "entries",
    [[], "* * * * * * *", ["* * * * * *"], ["* * 24 * * * *"], [1], ["* * * * * * *"] * 101, [["* * * * * * *"]]],
)
def test_entries_must_be_schedule_entries(work: Work, entries: Any) -> None:
    with pytest.raises(BadRequest, match=r"se \(scheduleElement\) .* seven fields"):
        create(work, "cse-in", se={"sce": entries})
    schedule = str(create(work, "cse-in").location)
    with pytest.raises(BadRequest):
        perform(work, updating(schedule, {"m2m:sch": {"se": {"sce": entries}}}))


@pytest.mark.parametrize(
    ("parent", "error"),
    [
        ("cse-in", ContentsUnacceptable),
        ("cse-in/box/news", ContentsUnacceptable),
        ("cse-in/node", NotImplementedByThisCSE),
    ],
)
def test_nobody_coordinates_schedules_with_a_mobile_network(work: Work, parent: str, error: type[CSEError]) -> None:
    with pytest.raises(error, match="nco"):
        create(work, parent, nco=True)
    schedule = str(create(work, parent).location)
    with pytest.raises(error, match="nco"):
        perform(work, updating(schedule, {"m2m:sch": {"nco": True}}))


def test_the_schedule_of_a_node_may_say_that_it_is_not_coordinated(work: Work) -> None:
    schedule = str(create(work, "cse-in/node", nco=False).location)
    perform(work, updating(schedule, {"m2m:sch": {"nco": None, "se": {"sce": ["* * 8-17 * * * *"]}}}))
    attributes = perform(work, retrieving(schedule)).content["m2m:sch"]
    assert attributes["se"] == {"sce": ["* * 8-17 * * * *"]}
    assert "nco" not in attributes


def test_a_schedule_of_the_csebase_locks_nobody_out(work: Work) -> None:
    create(work, "cse-in", se={"sce": ["* * * * * * 1999"]})
    assert perform(work, creating("cse-in", 3, {"m2m:cnt": {}})).succeeded
    assert perform(work, retrieving("cse-in")).succeeded
