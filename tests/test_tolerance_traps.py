"""What real clients rely on, and what they have broken other servers with."""

from typing import Any

import pytest

from tests.servers import Client, Listener, Running


async def test_a_creation_says_where_and_a_deletion_says_nothing(home: Running) -> None:
    created = await home.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "new"}}, "Capp")
    assert created.headers["Content-Location"] == "/cse-in/app/new"
    assert created.resource["ct"].replace("T", "").isdigit()
    assert len(created.resource["ct"]) == 15
    deleted = await home.client.delete("/cse-in/app/new", "Capp")
    assert (deleted.rsc, deleted.content, deleted.headers["Content-Length"]) == (2002, None, "0")


async def test_who_registers_again_is_told_what_is_there(home: Running) -> None:
    content = {"api": "N.x", "rr": True, "srv": ["3"]}
    for name, rsc in (("app", 4105), ("other", 4117)):
        body = {"m2m:ae": {"rn": name, **content}}
        await home.refuses("POST", "/cse-in", rsc, originator="Capp", ty=2, content=body)


async def test_a_refused_registration_leaves_nobody_registered(home: Running) -> None:
    content = {"api": "N.x", "rr": True, "srv": ["3"]}
    for wrong in ({"rn": "app"}, {"api": "x"}, {"rr": "yes"}, {"colour": "red"}, {"et": "20200101T000000"}):
        answer = await home.client.create("/cse-in", 2, {"m2m:ae": {"rn": "new", **content, **wrong}}, "Cnew")
        assert answer.rsc in (4000, 4105)
        assert (await home.client.get("/cse-in", "Cnew")).rsc in (4103, 4106)
    assert (await home.client.create("/cse-in", 2, {"m2m:ae": {"rn": "new", **content}}, "Cnew")).rsc == 2001


async def test_references_to_children_have_three_members(home: Running) -> None:
    answer = await home.client.get("/cse-in/app/box?rcn=5", "Capp")
    assert {"nm": "one", "typ": 4, "val": "cse-in/app/box/one"} in answer.resource["ch"]


async def test_a_discovery_finds_addresses_below_the_cse(home: Running) -> None:
    found = await home.client.get("/cse-in/app?fu=1&ty=3", "Capp")
    assert found.content == {"m2m:uril": ["cse-in/app/box"]}


@pytest.mark.parametrize(("release", "known"), [("2a", False), ("3", False), ("4", True), ("5", True), (None, True)])
async def test_nobody_gets_attributes_of_a_release_to_come(home: Running, release: str | None, known: bool) -> None:
    """Of Release 4 are dgt of a contentInstance and spi of the CSEBase."""
    content = {"m2m:cin": {"rn": "new", "con": "1", "dgt": "20260102T101500"}}
    created = await home.client.create("/cse-in/app/box", 4, content, "Capp", X_M2M_RVI=release)
    assert ("dgt" in created.resource) is known
    for path in ("/cse-in/app/box/new", "/cse-in/app/box/la"):
        assert ("dgt" in (await home.client.get(path, "Capp", X_M2M_RVI=release)).resource) is known
    whole = (await home.client.get("/cse-in/app/box?rcn=4", "Capp", X_M2M_RVI=release)).resource
    assert ("dgt" in whole["m2m:cin"][-1]) is known
    asked = await home.client.get("/cse-in/app/box/new?atrl=dgt", "Capp", X_M2M_RVI=release)
    assert asked.content == {"m2m:cin": {"dgt": "20260102T101500"}}


@pytest.mark.parametrize("status_code", [2000, None])
async def test_any_success_is_success_whatever_is_in_it(
    home: Running, listener: Listener, status_code: int | None
) -> None:
    """A plain web server answers with a page and without any header of oneM2M."""
    listener.status_code = status_code
    content = {"m2m:sub": {"nu": [listener.url], "enc": {"net": [3]}}}
    assert (await home.client.create("/cse-in/app/box", 23, content, "Capp")).rsc == 2001
    await home.client.create("/cse-in/app/box", 4, {"m2m:cin": {"con": "2"}}, "Capp")
    received = await listener.wait(2)
    assert received[1].headers["Content-Type"] == "application/json"
    assert received[1].headers["Content-Length"]
    assert "Transfer-Encoding" not in received[1].headers


async def test_another_response_status_code_is_a_rejection(home: Running, listener: Listener) -> None:
    listener.status_code = 4101
    answer = await home.client.create("/cse-in/app/box", 23, {"m2m:sub": {"nu": [listener.url]}}, "Capp")
    assert (answer.status, answer.rsc) == (500, 5204)


async def test_an_application_is_notified_at_its_point_of_access_itself(client: Client, listener: Listener) -> None:
    await client.register("target", listener.url)
    await client.request("POST", "/cse-in/target", content={"m2m:sgn": {"sur": "x"}})
    assert (await listener.wait())[0].path == "/inbox"


async def test_whoever_asks_to_be_notified_himself_is_not_asked_first(client: Client, listener: Listener) -> None:
    await client.register("app", listener.url)
    answer = await client.create("/cse-in/app", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [1]}}}, "Capp")
    assert answer.rsc == 2001
    assert listener.received == []


async def test_an_old_client_that_asks_for_changes_gets_the_whole_of_what_has_none(
    home: Running, listener: Listener
) -> None:
    content = {"m2m:sub": {"nu": [listener.url], "nct": 2, "enc": {"net": [1, 3]}}}
    assert (await home.client.create("/cse-in/app/box", 23, content, "Capp", X_M2M_RVI=None)).rsc == 2001
    created = await home.client.create("/cse-in/app/box", 4, {"m2m:cin": {"con": "2"}}, "Capp")
    await home.client.update("/cse-in/app/box", {"m2m:cnt": {"lbl": ["a"]}}, "Capp")
    _, whole, changed = [one.content["m2m:sgn"].get("nev") for one in await listener.wait(3)]
    assert whole["rep"] == created.content
    assert changed["rep"]["m2m:cnt"]["lbl"] == ["a"]
    assert "ri" not in changed["rep"]["m2m:cnt"]


@pytest.mark.parametrize("release", [None, "3"])
@pytest.mark.parametrize("members", [[None], [5], [{}], [[]], ["Capp", None]])
async def test_members_that_are_none_are_refused(home: Running, members: list[Any], release: str | None) -> None:
    content = {"m2m:grp": {"mnm": 5, "mid": members}}
    await home.refuses("POST", "/cse-in/app", 4000, originator="Capp", ty=9, content=content, X_M2M_RVI=release)


@pytest.mark.parametrize("release", [None, "3"])
@pytest.mark.parametrize("targets", [["http://127.0.0.1/x"], "http://127.0.0.1/x", [None], 5])
async def test_an_announcement_to_anything_is_no_failure(home: Running, targets: Any, release: str | None) -> None:
    answer = await home.client.update("/cse-in/app/box", {"m2m:cnt": {"at": targets}}, "Capp", X_M2M_RVI=release)
    assert answer.rsc in (4000, 5001)


@pytest.mark.parametrize("window", ["* * * * * *", "0 0 12 * * *", "x", "", "* * * * * * * *"])
async def test_a_time_window_of_any_form_is_no_failure(home: Running, window: str) -> None:
    rule = {"acor": ["Capp"], "acop": 63, "acco": [{"actw": [window]}]}
    content = {"m2m:acp": {"pv": {"acr": [rule]}, "pvs": {"acr": [rule]}}}
    assert (await home.client.create("/cse-in/app", 1, content, "Capp")).rsc in (2001, 4000)


async def test_a_context_that_is_not_known_never_grants_anything(home: Running) -> None:
    everybody = {"acor": ["all"], "acop": 63}
    for context in ({"colour": ["red"]}, {"acip": {"ipv4": ["nowhere"]}}, {"aclr": {"accc": ["XX"]}}):
        rule = everybody | {"acco": [context]}
        content = {"m2m:acp": {"rn": "odd", "pv": {"acr": [rule]}, "pvs": {"acr": [{"acor": ["Capp"], "acop": 63}]}}}
        answer = await home.client.create("/cse-in/app", 1, content, "Capp")
        if answer.rsc == 2001:
            await home.client.update("/cse-in/app/box", {"m2m:cnt": {"acpi": ["cse-in/app/odd"]}}, "Capp")
            assert (await home.client.get("/cse-in/app/box", "Cstranger")).rsc == 4103
            await home.client.update("/cse-in/app/box", {"m2m:cnt": {"acpi": None}}, "Capp")
            await home.client.delete("/cse-in/app/odd", "Capp")
        else:
            assert answer.rsc in (4000, 5001)


async def test_an_application_may_subscribe_to_itself_by_its_own_policy(home: Running) -> None:
    await home.client.update("/cse-in/app", {"m2m:ae": {"acpi": ["cse-in/app/rules"]}}, "Capp")
    content = {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [1]}}}
    assert (await home.client.create("/cse-in/app", 23, content, "Capp")).rsc == 2001


async def test_a_deleted_member_is_gone_before_the_deletion_is_answered(home: Running) -> None:
    await home.client.register("meter")
    await home.client.update("/cse-in/app/meters", {"m2m:grp": {"mid": ["Capp", "Cmeter"]}}, "Capp")
    await home.client.delete("/cse-in/meter", "Cmeter")
    assert (await home.client.get("/cse-in/app/meters", "Capp")).resource["mid"] == ["Capp"]
