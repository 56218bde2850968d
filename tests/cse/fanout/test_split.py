"""Whose an answer is that comes from a CSE."""

from typing import Any

import pytest

from cse.address import Naming
from cse.fanout.split import directories, parts
from cse.network import Host
from cse.primitive import Response

NAMING = Naming("/id-in", "cse-in", "cse.example")
TAIL = "/box/la"
MEMBERS = ["/id-mn/cse-mn/a", "//cse.example/id-mn/cse-mn/b"]
HOSTS = [f"/id-mn/cse-mn/{name}{TAIL}" for name in "ab"]
DIRECTORIES = directories(
    NAMING,
    [
        *(Host(host, (), cse="/id-mn", member=member) for host, member in zip(HOSTS, MEMBERS, strict=True)),
        Host("/id-far/x", (), cse="/id-far", member="/id-far/x"),
        Host("Cmeter", ()),
    ],
)


def told(content: Any, *asked: str, status_code: int = 2000) -> list[tuple[str, int]] | None:
    """The response status codes of hosts when `/id-mn` answers so and these were asked."""
    found = parts(NAMING, "/id-mn", DIRECTORIES["/id-mn"], Response(status_code, content), asked.__contains__)
    return None if found is None else sorted((host, response.status_code) for host, response in found)


def item(fr: object, rsc: object = 2004) -> dict[str, Any]:
    return {"m2m:agr": {"m2m:rsp": [{"fr": fr, "rsc": rsc}]}}


def test_the_hosts_of_each_cse_by_their_addresses() -> None:
    assert set(DIRECTORIES) == {"/id-mn", "/id-far"}
    assert DIRECTORIES["/id-mn"] == {
        "/id-mn/cse-mn/a": HOSTS[0],
        HOSTS[0]: HOSTS[0],
        "/id-mn/cse-mn/b": HOSTS[1],
        HOSTS[1]: HOSTS[1],
    }


@pytest.mark.parametrize(
    "written",
    ["/id-mn/cse-mn/b", "//cse.example/id-mn/cse-mn/b", "cse-mn/b", f"cse-mn/b{TAIL}", HOSTS[1]],
)
def test_a_member_in_all_forms_of_its_address(written: str) -> None:
    assert told(item(written)) == [(HOSTS[1], 2004)]


@pytest.mark.parametrize("written", ["", None, 7, "b", "cse-mn/c", "/id-far/x", "//other.example/id-mn/cse-mn/b"])
def test_somebody_else(written: object) -> None:
    assert told(item(written)) == [("", 2004)]


def test_what_is_no_item() -> None:
    content = {"m2m:agr": {"m2m:rsp": ["x", None, {"fr": MEMBERS[0]}, {"fr": MEMBERS[0], "rsc": True}]}}
    assert told(content) == []
    assert told({"m2m:agr": {"m2m:rsp": []}}, HOSTS[0]) == []


@pytest.mark.parametrize("content", [None, {"m2m:cnt": {}}, {"m2m:agr": 1}, {"m2m:agr": {"m2m:rsp": {}}}, []])
def test_no_aggregate(content: Any) -> None:
    assert told(content, HOSTS[0]) == [(HOSTS[0], 2000)]
    assert told(content, *HOSTS) is None
    assert told(content, *HOSTS, status_code=4103) == [(host, 4103) for host in HOSTS]
    assert told(content, status_code=4103) == [("/id-mn", 4103)]
