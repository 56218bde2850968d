"""Who may do what: default rules, policies, changes of policies, registration."""

from typing import Any

import pytest

from tests.servers import Client

RIGHTS = {"C": 1, "R": 2, "U": 4, "D": 8, "N": 16, "X": 32}


def rules(*granted: tuple[list[str], int], **details: Any) -> dict[str, Any]:
    return {"acr": [{"acor": originators, "acop": rights, **details} for originators, rights in granted]}


async def policy(client: Client, pv: dict[str, Any], pvs: dict[str, Any] | None = None) -> str:
    """The identifier of a new policy of Capp."""
    content = {"m2m:acp": {"pv": pv, "pvs": pvs or rules((["Capp"], 63))}}
    answer = await client.create("/cse-in/app", 1, content, "Capp")
    assert answer.rsc == 2001, answer
    return str(answer.resource["ri"])


async def attempts(client: Client, path: str, originator: str) -> str:
    """The letters of the operations that are not refused for lack of privileges; nothing is changed by them."""
    answers = {
        "C": await client.create(path, 3, {"m2m:cnt": {"nonsense": 1}}, originator),
        "R": await client.get(path, originator),
        "U": await client.update(path, {"m2m:cnt": {"nonsense": 1}}, originator),
        "D": await client.delete(f"{path}?lbl=nobody", originator),
        "N": await client.request("POST", path, originator, content={"m2m:sgn": {"sur": "x"}}),
        "X": await client.get(f"{path}?fu=1", originator),
    }
    return "".join(letter for letter, answer in answers.items() if answer.rsc != 4103)


@pytest.fixture
async def app(client: Client) -> Client:
    """AEs Capp, with a container cse-in/app/box, and Cother."""
    await client.register("app")
    await client.register("other")
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
    return client


async def test_without_a_policy_only_the_creator_and_the_administrator_have_access(app: Client) -> None:
    assert await attempts(app, "/cse-in/app/box", "Capp") == "CRUDNX"
    assert await attempts(app, "/cse-in/app/box", "/id-in/Capp") == "CRUDNX"
    assert await attempts(app, "/cse-in/app/box", "//cse.example/id-in/Capp") == "CRUDNX"
    assert await attempts(app, "/cse-in/app/box", "CAdmin") == "CRUDNX"
    assert await attempts(app, "/cse-in/app/box", "Cother") == ""
    assert await attempts(app, "/cse-in/app/box", "/other/Capp") == ""


async def test_the_refusal_names_originator_right_and_resource(app: Client) -> None:
    answer = await app.get("/cse-in/app/box", "Cother")
    assert (answer.status, answer.rsc) == (403, 4103)
    assert all(word in answer.debug for word in ("Cother", "RETRIEVE", "cse-in/app/box"))


async def test_what_is_missing_is_not_found_by_strangers_either(app: Client) -> None:
    assert (await app.get("/cse-in/app/nothing", "Cother")).rsc == 4004


@pytest.mark.parametrize("letter", RIGHTS)
async def test_each_right_permits_its_operation_only(app: Client, letter: str) -> None:
    granted = await policy(app, rules((["Cother"], RIGHTS[letter])))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [granted]}}, "Capp")
    assert await attempts(app, "/cse-in/app/box", "Cother") == letter
    assert await attempts(app, "/cse-in/app/box", "Capp") == ""


@pytest.mark.parametrize(
    ("entry", "permitted"),
    [
        ("all", True),
        ("Cother", True),
        ("/id-in/Cother", True),
        ("//cse.example/id-in/Cother", True),
        ("C*", True),
        ("/id-in/C*r", True),
        ("Cot", False),
        ("S*", False),
        ("/other/C*", False),
        ("/id-in/*/x", False),
        ("cother", False),
    ],
)
async def test_originators_are_named_in_many_ways(app: Client, entry: str, permitted: bool) -> None:
    granted = await policy(app, rules((["Cnobody", entry], 2)))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [granted]}}, "Capp")
    assert ((await app.get("/cse-in/app/box", "Cother")).rsc == 2000) is permitted


async def test_the_policies_of_a_resource_add_up(app: Client) -> None:
    first = await policy(app, rules((["Cother"], 2)))
    second = await policy(app, rules((["Cother"], 4), (["Cthird"], 32)))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [first, f"/id-in/{second}", "/id-mn/other"]}}, "Capp")
    assert await attempts(app, "/cse-in/app/box", "Cother") == "RU"
    assert await attempts(app, "/cse-in/app/box", "Cthird") == "X"


async def test_instances_have_the_rules_of_their_container(app: Client) -> None:
    granted = await policy(app, rules((["Cother"], 3)))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [granted]}}, "Capp")
    assert (await app.create("/cse-in/app/box", 4, {"m2m:cin": {"con": "1"}}, "Cother")).rsc == 2001
    assert (await app.get("/cse-in/app/box/la", "Cother")).rsc == 2000
    assert (await app.delete("/cse-in/app/box/la", "Cother")).rsc == 4103


async def test_an_object_detail_limits_what_may_be_created(app: Client) -> None:
    granted = await policy(app, rules((["Cother"], 3), acod=[{"ty": 3, "chty": [4]}]))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [granted]}}, "Capp")
    assert (await app.create("/cse-in/app/box", 4, {"m2m:cin": {"con": "1"}}, "Cother")).rsc == 2001
    assert (await app.create("/cse-in/app/box", 3, {"m2m:cnt": {}}, "Cother")).rsc == 4103


async def test_a_policy_is_governed_by_its_self_privileges(app: Client) -> None:
    identifier = await policy(app, rules((["Cother"], 63)), rules((["Cthird"], 2)))
    assert (await app.get(f"/{identifier}", "Cother")).rsc == 4103
    assert (await app.get(f"/{identifier}", "Capp")).rsc == 4103
    assert (await app.get(f"/{identifier}", "Cthird")).rsc == 2000
    assert (await app.delete(f"/{identifier}", "Cthird")).rsc == 4103


async def test_the_policies_of_a_resource_are_changed_with_the_self_privileges_of_the_present_ones(app: Client) -> None:
    mine = await policy(app, rules((["Capp", "Cother"], 63)))
    theirs = await policy(app, rules((["Cother"], 63)), rules((["Cother"], 63)))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [mine]}}, "Capp")
    change = {"m2m:cnt": {"acpi": [theirs]}}
    refused = await app.update("/cse-in/app/box", change, "Cother")
    assert refused.rsc == 4103
    assert "pvs" in refused.debug
    assert (await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": None, "lbl": ["a"]}}, "Capp")).rsc == 4000
    assert (await app.update("/cse-in/app/box", change, "Capp")).rsc == 2004
    assert (await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [mine]}}, "Capp")).rsc == 4103
    assert (await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": None}}, "Cother")).rsc == 2004
    assert await attempts(app, "/cse-in/app/box", "Capp") == "CRUDNX"


async def test_changing_a_policy_takes_effect_at_once(app: Client) -> None:
    granted = await policy(app, rules((["Cother"], 2)))
    await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [granted]}}, "Capp")
    await app.update(f"/{granted}", {"m2m:acp": {"pv": rules((["Cother"], 32))}}, "Capp")
    assert await attempts(app, "/cse-in/app/box", "Cother") == "X"
    await app.delete(f"/{granted}", "Capp")
    assert await attempts(app, "/cse-in/app/box", "Cother") == ""


async def test_registered_applications_may_read_the_csebase(app: Client) -> None:
    assert (await app.get("/cse-in", "Capp")).rsc == 2000
    assert (await app.get("/cse-in", "Cstranger")).rsc == 4103
    assert (await app.get("/cse-in?fu=1", "Capp")).rsc == 4103
    assert (await app.create("/cse-in", 3, {"m2m:cnt": {}}, "Capp")).rsc == 4103


async def test_a_subscription_needs_the_right_to_read_what_it_watches(app: Client) -> None:
    for rights, rsc in ((1, 4103), (3, 2001)):
        granted = await policy(app, rules((["Cother"], rights)))
        await app.update("/cse-in/app/box", {"m2m:cnt": {"acpi": [granted]}})
        subscription = {"m2m:sub": {"nu": ["Cother"]}}
        assert (await app.create("/cse-in/app/box", 23, subscription, "Cother")).rsc == rsc


async def register(client: Client, originator: str | None, **attributes: Any) -> tuple[int, str]:
    content = {"api": "N.x", "rr": True, "srv": ["3"], **attributes}
    answer = await client.create("/cse-in", 2, {"m2m:ae": content}, originator)
    return answer.rsc, answer.content["m2m:ae"]["aei"] if answer.rsc == 2001 else ""


@pytest.mark.parametrize(("originator", "first"), [(None, "C"), ("", "C"), ("C", "C"), ("S", "S")])
async def test_the_server_invents_an_identifier_for_who_has_none(
    client: Client, originator: str | None, first: str
) -> None:
    rsc, identifier = await register(client, originator)
    assert rsc == 2001
    assert identifier.startswith(first)
    assert len(identifier) > 5
    resource = (await client.get(f"/{identifier}", identifier)).resource
    assert resource["ri"] == resource["aei"] == identifier


@pytest.mark.parametrize("stem", ["Cmeter-7", "Smeter_7.x", "/id-in/Cmeter7", "//cse.example/id-in/Cmeter7"])
async def test_an_application_keeps_the_identifier_that_it_states(client: Client, stem: str) -> None:
    assert await register(client, stem) == (2001, stem.rpartition("/")[2])


@pytest.mark.parametrize("stem", ["meter", "C meter", "C/meter", "Cé", "/other/Cmeter", "C" * 200, "-"])
async def test_not_everything_is_an_identifier(client: Client, stem: str) -> None:
    assert (await register(client, stem))[0] == 4000


async def test_nobody_registers_as_the_server_itself(client: Client) -> None:
    assert (await register(client, "/id-in"))[0] == 4107


async def test_nobody_registers_twice(client: Client) -> None:
    assert await register(client, "Capp", rn="app") == (2001, "Capp")
    assert (await register(client, "Capp", rn="app"))[0] == 4105
    assert (await register(client, "Capp", rn="again"))[0] == 4117
    assert (await register(client, "Cother", rn="app"))[0] == 4105
    assert await register(client, "Cother", rn="other") == (2001, "Cother")
    await client.delete("/cse-in/app", "Capp")
    assert await register(client, "Capp", rn="again") == (2001, "Capp")


async def test_a_refused_registration_leaves_nobody_registered(client: Client) -> None:
    assert (await register(client, "Capp", rn="app", api="x"))[0] == 4000
    assert (await client.get("/cse-in", "Capp")).rsc == 4103
    assert (await client.get("/Capp")).rsc == 4004


async def test_applications_register_below_the_csebase_only(app: Client) -> None:
    content = {"m2m:ae": {"api": "N.x", "rr": True, "srv": ["3"]}}
    assert (await app.create("/cse-in/app", 2, content, "Cnew")).rsc == 4108
