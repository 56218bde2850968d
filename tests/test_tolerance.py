"""What real clients put on the wire: each row, for an old client and for a new one."""

import asyncio
from typing import Any, NamedTuple

import pytest

from tests.servers import Answer, Client, Running, serving

AE = {"m2m:ae": {"rn": "old", "api": "N.x", "rr": True, "srv": ["3"]}}


class Row(NamedTuple):
    """A creation: where, of which type, with which attributes; what comes of them, and the code for Release 3."""

    path: str
    ty: int
    root: str
    sent: dict[str, Any]
    stored: dict[str, Any]
    strict: int = 4000


CNT = ("/cse-in/app", 3, "m2m:cnt")
CIN = ("/cse-in/app/box", 4, "m2m:cin")
SUB = ("/cse-in/app/box", 23, "m2m:sub")
FORMS = [
    Row(*CNT, {"lbl": "meters"}, {"lbl": ["meters"]}),
    Row(*CNT, {"lbl": []}, {"lbl": None}),
    Row(*CNT, {"mni": None}, {"mni": None}),
    Row(*CNT, {"acpi": [], "lbl": None}, {"acpi": None, "lbl": None}),
    Row(*CNT, {"mni": "10", "disr": "false"}, {"mni": 10, "disr": False}),
    Row(*CIN, {"con": "1", "cnf": "text/plain"}, {"cnf": "text/plain:0"}),
    Row(*CIN, {"con": 21.5}, {"con": "21.5"}, strict=2001),
    Row(*CIN, {"con": 7}, {"con": "7"}, strict=2001),
    Row(*CIN, {"con": True}, {"con": "true"}, strict=2001),
    Row(*SUB, {"nu": "Capp", "enc": {"net": 3}}, {"nu": ["Capp"], "enc": {"net": [3]}}),
    Row(*SUB, {"nu": ["Capp"], "nct": 2, "enc": {"net": [1, 2, 3, 4]}}, {"nct": 2}),
]
REGISTRATIONS = [
    Row("/cse-in", 2, "m2m:ae", {"api": "N.x", "rr": True}, {"srv": None}),
    Row("/cse-in", 2, "m2m:ae", {"api": "example", "rr": True, "srv": ["3"]}, {"api": "example"}),
    Row("/cse-in", 2, "m2m:ae", {"api": "", "rr": True, "srv": ["3"]}, {"api": ""}),
    Row("/cse-in", 2, "m2m:ae", {"api": "N.x", "rr": "true", "srv": ["3"]}, {"rr": True}),
    Row("/cse-in", 2, "m2m:ae", {"api": "N.x", "rr": "false", "srv": "3"}, {"rr": False, "srv": ["3"]}),
    Row(
        "/cse-in",
        2,
        "m2m:ae",
        {"api": "N.x", "rr": True, "srv": ["3"], "poa": "http://127.0.0.1/"},
        {"poa": ["http://127.0.0.1/"]},
    ),
    Row(
        "/cse-in",
        2,
        "m2m:ae",
        {"api": "N.x", "rr": True, "srv": ["3"], "poa": [], "lbl": "a"},
        {"poa": None, "lbl": ["a"]},
    ),
]


async def create(client: Client, row: Row, **headers: Any) -> Answer:
    originator = "Cold" if row.ty == 2 else "Capp"
    return await client.create(row.path, row.ty, {row.root: row.sent}, originator, **headers)


@pytest.mark.parametrize("row", FORMS + REGISTRATIONS)
async def test_the_form_of_what_old_clients_send_is_put_right(home: Running, row: Row) -> None:
    answer = await create(home.client, row, X_M2M_RVI=None)
    assert answer.rsc == 2001, answer
    assert {name: answer.resource.get(name) for name in row.stored} == row.stored


@pytest.mark.parametrize("row", FORMS + REGISTRATIONS)
async def test_from_release_3_on_the_form_matters(home: Running, row: Row) -> None:
    answer = await create(home.client, row)
    assert answer.rsc == row.strict, answer
    if answer.rsc == 2001:
        assert {name: answer.resource[name] for name in row.sent} == row.sent
    else:
        assert any(name in answer.debug for name in (*row.sent, "srv"))


@pytest.mark.parametrize("row", [FORMS[0], FORMS[1], REGISTRATIONS[0]])
async def test_the_operator_may_want_leniency_for_all_or_for_none(row: Row) -> None:
    for leniency, accepted in (("always", True), ("never", False)):
        async with serving(leniency=leniency) as cse:
            await cse.client.register("app")
            for release in ("4", None):
                headers = {"X_M2M_RVI": release, "X_M2M_Origin": "Cnew" if row.ty == 2 else "Capp"}
                answer = await cse.client.create(
                    "/cse-in/app" if row.ty != 2 else "/cse-in", row.ty, {row.root: row.sent}, **headers
                )
                await cse.client.delete("/Cnew")
                assert (answer.rsc == 2001) is accepted


async def test_an_update_is_put_right_as_well(home: Running) -> None:
    answer = await home.client.update("/cse-in/app", {"m2m:ae": {"lbl": "a", "rr": "false"}}, "Capp", X_M2M_RVI=None)
    assert (answer.rsc, answer.resource["lbl"], answer.resource["rr"]) == (2004, ["a"], False)
    await home.refuses("PUT", "/cse-in/app", 4000, originator="Capp", content={"m2m:ae": {"lbl": "a"}})


async def test_null_and_an_empty_list_still_mean_something_in_an_update(home: Running) -> None:
    await home.client.update("/cse-in/app/box", {"m2m:cnt": {"lbl": ["a"]}}, "Capp")
    answer = await home.client.update("/cse-in/app/box", {"m2m:cnt": {"lbl": None}}, "Capp", X_M2M_RVI=None)
    assert (answer.rsc, "lbl" in answer.resource) == (2004, False)


@pytest.mark.parametrize("release", [None, "2a", "3", "4", "5"])
async def test_every_release_is_answered_and_echoed(client: Client, release: str | None) -> None:
    answer = await client.get("/cse-in", X_M2M_RVI=release)
    assert (answer.rsc, answer.headers.get("X-M2M-RVI")) == (2000, release)


async def test_a_request_without_an_identifier_gets_one(home: Running) -> None:
    answer = await home.client.get("/cse-in", X_M2M_RVI=None, X_M2M_RI=None)
    assert answer.rsc == 2000
    assert answer.headers["X-M2M-RI"]
    await home.refuses("GET", "/cse-in", 4000, X_M2M_RI=None)


async def test_a_type_in_the_content_type_of_an_update_is_overlooked(home: Running) -> None:
    headers = {"Content_Type": "application/json;ty=3"}
    content = {"m2m:cnt": {"lbl": ["a"]}}
    await home.refuses("PUT", "/cse-in/app/box", 4000, originator="Capp", content=content, **headers)
    await home.refuses("GET", "/cse-in/app/box", 4000, originator="Capp", **headers)
    assert (await home.client.update("/cse-in/app/box", content, "Capp", X_M2M_RVI=None, **headers)).rsc == 2004


@pytest.mark.parametrize("release", [None, "3"])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json;ty=3",
        "application/json ; ty=3",
        "application/json;charset=utf-8;ty=3",
        "Application/JSON; TY = 3; charset=UTF-8",
        "application/vnd.onem2m-res+json;ty=3",
        "application/vnd.onem2m-ntfy+json; ty=3",
        "ty=3;application/json",
    ],
)
async def test_a_content_type_may_be_written_in_many_ways(
    home: Running, content_type: str, release: str | None
) -> None:
    headers = {"Content_Type": content_type, "X_M2M_RVI": release}
    assert (await home.client.create("/cse-in/app", 3, {"m2m:cnt": {}}, "Capp", **headers)).rsc == 2001


@pytest.mark.parametrize("release", [None, "3"])
async def test_names_of_headers_may_be_in_any_case(home: Running, release: str | None) -> None:
    headers = {"x_M2m_rI": "mine", "X_M2M_RI": None, "x_m2m_origin": "Capp", "X_M2M_Origin": None, "X_M2M_RVI": release}
    answer = await home.client.get("/cse-in/app", **headers)
    assert (answer.rsc, answer.headers["X-M2M-RI"]) == (2000, "mine")


@pytest.mark.parametrize("release", [None, "3"])
@pytest.mark.parametrize("content_type", ["application/json", "None", "text/plain", ""])
async def test_without_a_body_the_content_type_says_nothing(
    home: Running, content_type: str, release: str | None
) -> None:
    headers = {"Content_Type": content_type, "X_M2M_RVI": release}
    assert (await home.client.get("/cse-in/app", "Capp", **headers)).rsc == 2000
    assert (await home.client.delete("/cse-in/app/box", "Capp", **headers)).rsc == 2002


@pytest.mark.parametrize("release", [None, "3"])
@pytest.mark.parametrize("accept", [None, "*/*", "application/*", "text/html, */*;q=0.1"])
async def test_whoever_accepts_anything_gets_json(client: Client, accept: str | None, release: str | None) -> None:
    answer = await client.get("/cse-in", Accept=accept, X_M2M_RVI=release)
    assert (answer.rsc, answer.headers["Content-Type"]) == (2000, "application/json")


@pytest.mark.parametrize("release", [None, "3"])
async def test_a_serialisation_that_is_not_there_is_refused_and_never_an_empty_success(
    home: Running, release: str | None
) -> None:
    await home.refuses("GET", "/cse-in", 5207, Accept="application/yaml", X_M2M_RVI=release)
    headers = {"Content_Type": "application/yaml;ty=3", "X_M2M_RVI": release}
    await home.refuses("POST", "/cse-in/app", 4015, originator="Capp", content=b"m2m:cnt: {}", **headers)


async def test_an_old_client_that_names_no_media_type_means_json(home: Running) -> None:
    for content_type in (";ty=3", "None;ty=3"):
        headers = {"Content_Type": content_type}
        assert (
            await home.client.create("/cse-in/app", 3, {"m2m:cnt": {}}, "Capp", X_M2M_RVI=None, **headers)
        ).rsc == 2001
        await home.refuses("POST", "/cse-in/app", 4015, originator="Capp", content={"m2m:cnt": {}}, **headers)


@pytest.mark.parametrize(
    ("path", "lenient", "strict"),
    [
        ("/~/id-in", 2000, 4000),
        ("/_/cse.example/id-in", 2000, 4000),
        ("/~/cse-in/app", 2000, 4004),
        ("/~/Capp", 2000, 4004),
        ("/~cse-in/app", 2000, 4004),
        ("/~id-in/cse-in/app", 2000, 4004),
        ("//cse-in", 2000, 4004),
        ("//cse-in/app", 2000, 4004),
        ("/cse-in/app/", 2000, 4000),
        ("/~/id-in/cse-in/app/", 2000, 4000),
        ("/cse-in//app", 4000, 4000),
        ("/~/id-other/cse-in", 4004, 4004),
        ("/~/id-in/-/app", 2000, 2000),
        ("/-/app", 2000, 2000),
        ("/Capp", 2000, 2000),
        ("/~/id-in/Capp", 2000, 2000),
        ("/Capp%23rr", 2000, 2000),
        ("/cse-in/app?&rcn=1", 2000, 2000),
        ("/cse-in/app?rcn=1&", 2000, 2000),
        ("/cse-in/app?rcn=", 4000, 4000),
        ("/cse-in/app?rcn", 4000, 4000),
        ("/cse-in/app?lbl=", 4000, 4000),
    ],
)
async def test_addresses_are_written_in_many_ways(home: Running, path: str, lenient: int, strict: int) -> None:
    assert (await home.client.get(path, "Capp", X_M2M_RVI=None)).rsc == lenient
    assert (await home.client.get(path, "Capp")).rsc == strict


async def test_a_registration_at_the_cse_id_is_one_at_the_csebase(home: Running) -> None:
    assert (await home.client.create("/~/id-in", 2, AE, "Cold", X_M2M_RVI=None)).rsc == 2001
    await home.refuses("POST", "/~/id-in", 4000, originator="Cother", ty=2, content=AE)


@pytest.mark.parametrize("release", [None, "3"])
async def test_a_resource_without_a_type_would_be_a_notification(home: Running, release: str | None) -> None:
    for path in ("/cse-in", "/cse-in/app", "/cse-in/app/box"):
        content = {"m2m:cnt": {"rn": "x"}}
        answer = await home.refuses("POST", path, 4000, originator="Capp", content=content, X_M2M_RVI=release)
        assert "ty" in answer.debug


@pytest.mark.parametrize("release", [None, "3"])
async def test_headers_that_are_not_known_are_ignored(home: Running, release: str | None) -> None:
    headers = {"X_M2M_NM": "name", "X_M2M_Colour": "red", "X_Other": "1", "X_M2M_RVI": release}
    assert (await home.client.get("/cse-in/app", "Capp", **headers)).rsc == 2000


async def test_a_malformed_originating_timestamp_is_ignored_or_refused(home: Running) -> None:
    assert (await home.client.get("/cse-in", X_M2M_OT="2026-01-02 10:15", X_M2M_RVI=None)).rsc == 2000
    await home.refuses("GET", "/cse-in", 4000, X_M2M_OT="2026-01-02 10:15")


async def test_a_header_that_is_said_twice_must_say_the_same(home: Running) -> None:
    request = b"GET /cse-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-M2M-RI: 1\r\nX-M2M-Origin: CAdmin\r\n"
    for second, rsc in ((b"CAdmin", b"2000"), (b"Capp", b"4000")):
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
        writer.write(request + b"X-M2M-Origin: " + second + b"\r\n\r\n")
        assert b"x-m2m-rsc: " + rsc in (await reader.read()).lower()
        writer.close()
