import pytest

from cse.errors import BadRequest
from cse.network import Host
from cse.primitive import Response
from cse.tree.operations import perform
from cse.work import Work
from resources.application_entity import ApplicationEntity
from tests.cse.works import creating, updating

TYPE = ApplicationEntity()


@pytest.mark.parametrize(("api", "valid"), [("N.x", True), ("R.x", True), ("r1", True), ("N", False), ("X.y", False)])
def test_an_application_identifier_says_whether_it_is_registered(work: Work, api: str, valid: bool) -> None:
    def create() -> Response:
        return perform(work, creating("cse-in", 2, {"m2m:ae": {"api": api, "rr": True, "srv": ["3"]}}, "Capp"))

    if valid:
        assert create().succeeded
    else:
        with pytest.raises(BadRequest, match="api"):
            create()


def test_an_application_is_the_host_of_requests(work: Work) -> None:
    content = {"api": "N.x", "rr": False, "srv": ["3"], "poa": ["http://127.0.0.1/a", "coap://127.0.0.1"]}
    perform(work, creating("cse-in", 2, {"m2m:ae": content}, "Capp"))
    resource = work.target("Capp").resource
    assert TYPE.host(resource) == Host("Capp", ("http://127.0.0.1/a", "coap://127.0.0.1"), False, ("3",))
    changes = {"poa": None, "rr": True, "srv": ["3", "4"], "csz": ["application/cbor"]}
    perform(work, updating("Capp", {"m2m:ae": changes}, "Capp"))
    assert TYPE.host(work.target("Capp").resource) == Host("Capp", (), True, ("3", "4"), ("application/cbor",))


def test_the_identifier_is_the_one_stated_or_a_new_one(work: Work) -> None:
    made = [TYPE.identify(work, creating("cse-in", 2, {}, stated), {}) for stated in ("Cx", "/id-in/Sx", "", "C", "S")]
    assert made[:2] == ["Cx", "Sx"]
    assert [identifier[0] for identifier in made[2:]] == ["C", "C", "S"]
    assert len(set(made)) == 5
