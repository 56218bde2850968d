"""Who is who: with credentials, nobody speaks for another, whatever kind of request it is."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cse.config import ConfigurationError
from cse.security.credentials import Credentials
from cse.security.hashes import PasswordHash, hash_token
from cse.testing.fleet import Fleet, RegistrationFailed
from cse.testing.meters import build_devices
from tests.servers import ADMIN, Listener, Running, eventually, serving

ADMIN_TOKEN, APP_TOKEN, ANY_TOKEN = "admin-secret-1", "app-secret-2", "any-secret-3"
PASSWORD = "meter-secret-4"
CREDENTIALS = f"""
[[credential]]
token = "{hash_token(ADMIN_TOKEN)}"
originators = ["{ADMIN}", "C*"]

[[credential]]
token = "{hash_token(APP_TOKEN)}"
originators = ["Capp"]

[[credential]]
token = "{hash_token(ANY_TOKEN)}"
originators = ["C*", "*"]

[[credential]]
user = "meter"
password = "{PasswordHash.of(PASSWORD)}"
originators = ["Cmeter"]
originator = "Cmeter"
position = [48.14, 11.58]
"""
BOX = {"m2m:cnt": {"rn": "box"}}
AE = {"m2m:ae": {"api": "N.test", "rr": True, "srv": ["3"]}}


def bearer(token: str) -> str:
    return f"Bearer {token}"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


APP, ADMINISTRATOR, ANY, METER = bearer(APP_TOKEN), bearer(ADMIN_TOKEN), bearer(ANY_TOKEN), basic("meter", PASSWORD)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials.toml"
    path.touch(0o600)
    path.write_text(CREDENTIALS)
    return path


@pytest.fixture
async def cse(clean_log: None, file: Path) -> AsyncIterator[Running]:
    """A server with credentials; Capp is registered, and everybody may read and change its container box."""
    async with serving(credentials=str(file)) as running:
        client = running.client
        content = {"rn": "app", "poa": ["loopback://app"], **AE["m2m:ae"]}
        assert (await client.create("/cse-in", 2, {"m2m:ae": content}, "Capp", Authorization=APP)).rsc == 2001
        rules = {"acr": [{"acor": ["all"], "acop": 63}]}
        policy = {"m2m:acp": {"rn": "open", "pv": rules, "pvs": rules}}
        assert (await client.create("/cse-in/app", 1, policy, "Capp", Authorization=APP)).rsc == 2001
        box = {"m2m:cnt": {"rn": "box", "acpi": ["cse-in/app/open"]}}
        assert (await client.create("/cse-in/app", 3, box, "Capp", Authorization=APP)).rsc == 2001
        yield running


async def test_simulated_meters_show_their_token(cse: Running) -> None:
    def fleet(token: str) -> Fleet:
        devices = build_devices("Cfleet", 3)
        return Fleet(cse.client.url, devices, lambda device: [f"loopback://{device.id}"], token=token)

    await fleet(ANY_TOKEN).register()
    assert (await cse.client.get("/Cfleet0003", "Cfleet0003", Authorization=ANY)).rsc == 2000
    with pytest.raises(RegistrationFailed):
        await fleet("wrong").register()


async def test_a_rule_for_a_region_asks_the_credential(cse: Running) -> None:
    for name, radius, expected in (("near", 5_000, 2000), ("nearer", 500, 4103)):
        region = {"aclr": {"accr": [48.15, 11.58, radius]}}
        rules = {"acr": [{"acor": ["all"], "acop": 63, "acco": [region]}]}
        policy = {"m2m:acp": {"rn": f"policy-{name}", "pv": rules, "pvs": rules}}
        await cse.client.create("/cse-in/app", 1, policy, "Capp", Authorization=APP)
        content = {"m2m:cnt": {"rn": name, "acpi": [f"cse-in/app/policy-{name}"]}}
        await cse.client.create("/cse-in/app", 3, content, "Capp", Authorization=APP)
        assert (await cse.client.get(f"/cse-in/app/{name}", "Cmeter", Authorization=METER)).rsc == expected
        assert (await cse.client.get(f"/cse-in/app/{name}", "Capp", Authorization=APP)).rsc == 4103


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        bearer("wrong"),
        bearer(hash_token(APP_TOKEN)),
        basic("meter", "wrong"),
        basic("nobody", PASSWORD),
        f"Basic meter:{PASSWORD}",
        f"Negotiate {APP_TOKEN}",
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/cse-in/app/box", None),
        ("POST", "/cse-in/app/box", {"m2m:cin": {"con": "1"}}),
        ("GET", "/.cse/health", None),
    ],
)
async def test_nobody_gets_in_without_a_credential(
    cse: Running, method: str, path: str, content: Any, authorization: str | None
) -> None:
    before = await cse.snapshot()
    answer = await cse.client.request(method, path, ADMIN, content=content, ty=4, Authorization=authorization)
    assert (answer.status, answer.rsc) == (401, 4107)
    challenges = answer.headers.getall("WWW-Authenticate")
    assert [challenge.split()[0] for challenge in challenges] == ["Bearer", "Basic"]
    assert answer.headers["X-M2M-RI"].startswith("r")
    assert answer.headers["X-M2M-RVI"] == "3"
    assert "credential" in answer.debug
    assert await cse.snapshot() == before


async def test_what_is_sent_without_a_credential_is_not_even_read(cse: Running) -> None:
    answer = await cse.client.request("PATCH", "/nonsense?x", "a b", content=b"{", X_M2M_RI=None)
    assert (answer.status, answer.rsc) == (401, 4107)


async def test_each_kind_of_credential_lets_in_whom_it_covers(cse: Running) -> None:
    for originator, authorization in [("Capp", APP), (ADMIN, ADMINISTRATOR), ("Cmeter", METER), ("/id-in/Capp", APP)]:
        answer = await cse.client.get("/cse-in/app/box", originator, Authorization=authorization)
        assert (answer.status, answer.rsc) == (200, 2000)


@pytest.mark.parametrize(
    ("originator", "authorization"),
    [
        ("Capp", METER),
        ("Cmeter", APP),
        (ADMIN, APP),
        (ADMIN, ANY),
        (f"/id-in/{ADMIN}", ANY),
        (f"//cse.example/id-in/{ADMIN}", ANY),
        ("/id-in", ANY),
        ("/id-in", ADMINISTRATOR),
        ("C", APP),
        ("meter:wrong", APP),
    ],
)
async def test_nobody_speaks_for_another(cse: Running, originator: str, authorization: str) -> None:
    headers = {"originator": originator, "Authorization": authorization}
    await cse.refuses("GET", "/cse-in/app/box", 4106, **headers)
    await cse.refuses("POST", "/cse-in/app/box", 4106, content={"m2m:cin": {"con": "1"}}, ty=4, **headers)
    await cse.refuses("POST", "/cse-in/app/box?rt=1", 4106, content={"m2m:cin": {"con": "1"}}, ty=4, **headers)
    await cse.refuses("PUT", "/cse-in/app/box", 4106, content={"m2m:cnt": {"lbl": ["x"]}}, **headers)
    await cse.refuses("DELETE", "/cse-in/app/box", 4106, **headers)
    await cse.refuses("POST", "/cse-in/app", 4106, content={"m2m:sgn": {}}, **headers)


async def test_a_request_says_who_has_asked(cse: Running) -> None:
    created = await cse.client.create("/cse-in/app/box", 3, {"m2m:cnt": {"cr": None}}, "Cmeter", Authorization=METER)
    assert created.resource["cr"] == "Cmeter"


async def test_a_rule_for_proved_originators_holds_for_them(cse: Running) -> None:
    client, proved = cse.client, {"acr": [{"acor": ["all"], "acop": 2, "acaf": True}]}
    anything = {"acr": [{"acor": ["Capp"], "acop": 63}]}
    policy = {"m2m:acp": {"rn": "proved", "pv": proved, "pvs": anything}}
    await client.create("/cse-in/app", 1, policy, "Capp", Authorization=APP)
    await client.create(
        "/cse-in/app", 3, {"m2m:cnt": {"rn": "own", "acpi": ["cse-in/app/proved"]}}, "Capp", Authorization=APP
    )
    assert (await client.get("/cse-in/app/own", "Cmeter", Authorization=METER)).rsc == 2000


async def test_an_originator_is_still_missing_where_it_must_not_be(cse: Running) -> None:
    await cse.refuses("GET", "/cse-in/app/box", 4000, originator=None, Authorization=APP)


@pytest.mark.parametrize("stated", [None, "", "C", "Cmeter"])
async def test_a_registration_gets_the_identifier_of_the_credential(cse: Running, stated: str | None) -> None:
    answer = await cse.client.create("/cse-in", 2, AE, stated, Authorization=METER)
    assert (answer.rsc, answer.resource["aei"]) == (2001, "Cmeter")
    second = {"m2m:ae": {"rn": "second", **AE["m2m:ae"]}}
    again = await cse.client.create("/cse-in", 2, second, stated, Authorization=METER)
    assert again.rsc == 4117


async def test_a_registration_gets_any_identifier_where_any_is_covered(cse: Running) -> None:
    found = [(await cse.client.create("/cse-in", 2, AE, "C", Authorization=ANY)).resource["aei"] for _ in range(2)]
    assert len({"C", "Capp", ADMIN, *found}) == 5
    assert all(identifier.startswith("C") for identifier in found)


@pytest.mark.parametrize("stated", ["Cother", "S", "Sother", ADMIN])
async def test_a_registration_under_the_name_of_another_is_refused(cse: Running, stated: str) -> None:
    await cse.refuses("POST", "/cse-in", 4106, originator=stated, ty=2, content=AE, Authorization=METER)


async def test_nobody_but_the_administrator_registers_as_the_administrator(cse: Running) -> None:
    await cse.refuses("POST", "/cse-in", 4106, originator=ADMIN, ty=2, content=AE, Authorization=ANY)


async def test_a_password_in_the_originator_is_whom_the_operator_names(cse: Running) -> None:
    content = {"m2m:cnt": {"cr": None}}
    created = await cse.client.create("/cse-in/app/box", 3, content, f"meter:{PASSWORD}")
    assert (created.rsc, created.resource["cr"]) == (2001, "Cmeter")
    assert (await cse.client.get("/cse-in/app/box", "meter:wrong")).status == 401


async def test_the_operators_interface_wants_the_administrators_credential(cse: Running) -> None:
    assert (await cse.client.get("/.cse/health", ADMIN, Authorization=ADMINISTRATOR)).status == 200
    for authorization in (APP, ANY, METER):
        answer = await cse.client.get("/.cse/health", ADMIN, Authorization=authorization)
        assert (answer.status, answer.rsc) == (403, 4106)
    assert (await cse.client.get("/.cse/health", "Cother", Authorization=ADMINISTRATOR)).rsc == 4103


async def test_an_answer_counts_for_the_device_that_has_proved_who_it_is(cse: Running) -> None:
    """A device that only acknowledged a request answers it later by a notification to the CSEBase."""
    client = cse.client
    async with Listener() as device:
        device.status_code = 1002
        meter = {"m2m:ae": {"rn": "meter", "poa": [device.url], **AE["m2m:ae"]}}
        await client.create("/cse-in", 2, meter, "Cmeter", Authorization=METER)
        group = {"m2m:grp": {"rn": "all", "mnm": 2, "mid": ["Cmeter"]}}
        await client.create("/cse-in", 9, group, ADMIN, Authorization=ADMINISTRATOR)
        request = {"m2m:sgn": {"nev": {"rep": {"m2m:cin": {"con": "1"}}}}}
        accepted = await client.request("POST", "/cse-in/all/fopt?rt=1", content=request, Authorization=ADMINISTRATOR)
        identifier = (await device.wait())[0].headers["X-M2M-RI"]
        answer = {"m2m:rsp": {"rsc": 2000, "rqi": identifier, "pc": {"m2m:cin": {"con": "true"}}}}
        for originator, authorization, rsc in [("Cmeter", APP, 4106), ("Capp", APP, 2000), ("Cmeter", METER, 2000)]:
            sent = await client.request("POST", "/cse-in", originator, content=answer, Authorization=authorization)
            assert sent.rsc == rsc
    path = f"/{accepted.content['m2m:uri']}"
    result = await eventually(
        lambda: client.get(path, Authorization=ADMINISTRATOR), lambda one: one.resource["rs"] == 1
    )
    (item,) = result.resource["ors"]["pc"]["m2m:agr"]["m2m:rsp"]
    assert (item["fr"], item["rsc"]) == ("Cmeter", 2000)


async def test_a_file_that_has_changed_holds_once_it_is_read_again(cse: Running, file: Path) -> None:
    entry = f'[[credential]]\ntoken = "{hash_token("newer")}"\noriginators = ["Cnewer"]\n'
    newer = {"originator": "Cnewer", "Authorization": bearer("newer")}
    await asyncio.to_thread(file.write_text, entry)
    assert (await cse.client.get("/cse-in/app/box", **newer)).status == 401
    cse.server.load_credentials()
    assert (await cse.client.get("/cse-in/app/box", **newer)).status == 200
    assert (await cse.client.get("/cse-in/app/box", "Capp", Authorization=APP)).status == 401


async def test_a_file_that_has_become_wrong_changes_nothing(cse: Running, file: Path) -> None:
    await asyncio.to_thread(file.write_text, "nonsense")
    with pytest.raises(ConfigurationError, match=file.name):
        cse.server.load_credentials()
    assert (await cse.client.get("/cse-in/app/box", "Capp", Authorization=APP)).status == 200


async def test_no_secret_is_logged_or_sent_back(cse: Running, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    secrets = (APP_TOKEN, PASSWORD, "wrong-secret-5")
    encoded = [basic("meter", secret).split()[1] for secret in secrets]
    attempts: list[tuple[str | None, str | None]] = [
        *((originator, APP) for originator in ("Capp", "Cother", "C", None, f"meter:{PASSWORD}")),
        *(("Cmeter", basic("meter", secret)) for secret in secrets),
        *(("Capp", bearer(secret)) for secret in secrets),
        *((f"meter:{secret}", None) for secret in secrets),
        *((secret, APP) for secret in secrets),
    ]
    with caplog.at_level(logging.DEBUG):
        for originator, authorization in attempts:
            for path in ("/cse-in/app/box", "/cse-in/nothing", "/.cse/health"):
                answer = await cse.client.get(path, originator, Authorization=authorization)
                shown = f"{answer.content} {dict(answer.headers)}"
                assert not [secret for secret in (*secrets, *encoded) if secret in shown]
    assert "without a valid credential" in caplog.text
    assert not [secret for secret in (*secrets, *encoded) if secret in caplog.text]


def test_the_file_names_no_secret_either(file: Path) -> None:
    assert Credentials.load(file)
    assert not [secret for secret in (ADMIN_TOKEN, APP_TOKEN, ANY_TOKEN, PASSWORD) if secret in file.read_text()]


async def test_web_pages_of_other_origins_are_let_in_by_setting_only(cse: Running) -> None:
    answer = await cse.client.get("/cse-in/app/box", "Capp", Authorization=APP, Origin="http://page.example")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_web_page_of_a_named_origin_asks_first_and_sees_the_headers(file: Path) -> None:
    page = "http://page.example"
    async with serving(credentials=str(file), cors_origins=[page]) as cse, aiohttp.ClientSession() as browser:
        url = f"{cse.client.url}/cse-in"
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,x-m2m-ri"}
        async with browser.options(url, headers={"Origin": page, **asked}) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == page
            assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
            assert "X-M2M-Origin" in answer.headers["Access-Control-Allow-Headers"]
            assert "X-M2M-RSC" not in answer.headers
        async with browser.options(url, headers={"Origin": "http://other.example", **asked}) as answer:
            assert answer.status == 400
            assert "Access-Control-Allow-Origin" not in answer.headers
        got = await cse.client.get("/cse-in", ADMIN, Authorization=ADMINISTRATOR, Origin=page)
        refused = await cse.client.get("/cse-in", ADMIN, Origin=page)
    for result, status in [(got, 200), (refused, 401)]:
        assert result.status == status
        assert result.headers["Access-Control-Allow-Origin"] == page
        exposed = result.headers["Access-Control-Expose-Headers"]
        assert {"X-M2M-RSC", "X-M2M-RI", "X-M2M-CTO", "Content-Location"} <= set(exposed.split(", "))
