"""The operator's view under /.cse/: for the administrator, and nothing there can be made to fail."""

import os
from typing import Any

import pytest

from tests.servers import ADMIN, Client, Running, eventually


@pytest.fixture
async def meters(client: Client) -> Client:
    """AEs Cm0 .. Cm2 behind the loopback network, in the group cse-in/meters, and one finished campaign to them."""
    for number in range(3):
        await client.register(f"m{number}", "loopback://meter")
    content = {"rn": "meters", "mnm": 5, "mid": [f"Cm{number}" for number in range(3)]}
    await client.create("/cse-in", 9, {"m2m:grp": content})
    request = {"m2m:sgn": {"sur": "x", "nev": {"rep": {"m2m:cin": {"con": "1"}}}}}
    answer = await client.request("POST", "/cse-in/meters/fopt?rt=1", content=request)
    await eventually(lambda: client.get(f"/{answer.content['m2m:uri']}"), lambda one: one.resource["rs"] == 1)
    return client


async def ask(client: Client, path: str, method: str = "GET", content: Any = None, originator: str = ADMIN) -> Any:
    answer = await client.request(method, f"/.cse/{path}", originator, content=content)
    assert answer.status == 200, answer
    return answer.content


async def test_health_and_networks(client: Client) -> None:
    health = await ask(client, "health")
    assert health.pop("longestStall") >= 0
    assert len(health.pop("process")) >= 8
    assert health.pop("notifications") == {"waiting": 0, "unreachable": 0, "dropped": 0}
    assert health == {"status": "ok", "cseId": "/id-in", "pid": os.getpid(), "conducts": True, "strayAnswers": 0}
    assert "loopback" in (await ask(client, "networks"))["networks"]


async def test_a_plan_says_what_would_be_sent(meters: Client) -> None:
    for group in ("cse-in/meters", "/id-in/cse-in/meters", "cse-in/meters/fopt"):
        plan = await ask(meters, "plan", "POST", {"group": group})
        assert (plan["members"], plan["unserved"]) == (3, 0)
        assert [signature["chosen"]["network"] for signature in plan["signatures"]] == ["loopback"]
    stranger = {"group": "cse-in/meters", "originator": "Cm0"}
    assert (await meters.request("POST", "/.cse/plan", content=stranger)).status == 403


async def test_campaigns_and_their_members_come_in_pages(meters: Client) -> None:
    (campaign,) = (await ask(meters, "campaigns"))["campaigns"]
    for name in (campaign["campaign"], campaign["request"]):
        assert await ask(meters, f"campaigns/{name}") == campaign
    first = await ask(meters, f"campaigns/{campaign['campaign']}/members?limit=2")
    assert [member["member"] for member in first["members"]] == ["Cm0", "Cm1"]
    rest = await ask(meters, f"campaigns/{campaign['campaign']}/members?limit=2&after={first['next']}")
    assert [member["member"] for member in rest["members"]] == ["Cm2"]
    assert rest["next"] is None
    assert (await ask(meters, f"campaigns/{campaign['campaign']}/members?state=waiting"))["members"] == []
    whole = await ask(meters, f"campaigns/{campaign['campaign']}/members?limit=3")
    assert (len(whole["members"]), whole["next"]) == (3, None)


@pytest.mark.parametrize(("path", "state"), [("/cse-in/all/fopt", "accepted"), ("/cse-in/app", None)])
async def test_a_fan_out_that_has_not_begun_is_accepted(client: Client, path: str, state: str | None) -> None:
    await client.register("app")
    await client.create("/cse-in", 9, {"m2m:grp": {"rn": "all", "mnm": 1, "mid": ["Capp"]}})
    request = (await client.get(f"{path}?rt=1", X_M2M_OET="PT1H")).content["m2m:uri"]
    report = (await client.get(f"/.cse/campaigns/{request}")).content
    assert report.get("state") == state
    if state:
        assert (report["request"], report["group"], report["members"]) == (request, "cse-in/all/fopt", 0)


@pytest.mark.parametrize("originator", ["Cm0", "", None, "cadmin", "/id-in"])
@pytest.mark.parametrize(("method", "path"), [("GET", "health"), ("POST", "plan"), ("DELETE", "campaigns/x")])
async def test_it_is_for_the_administrator_only(client: Client, method: str, path: str, originator: str | None) -> None:
    assert (await client.request(method, f"/.cse/{path}", originator)).status == 403


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "campaigns/nobody", None, 404),
        ("GET", "campaigns/a%20b", None, 404),
        ("GET", "campaigns/nobody/members", None, 404),
        ("DELETE", "campaigns/nobody", None, 404),
        ("GET", "campaigns?limit=-1", None, 400),
        ("GET", "campaigns?limit=%C2%B2", None, 400),
        ("GET", "campaigns?limit=99999999999999999999", None, 400),
        ("GET", "campaigns/x/members?after=x", None, 400),
        ("GET", "campaigns/x/members?state=asleep", None, 400),
        ("POST", "plan", b"{", 400),
        ("POST", "plan", b"[" * 10_000, 400),
        ("POST", "plan", b'"' + b"x" * 9_000_000 + b'"', 400),
        ("POST", "plan", [], 400),
        ("POST", "plan", {"group": 1}, 400),
        ("POST", "plan", {"group": "a b"}, 400),
        ("POST", "plan", {"group": "cse-in/nobody"}, 404),
        ("POST", "plan", {"group": "cse-in"}, 404),
    ],
)
async def test_a_bad_question_gets_a_sentence(
    meters: Client, method: str, path: str, content: Any, status: int
) -> None:
    answer = await meters.request(method, f"/.cse/{path}", content=content)
    assert answer.status == status
    assert answer.debug


async def test_other_paths_below_are_not_the_tree(cse: Running) -> None:
    answer = await cse.client.get("/.cse/nonsense")
    assert answer.rsc == 4004
    assert answer.debug
