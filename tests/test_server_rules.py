"""Rules with conditions, over the wire: when, from where, who for sure, which attributes; policies that come and go."""

from typing import Any

import pytest

from cse.testing.clock import ManualClock
from tests.servers import Client, Listener, Running

ALL, RETRIEVE, UPDATE = 63, 2, 4
OWN = {"acr": [{"acor": ["Capp"], "acop": ALL}]}


async def prepare(client: Client, **conditions: Any) -> Client:
    """AE Capp with a container `box` that Cother may use under these conditions, and AE Cother."""
    await client.register("app")
    await client.register("other")
    pv = {"acr": [{"acor": ["Cother"], "acop": ALL, **conditions}]}
    assert (
        await client.create("/cse-in/app", 1, {"m2m:acp": {"rn": "rules", "pv": pv, "pvs": OWN}}, "Capp")
    ).rsc == 2001
    content = {"m2m:cnt": {"rn": "box", "lbl": ["red"], "acpi": ["cse-in/app/rules"]}}
    assert (await client.create("/cse-in/app", 3, content, "Capp")).rsc == 2001
    return client


@pytest.mark.parametrize(
    ("addresses", "rsc"),
    [
        ({"ipv4": ["127.0.0.1"]}, 2000),
        ({"ipv4": ["192.0.2.0/24", "127.0.0.0/8"]}, 2000),
        ({"ipv4": ["192.0.2.0/24"]}, 4103),
        ({"ipv6": ["::/0"]}, 4103),
    ],
)
async def test_the_address_of_the_client_counts(client: Client, addresses: dict[str, Any], rsc: int) -> None:
    await prepare(client, acco=[{"acip": addresses}])
    assert (await client.get("/cse-in/app/box", "Cother")).rsc == rsc
    assert (await client.get("/cse-in/app/box", "Cother", X_Forwarded_For="192.0.2.1")).rsc == rsc


async def test_a_window_opens_and_closes(stopped_clock_cse: Running, clock: ManualClock) -> None:
    client = await prepare(stopped_clock_cse.client, acco=[{"actw": ["0-29 * * * * * *"]}])
    await clock.advance(60 - clock.now() % 60)
    for expected in (2000, 4103, 2000):
        assert (await client.get("/cse-in/app/box", "Cother")).rsc == expected
        await clock.advance(30)


async def test_who_has_proved_nothing_is_not_authenticated(client: Client) -> None:
    await prepare(client, acaf=True)
    assert (await client.get("/cse-in/app/box", "Cother")).rsc == 4103


async def test_a_role_is_claimed_by_the_request(client: Client) -> None:
    await prepare(client, acor=["reader@cse.example"])
    assert (await client.get("/cse-in/app/box", "Cother")).rsc == 4103
    assert (await client.get("/cse-in/app/box?rids=reader@cse.example", "Cother")).rsc == 2000


async def test_a_rule_may_be_about_some_attributes(client: Client) -> None:
    await prepare(client, aca=["lbl", "rn", "mni"])
    assert (await client.get("/cse-in/app/box", "Cother")).rsc == 4103
    assert (await client.get("/cse-in/app/box?atrl=lbl", "Cother")).resource == {"lbl": ["red"]}
    assert (await client.get("/cse-in/app/box?atrl=lbl+cni", "Cother")).rsc == 4103
    assert (await client.update("/cse-in/app/box", {"m2m:cnt": {"mbs": 9}}, "Cother")).rsc == 4103
    assert (await client.update("/cse-in/app/box", {"m2m:cnt": {"mni": 9}}, "Cother")).resource == {
        "rn": "box",
        "lbl": ["red"],
        "mni": 9,
    }
    created = await client.create("/cse-in/app/box", 3, {"m2m:cnt": {"rn": "inner", "lbl": ["a"]}}, "Cother")
    assert created.resource == {"rn": "inner", "lbl": ["a"]}
    assert (await client.create("/cse-in/app/box", 3, {"m2m:cnt": {"mbs": 9}}, "Cother")).rsc == 4103
    assert (await client.delete("/cse-in/app/box", "Cother")).rsc == 4103


async def test_everybody_makes_policies_below_the_csebase_and_nothing_else(client: Client) -> None:
    mine = {"m2m:acp": {"rn": "mine", "pv": {}, "pvs": {"acr": [{"acor": ["Cstranger"], "acop": ALL}]}}}
    assert (await client.create("/cse-in", 1, mine, "Cstranger")).rsc == 2001
    assert (await client.create("/cse-in", 3, {"m2m:cnt": {}}, "Cstranger")).rsc == 4103
    assert (await client.get("/cse-in", "Cstranger")).rsc == 4103
    assert (await client.delete("/cse-in/basePolicy", "Cstranger")).rsc == 4103
    await client.update("/cse-in/basePolicy", {"m2m:acp": {"pv": {}}})
    assert (await client.create("/cse-in", 1, mine | {"rn": "other"}, "Cstranger")).rsc == 4103
    assert (await client.delete("/cse-in/mine", "Cstranger")).rsc == 2002


async def test_an_application_is_subject_to_its_own_policy_when_it_subscribes_to_itself(client: Client) -> None:
    await prepare(client)
    await client.update("/cse-in/app", {"m2m:ae": {"acpi": ["cse-in/app/rules"]}}, "Capp")
    subscription = {"m2m:sub": {"nu": ["Capp"]}}
    assert (await client.create("/cse-in/app", 23, subscription, "Capp")).rsc == 4103
    granted = {"pv": {"acr": [{"acor": ["Capp"], "acop": ALL - RETRIEVE}]}}
    await client.update("/cse-in/app/rules", {"m2m:acp": granted}, "Capp")
    assert (await client.create("/cse-in/app", 23, subscription, "Capp")).rsc == 4103
    granted = {"pv": {"acr": [{"acor": ["Capp"], "acop": ALL}]}}
    await client.update("/cse-in/app/rules", {"m2m:acp": granted}, "Capp")
    assert (await client.create("/cse-in/app", 23, subscription, "Capp")).rsc == 2001


async def test_a_custodian_takes_the_place_of_the_creator(client: Client) -> None:
    await client.register("app")
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box", "cstn": "Ckeeper"}}, "Capp")
    assert (await client.get("/cse-in/app/box", "Capp")).rsc == 4103
    assert (await client.update("/cse-in/app/box", {"m2m:cnt": {"cstn": None}}, "Ckeeper")).rsc == 2004
    assert (await client.get("/cse-in/app/box", "Capp")).rsc == 2000
    assert (await client.get("/cse-in/app/box", "Ckeeper")).rsc == 4103


async def test_a_policy_that_goes_is_named_no_more(client: Client) -> None:
    await prepare(client)
    assert (await client.delete("/cse-in/app/rules", "Capp")).rsc == 2002
    assert (await client.get("/cse-in/app/box", "Cother")).rsc == 4103
    assert "acpi" not in (await client.get("/cse-in/app/box", "Capp")).resource


async def test_members_of_a_fan_out_are_checked_one_by_one(client: Client) -> None:
    await prepare(client, acop=UPDATE)
    await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "open", "cstn": "Cother"}}, "Capp")
    group = {
        "m2m:grp": {"rn": "group", "mnm": 9, "mid": ["cse-in/app/box", "cse-in/app/open"], "macp": ["cse-in/anybody"]}
    }
    rule = {"acr": [{"acor": ["all"], "acop": ALL}]}
    await client.create("/cse-in", 1, {"m2m:acp": {"rn": "anybody", "pv": rule, "pvs": rule}})
    assert (await client.create("/cse-in/app", 9, group, "Capp")).rsc == 2001
    answer = await client.get("/cse-in/app/group/fopt", "Cother")
    assert [item["rsc"] for item in answer.content["m2m:agr"]["m2m:rsp"]] == [4103, 2000]


async def test_a_cse_registers_and_is_notified_at_its_own_address(client: Client, listener: Listener) -> None:
    remote = {"m2m:csr": {"rn": "mn", "cb": "/id-mn/cse-mn", "rr": True, "srv": ["3"], "poa": [listener.url]}}
    assert (await client.create("/cse-in", 16, remote, "Capp")).rsc == 4005
    assert (await client.create("/cse-in", 16, remote, "/id-mn")).rsc == 2001
    assert (await client.create("/cse-in", 16, {"m2m:csr": remote["m2m:csr"] | {"rn": "b"}}, "/id-mn")).rsc == 4117
    assert (await client.create("/cse-in/mn", 3, {"m2m:cnt": {"rn": "box"}}, "/id-mn")).rsc == 2001
    subscription = {"m2m:sub": {"nu": ["/id-mn"], "enc": {"net": [3]}}}
    assert (await client.create("/cse-in/mn/box", 23, subscription, "/id-mn")).rsc == 2001
    await client.create("/cse-in/mn/box", 4, {"m2m:cin": {"con": "1"}}, "/id-mn")
    (notification,) = await listener.wait()
    assert notification.content["m2m:sgn"]["nev"]["net"] == 3
    assert notification.path == "/inbox/~/id-mn"
    assert (await client.get("/~/id-mn/cse-mn/box")).rsc == 2000
    assert (await listener.wait(2))[1].path == "/inbox/~/id-mn/cse-mn/box"
