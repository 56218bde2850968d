import pytest

from cse.errors import RequestNotCancellable
from cse.primitive import OK, Response, ResponseType
from cse.store import Resource
from cse.timing import parse_timestamp
from cse.work import Work
from resources.request import RequestResource
from tests.cse.works import NOW, retrieving

TYPE = RequestResource()


def opened(work: Work, **changes: object) -> Resource:
    request = retrieving("cse-in").derive(originator="Capp", response_type=ResponseType.NON_BLOCKING_SYNCH, **changes)
    return TYPE.open(work, request, NOW + 60, "first")


def test_an_open_request_is_pending_and_says_what_was_asked(work: Work) -> None:
    resource = opened(work, request_expiration="60000", filters={"lbl": ["a"]}, release_version="3")
    shown = TYPE.compose(work, resource)
    assert shown.items() >= {"rs": 3, "op": 2, "tg": "cse-in", "org": "Capp", "lbl": ["Capp"]}.items()
    assert shown["mi"] == {"rqet": "60000", "rt": {"rtv": 1}, "rvi": "3", "fc": {"lbl": ["a"]}}
    assert shown["ors"] == {"rsc": 1000, "rqi": shown["rid"]}
    assert parse_timestamp(shown["et"]) == NOW + 60
    assert TYPE.attributes.keys() >= shown.keys()


def test_a_request_is_pending_until_it_is_closed(work: Work) -> None:
    resource = opened(work)
    assert TYPE.take_over(work, "second", {"first", "second"}) == []
    assert [found.ri for found, _ in TYPE.take_over(work, "second", {"second"})] == [resource.ri]
    assert TYPE.take_over(work, "third", {"second", "third"}) == []
    resource = work.target(resource.ri).resource
    with pytest.raises(RequestNotCancellable):
        TYPE.deleting(work, resource)
    TYPE.close(work, resource, Response(OK, {"m2m:cb": {}}))
    assert TYPE.take_over(work, "third", {"third"}) == []
    TYPE.deleting(work, resource)
    assert TYPE.compose(work, resource)["ors"]["pc"] == {"m2m:cb": {}}


@pytest.mark.parametrize(("status_code", "status"), [(2000, 1), (2001, 1), (4004, 2), (5103, 2)])
def test_the_status_follows_the_response(work: Work, status_code: int, status: int) -> None:
    resource = opened(work)
    TYPE.close(work, resource, Response(status_code))
    assert resource.attributes["rs"] == status
    assert resource.attributes["ors"]["rsc"] == status_code


def test_the_request_that_is_resumed_is_the_one_that_came(work: Work) -> None:
    opened(work, content={"a": ["é", 1.5]}, attribute_list=("ri",))
    ((_, request),) = TYPE.take_over(work, "second", {"second"})
    assert request == retrieving("cse-in").derive(
        originator="Capp",
        response_type=ResponseType.NON_BLOCKING_SYNCH,
        content={"a": ["é", 1.5]},
        attribute_list=("ri",),
    )
