"""Content in the serialisation that the other side wants, in both directions."""

from typing import Any

import cbor2
import pytest

from cse.slices import SLICE
from tests.servers import Client, Listener, Running, serving

CBOR = "application/cbor"


async def test_what_is_sent_in_cbor_is_answered_in_cbor(home: Running) -> None:
    body = cbor2.dumps({"m2m:cnt": {"rn": "binary", "lbl": ["grün"], "mni": 5}})
    headers = {"Content_Type": f"{CBOR};ty=3"}
    answer = await home.client.request("POST", "/cse-in/app", "Capp", content=body, **headers)
    assert (answer.rsc, answer.headers["Content-Type"]) == (2001, CBOR)
    assert (answer.resource["lbl"], answer.resource["mni"]) == (["grün"], 5)
    assert (await home.client.get("/cse-in/app/binary", "Capp")).resource == answer.resource


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (CBOR, CBOR),
        ("application/vnd.onem2m-res+cbor", "application/vnd.onem2m-res+cbor"),
        ("application/vnd.onem2m-res+json", "application/vnd.onem2m-res+json"),
        (f"application/json;q=0.5, {CBOR}", CBOR),
        ("*/*", "application/json"),
    ],
)
async def test_an_answer_is_written_as_it_is_accepted(home: Running, accept: str, media_type: str) -> None:
    expected = (await home.client.get("/cse-in/app", "Capp")).content
    answer = await home.client.get("/cse-in/app", "Capp", Accept=accept)
    assert (answer.content, answer.headers["Content-Type"]) == (expected, media_type)
    error = await home.client.get("/cse-in/nothing", "Capp", Accept=accept)
    assert (error.rsc, error.headers["Content-Type"]) == (4004, media_type)


async def test_a_large_answer_of_a_group_is_the_same_in_every_serialization(home: Running) -> None:
    names = [f"box{number}" for number in range(SLICE + 1)]
    for name in names:
        await home.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": name}}, "Capp")
    members = [f"cse-in/app/{name}" for name in names]
    group = {"rn": "boxes", "mnm": len(members), "mid": members}
    await home.client.create("/cse-in/app", 9, {"m2m:grp": group}, "Capp")
    answers = [await home.client.get("/cse-in/app/boxes/fopt", "Capp", Accept=each) for each in ("*/*", CBOR)]
    assert [answer.rsc for answer in answers] == [2000, 2000]
    found = [
        {item["fr"]: item["pc"]["m2m:cnt"]["rn"] for item in answer.content["m2m:agr"]["m2m:rsp"]} for answer in answers
    ]
    assert found == [dict(zip(members, names, strict=True))] * 2


async def test_what_is_accepted_counts_more_than_what_was_sent(home: Running) -> None:
    body = cbor2.dumps({"m2m:cnt": {}})
    headers = {"Content_Type": f"{CBOR};ty=3", "Accept": "application/json"}
    answer = await home.client.request("POST", "/cse-in/app", "Capp", content=body, **headers)
    assert (answer.rsc, answer.headers["Content-Type"]) == (2001, "application/json")


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"{}",
        b"\xa1",
        b"\x81" * 10_000,
        b"\x9b" + b"\xff" * 8,
        cbor2.dumps({"m2m:cnt": {"lbl": [b"bytes"]}}),
        cbor2.dumps({"m2m:cnt": {"mni": 2**70}}),
        cbor2.dumps({"m2m:cnt": {"mni": float("nan")}}),
        cbor2.dumps({1: {}}),
        cbor2.dumps([]),
        cbor2.dumps({"m2m:cnt": {}}) + b"\x00",
    ],
)
async def test_malformed_cbor_is_a_bad_request(home: Running, body: bytes) -> None:
    headers = {"Content_Type": f"{CBOR};ty=3"}
    await home.refuses("POST", "/cse-in/app", 4000, originator="Capp", content=body, **headers)


async def test_a_member_that_is_there_twice_is_a_bad_request(home: Running) -> None:
    body = b'{"m2m:cnt": {"mni": 1, "mni": 2}}'
    await home.refuses("POST", "/cse-in/app", 4000, originator="Capp", ty=3, content=body)


async def test_the_csebase_names_what_it_reads(client: Client) -> None:
    assert (await client.get("/cse-in")).resource["csz"] == ["application/json", CBOR, "application/xml"]


async def test_resources_are_created_and_retrieved_in_xml(home: Running) -> None:
    body = b"""<?xml version="1.0"?>
        <m2m:cnt xmlns:m2m="http://www.onem2m.org/xml/protocols" rn="text"><lbl>a b</lbl><mni>5</mni></m2m:cnt>"""
    headers = {"Content_Type": "application/vnd.onem2m-res+xml;ty=3"}
    created = await home.client.request("POST", "/cse-in/app", "Capp", content=body, **headers)
    assert (created.rsc, created.headers["Content-Type"]) == (2001, "application/xml")
    assert created.content["m2m:cnt"]["@rn"] == "text"
    stored = (await home.client.get("/cse-in/app/text", "Capp")).resource
    assert (stored["lbl"], stored["mni"]) == (["a", "b"], 5)
    found = await home.client.get("/cse-in/app?fu=1&ty=3", "Capp", Accept="application/xml")
    assert found.content["m2m:uril"]["#text"] == "cse-in/app/box cse-in/app/text"


async def test_without_the_extra_xml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse.serialization.as_xml.AVAILABLE", False)
    async with serving() as cse:
        await cse.refuses("GET", "/cse-in", 5207, Accept="application/xml")
        headers = {"Content_Type": "application/xml;ty=3"}
        await cse.refuses("POST", "/cse-in", 4015, content=b"<m2m:cnt/>", **headers)
        assert (await cse.client.get("/cse-in")).resource["csz"] == ["application/json", CBOR]


async def test_a_target_says_how_it_wants_to_be_notified(home: Running, listener: Listener) -> None:
    wishes = {"": "application/json", "?ct=json": "application/json", "?ct=cbor": CBOR, "?ct=xml": "application/xml"}
    for suffix, media_type in wishes.items():
        content = {"m2m:sub": {"rn": "way", "nu": [listener.url + suffix], "enc": {"net": [3]}}}
        assert (await home.client.create("/cse-in/app/box", 23, content, "Capp")).rsc == 2001
        (verification,) = await listener.wait()
        assert (verification.path, verification.headers["Content-Type"]) == ("/inbox", media_type)
        assert verification.content["m2m:sgn"]["vrq"] in (True, "true")
        await home.client.delete("/cse-in/app/box/way", "Capp")
        listener.received.clear()


async def notified(client: Client, listener: Listener, **attributes: Any) -> Any:
    """The headers of a notification to an AE with these attributes."""
    await client.register("target", listener.url, **attributes)
    answer = await client.request("POST", "/cse-in/target", content={"m2m:sgn": {"sur": "x"}})
    assert answer.rsc == 2000
    return (await listener.wait())[0].headers


async def test_an_application_says_what_it_can_read(client: Client, listener: Listener) -> None:
    headers = await notified(client, listener, csz=[CBOR, "application/json"])
    assert (headers["Content-Type"], headers["Accept"]) == (CBOR, CBOR)


async def test_an_application_is_notified_in_a_release_that_it_knows(client: Client, listener: Listener) -> None:
    assert (await notified(client, listener, srv=["2a"]))["X-M2M-RVI"] == "2a"


@pytest.mark.parametrize(("method", "path"), [("GET", "/cse-in/app"), ("GET", "/cse-in/no"), ("DELETE", "/cse-in/app")])
async def test_whoever_wants_no_response_gets_none(home: Running, method: str, path: str) -> None:
    answer = await home.client.request(method, f"{path}?rt=5", "Capp")
    assert (answer.status, answer.rsc, answer.content) == (204, 0, None)
    assert (await home.client.get("/cse-in/app")).rsc == (4004 if method == "DELETE" else 2000)


async def test_what_belongs_to_both_directions_is_echoed(home: Running) -> None:
    sent = {"X_M2M_VSI": "mine", "X_M2M_RST": "60000", "X_M2M_EC": "4", "X_M2M_RVI": "2a"}
    answer = await home.client.get("/cse-in/app", "Capp", **sent)
    assert {name: answer.headers[name.replace("_", "-")] for name in sent} == sent
    assert answer.headers["X-M2M-OT"]
