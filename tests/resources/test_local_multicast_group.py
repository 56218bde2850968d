from collections.abc import Mapping
from typing import Any

import pytest

from cse.consent import NO_CONSENT, Consent, ConsentNeeded, Listening
from cse.errors import (
    BadRequest,
    Conflict,
    CSEError,
    OperationNotAllowed,
    OriginatorHasNoPrivilege,
)
from cse.events import MEMBERSHIP_CHANGED
from cse.network import Membership
from cse.primitive import Request
from cse.store import Resource
from cse.tree.delete import remove
from cse.tree.operations import perform
from cse.work import Work
from resources import local_multicast_group
from tests.cse.works import add, creating, deleting, retrieving, updating

HOST = "/id-in2"
GROUP = {"mad": "239.192.1.2", "mgft": "/id-in2/g1", "mli": ["cse-in/a", "/id-in/cse-in/b"]}


@pytest.fixture(autouse=True)
def registered(work: Work) -> None:
    """The group host, and another CSE."""
    for name in (HOST, "/id-other"):
        content = {"m2m:csr": {"cb": f"{name}/cse", "rr": True, "srv": ["3"]}}
        perform(work, creating("cse-in", 16, content, name))


def carried_out(work: Work, request: Request) -> tuple[Any, list[Listening]]:
    """The response, with whatever is needed granted, and what was needed."""
    needs: list[Listening] = []
    work.consent = NO_CONSENT
    while True:
        try:
            return perform(work, request), needs
        except ConsentNeeded as needed:
            needs += [need for need in needed.needs if isinstance(need, Listening)]
            given = frozenset(need.key for need in needs)
            work.consent = Consent(given, needed.identifier, needed.locks)


def make(work: Work, originator: str = HOST, **attributes: Any) -> Resource:
    request = creating("cse-in", 45, {"m2m:lmg": GROUP | attributes}, originator)
    return work.target(carried_out(work, request)[0].location).resource


def changed(work: Work) -> list[Mapping[str, Any]]:
    return [effect.document for effect in work.transaction.effects.pending() if effect.kind == MEMBERSHIP_CHANGED]


def test_a_registered_cse_makes_it_and_the_cse_listens_before_it_is_there(work: Work) -> None:
    request = creating("cse-in", 45, {"m2m:lmg": GROUP | {"rn": "g1", "rstw": "PT2.5S"}}, HOST)
    response, (need,) = carried_out(work, request)
    created = response.content["m2m:lmg"]
    assert created["rstt"] == HOST
    members = ("cse-in/a", "/id-in/cse-in/b")
    expected = Membership(created["ri"], HOST, "239.192.1.2", "/id-in2/g1", members, HOST, 2.5)
    assert need == Listening("join 239.192.1.2", expected, joins=True)
    group = work.target("cse-in/g1").resource
    assert work.type_of(group).membership(group) == expected
    assert work.model.listeners == [45]


def test_nobody_but_the_group_host_may_do_anything_with_it(work: Work) -> None:
    group = make(work)
    assert perform(work, retrieving(group.ri, HOST)).status_code == 2000
    for request in (retrieving(group.ri, "/id-other"), deleting(group.ri, "/id-other"), deleting(group.ri, "Capp")):
        with pytest.raises(OriginatorHasNoPrivilege):
            perform(work, request)


@pytest.mark.parametrize("originator", ["Capp", "CAdmin", "/id-unknown", "/id-in2/Capp"])
def test_it_is_made_by_a_registered_cse_only(work: Work, originator: str) -> None:
    add(work, "cse-in/app", "ae", "Capp")
    with pytest.raises(OriginatorHasNoPrivilege):
        make(work, originator)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"mad": "192.0.2.1"}, BadRequest),
        ({"mad": "239.192.1.2:0"}, BadRequest),
        ({"mad": "239.192.1.2:70000"}, BadRequest),
        ({"mad": "group.example"}, BadRequest),
        ({"mad": 7}, BadRequest),
        ({"mgft": "/id-other/g1"}, BadRequest),
        ({"mgft": "/id-in2"}, BadRequest),
        ({"mgft": "/id-in2/a/b"}, BadRequest),
        ({"mli": []}, BadRequest),
        ({"mli": ["/id-elsewhere/cse/a"]}, BadRequest),
        ({"rstw": "soon"}, BadRequest),
        ({"egid": ""}, BadRequest),
        ({"tmgi": 1}, BadRequest),
    ],
)
def test_wrong_attributes_are_refused(work: Work, attributes: dict[str, Any], error: type[CSEError]) -> None:
    with pytest.raises(error, match=next(iter(attributes))):
        make(work, **attributes)


@pytest.mark.parametrize("address", ["224.0.1.187", "239.255.0.1:5684", "ff15::fd", "[ff15::fd]:5683"])
def test_multicast_addresses_are_taken_with_and_without_port(work: Work, address: str) -> None:
    assert make(work, mad=address).attributes["mad"] == address


def test_a_fan_out_target_stands_for_one_group_at_an_address(work: Work) -> None:
    make(work)
    with pytest.raises(Conflict, match="same mad and mgft"):
        make(work)
    make(work, "/id-other", mgft="/id-other/g1")
    elsewhere = make(work, mad="239.192.1.3")
    with pytest.raises(Conflict):
        carried_out(work, updating(elsewhere.ri, {"m2m:lmg": {"mad": GROUP["mad"]}}, HOST))


def test_a_group_host_has_a_limit(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_multicast_group, "MOST_OF_ONE_HOST", 2)
    monkeypatch.setattr(local_multicast_group, "MOST_MEMBERS", 3)
    for number in range(2):
        make(work, mgft=f"/id-in2/g{number}")
    with pytest.raises(OperationNotAllowed, match="2 multicast groups"):
        make(work, mgft="/id-in2/g2")
    make(work, "/id-other", mgft="/id-other/g")
    with pytest.raises(BadRequest, match="at most 3"):
        make(work, "/id-other", mgft="/id-other/h", mli=[f"cse-in/m{number}" for number in range(4)])


def test_another_address_is_joined_before_it_is_stored(work: Work) -> None:
    group = make(work)
    request = updating(group.ri, {"m2m:lmg": {"mad": "239.192.9.9", "mli": ["cse-in/c"]}}, HOST)
    _, (need,) = carried_out(work, request)
    assert (need.membership.identifier, need.membership.address) == (group.ri, "239.192.9.9")
    assert need.membership.members == ("cse-in/c",)
    assert work.target(group.ri).resource.attributes["mad"] == "239.192.9.9"
    assert changed(work) == [{"group": group.ri}]


def test_other_changes_reach_the_network_after_the_commit(work: Work) -> None:
    group = make(work, rstt="/id-other")
    for changes in ({"mli": ["cse-in/c"]}, {"rstt": None}, {"rstw": "PT1S"}):
        assert carried_out(work, updating(group.ri, {"m2m:lmg": changes}, HOST))[1] == []
    assert changed(work) == [{"group": group.ri}] * 3
    assert work.target(group.ri).resource.attributes["rstt"] == HOST
    for wrong in ({"mgft": "/id-in2/g2"}, {"mli": ["/id-x/a"]}, {"mad": "10.0.0.1"}, {"mli": None}):
        with pytest.raises(BadRequest):
            carried_out(work, updating(group.ri, {"m2m:lmg": wrong}, HOST))


def test_it_is_left_before_it_is_deleted(work: Work) -> None:
    group = make(work)
    _, (need,) = carried_out(work, deleting(group.ri, HOST))
    assert (need.membership.identifier, need.joins) == (group.ri, False)
    assert work.transaction.resources.get(group.ri) is None


def test_it_is_left_when_its_time_is_over(work: Work) -> None:
    group = make(work)
    remove(work, group)
    assert changed(work) == [{"group": group.ri}]
