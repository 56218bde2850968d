"""What resource types say of their own resources when `cse store check` asks them."""

from typing import Any

import pytest

from cse.store import Resource
from cse.work import Work
from tests.cse.works import add, working

SERIES, POINT, FLEX, KEPT = 29, 30, 28, 58
BINARY_SWITCH = "org.onem2m.common.moduleclass.binarySwitch"


def put(work: Work, path: str, ty: int, **attributes: Any) -> Resource:
    """A resource as it stands in the store."""
    parent = work.target(path.rpartition("/")[0]).resource
    own = {"ty": ty, "ri": path, "pi": parent.ri, "rn": path.rpartition("/")[2], "et": "20280101T000000"}
    resource = Resource(path, "Capp", own | attributes)
    work.transaction.resources.insert(resource)
    return resource


def audited(work: Work, resource: Resource) -> list[str]:
    return list(work.type_of(resource).audit(work, resource))


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"cni": 1, "cbs": 3}, None),
        ({"cni": 2, "cbs": 3}, "cni 2 and cbs 3 are wrong, it has 1 instances with 3 bytes: DELETE it"),
        ({"cni": 1, "cbs": 3, "mbs": 2}, "its 1 instances with 3 bytes are more than mni or mbs allows: UPDATE mni"),
        ({"cni": 1, "cbs": 3, "mbs": 3, "mni": 1}, None),
    ],
)
def test_a_time_series(attributes: dict[str, Any], problem: str | None) -> None:
    with working() as work:
        series = put(work, "cse-in/series", SERIES, **attributes)
        put(work, "cse-in/series/1", POINT, con="1.5", cs=3, dgt="20260101T000000")
        found = audited(work, series)
        assert len(found) == (problem is not None)
        assert not problem or found[0].startswith(problem)


def test_a_point_of_a_time_series() -> None:
    with working() as work:
        put(work, "cse-in/series", SERIES, cni=1, cbs=3)
        assert audited(work, put(work, "cse-in/series/1", POINT, con=1.5, cs=3)) == []
        (problem,) = audited(work, put(work, "cse-in/series/2", POINT, con=1.5, cs=4))
        assert problem.startswith("cs is 4, and its content has 3 bytes")


def flex(work: Work, **attributes: Any) -> Resource:
    return put(work, "cse-in/switch", FLEX, cnd=BINARY_SWITCH, _root="cod:binSh", state=True, cs=4, **attributes)


def test_a_flex_container() -> None:
    with working() as work:
        assert audited(work, flex(work)) == []
        put(work, "cse-in/switch/1", KEPT, cs=4)
        (problem,) = audited(work, work.target("cse-in/switch").resource)
        assert problem.startswith("cni 0 and cbs 0 are wrong, it has 1 instances with 4 bytes")


@pytest.mark.parametrize(("attributes", "problems"), [({}, 0), ({"mni": 1}, 1), ({"fcied": False}, 1), ({"cs": 5}, 1)])
def test_a_flex_container_with_instances(attributes: dict[str, Any], problems: int) -> None:
    with working() as work:
        resource = flex(work, **({"fcied": True, "cni": 2, "cbs": 8, "mni": 2} | {"mbs": 8}))
        for name in ("1", "2"):
            put(work, f"cse-in/switch/{name}", KEPT, cs=4)
        resource.attributes |= attributes
        assert len(audited(work, resource)) == problems


def test_a_container_and_its_instances() -> None:
    with working() as work:
        box = add(work, "cse-in/box", cni=1, cbs=2, mni=0)
        assert audited(work, add(work, "cse-in/box/1", "cin", con="é", cs=2)) == []
        (problem,) = audited(work, box)
        assert problem.startswith("its 1 instances with 2 bytes are more than mni or mbs allows")


def test_a_group() -> None:
    with working() as work:
        group = add(work, "cse-in/city", "grp", mnm=1)
        work.transaction.lists.replace(group.ri, [("a", None)])
        assert audited(work, group) == []
        work.transaction.lists.replace(group.ri, [("a", None), ("b", None)])
        assert audited(work, group) == ["it has 2 members, and mnm allows 1: UPDATE mnm, or mid"]


def test_others_have_nothing_to_say() -> None:
    with working() as work:
        assert audited(work, add(work, "cse-in/app", "ae")) == []
