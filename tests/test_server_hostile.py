"""Whatever comes in: a helpful refusal with the right code, nothing half-done, no traceback, and the server goes on."""

import asyncio
import json
from typing import Any

import pytest

from tests.servers import Client, Running, serving

JSON = "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"{'m2m:cnt': {}}",
        b'{"m2m:cnt": {}} tail',
        b'{"m2m:cnt": {"mni": 1e400}}',
        b'{"m2m:cnt": {"mni": NaN}}',
        b'{"m2m:cnt": {"lbl": ["\\ud800"]}}',
        b'{"m2m:cnt": {"lbl": ["\xff"]}}',
        b'{"m2m:cnt": {"lbl": ["\xed\xa0\x80"]}}',
        b"\xef\xbb\xbf{",
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"m2m:cnt": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
        b'{"m2m:cnt": {"lbl": ' + b"[" * 40 + b"]" * 40 + b"}}",
        b"\x00",
        b" ",
    ],
)
async def test_a_body_that_is_no_usable_json_is_refused(home: Running, body: bytes) -> None:
    headers = {"Content_Type": f"{JSON};ty=3"}
    await home.refuses("POST", "/cse-in/app", 4000, originator="Capp", content=body, **headers)
    await home.refuses("PUT", "/cse-in/app/box", 4000, originator="Capp", content=body, Content_Type=JSON)


async def test_a_body_of_20_megabytes_is_refused(home: Running) -> None:
    body = b'{"m2m:cnt": {"lbl": ["' + b"x" * 20_000_000 + b'"]}}'
    answer = await home.refuses("POST", "/cse-in/app", 4000, originator="Capp", ty=3, content=body)
    assert "max_body_bytes" in answer.debug


async def test_brackets_in_a_text_are_no_nesting(home: Running) -> None:
    for content in ("[" * 1000, "]" * 1000, json.dumps([[[{"a": ["{"] * 50}]]])):
        answer = await home.client.create("/cse-in/app/box", 4, {"m2m:cin": {"con": content}}, "Capp")
        assert answer.resource["con"] == content


async def test_odd_but_valid_text_comes_back_as_it_was(home: Running) -> None:
    for label in ("\u0000", "\U0001f4a1", "\\u0000", "é", "\"'", "💡" * 1000, "%00", "' OR 1=1 --"):
        answer = await home.client.update("/cse-in/app/box", {"m2m:cnt": {"lbl": [label]}}, "Capp")
        assert answer.resource["lbl"] == [label]
        assert (await home.client.get("/cse-in/app/box", "Capp")).resource["lbl"] == [label]


async def test_huge_numbers_where_numbers_are_allowed_do_no_harm(home: Running) -> None:
    client, most = home.client, 2**64 - 1
    for attributes in ({"mni": most}, {"mbs": most}, {"mia": most}):
        assert (await client.update("/cse-in/app/box", {"m2m:cnt": attributes}, "Capp")).rsc == 2004
    instance = (await client.create("/cse-in/app/box", 4, {"m2m:cin": {"con": most}}, "Capp")).resource
    assert instance["con"] == most
    assert (await client.update("/cse-in/app/meters", {"m2m:grp": {"mnm": most}}, "Capp")).rsc == 2004
    assert (await client.update("/cse-in/app/box/news", {"m2m:sub": {"exc": most}}, "Capp")).rsc == 2004


@pytest.mark.parametrize(
    ("headers", "rsc"),
    [
        ({"X_M2M_RI": None}, 4000),
        ({"X_M2M_RI": ""}, 4000),
        ({"originator": None}, 4000),
        ({"originator": ""}, 4000),
        ({"X_M2M_RVI": "1"}, 4001),
        ({"X_M2M_RVI": "99"}, 4001),
        ({"X_M2M_RVI": ""}, 4001),
        ({"X_M2M_RET": "20200101T000000"}, 4008),
        ({"X_M2M_RET": "-1"}, 4008),
        ({"X_M2M_RET": "soon"}, 4000),
        ({"X_M2M_RET": "²"}, 4000),
        ({"X_M2M_RET": "60000", "X_M2M_RST": "30000"}, 4000),
        ({"X_M2M_OET": "soon"}, 4000),
        ({"X_M2M_EC": "1"}, 4000),
        ({"X_M2M_OT": "yesterday"}, 4000),
        ({"X_M2M_AS": "signed"}, 5001),
        ({"Accept": "application/yaml"}, 5207),
        ({"Accept": "text/html, image/*"}, 5207),
        ({"Content_Type": "application/yaml;ty=3"}, 4015),
        ({"Content_Type": "text/plain;ty=3"}, 4015),
        ({"Content_Type": ";ty=3"}, 4015),
        ({"Content_Type": f"{JSON};ty=x"}, 4000),
        ({"Content_Type": f"{JSON};ty=-3"}, 4000),
        ({"Content_Type": f"{JSON};ty=²"}, 4000),
        ({"Content_Type": f"{JSON};ty="}, 4000),
        ({"Content_Type": f"{JSON};ty=99999999999999999999"}, 4000),
    ],
)
async def test_bad_headers_are_refused(home: Running, headers: dict[str, Any], rsc: int) -> None:
    request = {"originator": "Capp", "ty": 3, "content": {"m2m:cnt": {}}} | headers
    await home.refuses("POST", "/cse-in/app", rsc, **request)


async def test_a_post_without_a_type_is_a_notification(home: Running) -> None:
    await home.refuses("POST", "/cse-in/app/box", 4005, originator="Capp", content={"m2m:sgn": {"sur": "x"}})
    await home.refuses("POST", "/cse-in/app/box", 4000, originator="Capp", content={"m2m:cin": {"con": "1"}})


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "LOCK"])
async def test_other_methods_are_not_allowed(home: Running, method: str) -> None:
    await home.refuses(method, "/cse-in/app", 4005)


@pytest.mark.parametrize(
    "path",
    [
        "/cse-in%2Fapp",
        "/cse-in/app%2fbox",
        "/cse-in/%ff",
        "/cse-in/%00",
        "/cse-in/%0A",
        "/cse-in/a%0Ab",
        "/%ed%a0%80",
        "/cse-in/" + "a" * 3000,
        "/cse-in/..%2f..%2fetc",
        "/cse-in?fu=1&lbl=%ff",
        "/cse-in?%ff=1",
        "/cse-in?fu=1&%00=1",
        "/cse-in?=1",
        "/cse-in?fu",
        "/cse-in?fu=",
        "/cse-in?fu=1&fu=2&rcn=1+4",
        "/cse-in?rt=0",
        "/cse-in?rt=1+2",
        "/cse-in?rt=6",
        "/cse-in?rcn=%C2%B2",
        "/cse-in?drt=3",
        "/cse-in?rt=1&rp=x",
    ],
)
async def test_bad_addresses_and_arguments_are_refused(home: Running, path: str) -> None:
    await home.refuses("GET", path, 4000)


async def test_an_unknown_group_is_not_found(home: Running) -> None:
    for path in ("/cse-in/app/nobody/fopt", "/cse-in/app/box/fopt", "/cse-in/fopt"):
        await home.refuses("GET", path, 4004, originator="Capp")


async def test_stray_answers_and_malformed_ones_are_refused_or_ignored(home: Running) -> None:
    malformed: list[Any] = [None, [], "x", {}, {"rqi": 1, "rsc": 2000}, {"rqi": "x", "rsc": True}, {"rqi": "x"}]
    for content in malformed:
        await home.refuses("POST", "/cse-in", 4000, originator="Capp", content={"m2m:rsp": content})
    answer = {"m2m:rsp": {"rqi": "nobody", "rsc": 10**19, "pc": None}}
    assert (await home.client.request("POST", "/cse-in", "Capp", content=answer)).rsc == 2000
    await home.refuses("POST", "/cse-in/app", 4000, originator="Capp", content=answer)


async def test_what_is_no_policy_is_refused_and_one_elsewhere_grants_nothing(home: Running) -> None:
    client = home.client
    for policy in ("a b", "é", "/", "Capp", "cse-in/app/box", "cse-in/app/box/la", "none"):
        content = {"m2m:cnt": {"rn": "odd", "acpi": [policy]}}
        await home.refuses("POST", "/cse-in/app", 4000, ty=3, content=content, originator="Capp")
    for policy in ("/other/acp", "//other.example/other/acp"):
        await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "odd", "acpi": [policy]}}, "Capp")
        assert (await client.get("/cse-in/app/odd", "Capp")).rsc == 4103
        assert (await client.delete("/cse-in/app/odd")).rsc == 2002


async def test_addresses_do_not_grow_without_end(home: Running) -> None:
    client, parent, rsc = home.client, "Capp", 2001
    depth = 0
    while rsc == 2001 and depth < 100:
        answer = await client.create(f"/{parent}", 3, {"m2m:cnt": {"rn": "n" * 200}}, "Capp")
        parent, rsc, depth = answer.content.get("m2m:cnt", {}).get("ri"), answer.rsc, depth + 1
    assert rsc == 4000
    assert "rn" in answer.debug


async def raw(port: int, data: bytes) -> bytes:
    """What comes back for these bytes, until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


HEAD = b"Host: x\r\nConnection: close\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\n"


@pytest.mark.parametrize(
    ("start", "headers", "rsc"),
    [
        (b"GET /cse-in HTTP/1.1", b"X-M2M-Origin: C\xe4\xff\r\n", 4103),
        (b"GET /cse-in HTTP/1.1", b"X-M2M-Origin: CAdmin\r\nX-M2M-VSI: \xe4\xff\r\n", 2000),
        (b"GET http://x/cse-in HTTP/1.1", b"X-M2M-Origin: CAdmin\r\n", 2000),
        (b"GET /cse-in HTTP/1.1", b"X-M2M-Origin: CAdmin\r\nContent-Type: None\r\n", 2000),
        (b"GET /cse-in HTTP/1.1", b"x-m2m-origin: CAdmin\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", 2000),
        (b"HEAD /cse-in HTTP/1.1", b"X-M2M-Origin: CAdmin\r\n", 4005),
    ],
)
async def test_odd_bytes_in_the_head_are_answered(home: Running, start: bytes, headers: bytes, rsc: int) -> None:
    answer = await raw(home.port, start + b"\r\n" + HEAD + headers + b"\r\n")
    assert f"x-m2m-rsc: {rsc}".encode() in answer.lower()


@pytest.mark.parametrize(
    "start",
    [b"GET /cse-in/\xff HTTP/1.1", b"GET /cse-in?lbl=\xc3\xa9 HTTP/1.1", b"BREW / HTTP/1.1", b"\x16\x03\x01\x02"],
)
async def test_what_is_no_http_gets_the_answer_of_the_web_server(home: Running, start: bytes) -> None:
    answer = await raw(home.port, start + b"\r\n" + HEAD + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing(home: Running) -> None:
    before = await home.snapshot()
    head = b"POST /cse-in/app HTTP/1.1\r\nHost: x\r\nX-M2M-Origin: Capp\r\nX-M2M-RI: 1\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", home.port)
    writer.write(head + b'Content-Type: application/json;ty=3\r\nContent-Length: 100\r\n\r\n{"m2m:cnt": {')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await home.client.get("/cse-in/app", "Capp")).rsc == 2000
    assert await home.snapshot() == before


async def test_requests_of_older_clients_are_accepted_as_they_are(client: Client) -> None:
    body = {"m2m:ae": {"rn": "old", "api": "N.x", "rr": True, "srv": ["3"]}}
    answer = await client.create("/cse-in", 2, body, "Cold", X_M2M_RVI=None, X_M2M_RI=None)
    assert answer.rsc == 2001
    assert answer.headers["X-M2M-RI"]
    assert "X-M2M-RVI" not in answer.headers
    content_type = "application/json;ty=2; charset=utf-8"
    update = {"m2m:ae": {"lbl": ["a"]}}
    assert (await client.update("/cse-in/old", update, "Cold", X_M2M_RVI=None, Content_Type=content_type)).rsc == 2004
    assert (await client.update("/cse-in/old", update, "Cold", Content_Type=content_type)).rsc == 4000


async def test_media_types_and_their_parameters_may_be_written_in_many_ways(client: Client) -> None:
    for media_type in (
        "application/vnd.onem2m-res+json; ty=3",
        "application/json;charset=utf-8;ty=3",
        "Application/JSON ; TY=3 ; charset=utf-8",
    ):
        answer = await client.create("/cse-in", 3, {"m2m:cnt": {}}, Content_Type=media_type, Accept="*/*, text/html")
        assert answer.rsc == 2001
    assert (await client.get("/cse-in?&rcn=1&")).rsc == 2000


async def test_reading_the_latest_under_concurrent_writes_never_fails() -> None:
    async with serving() as cse:
        client = cse.client
        await client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box", "mni": 3}})
        await client.create("/cse-in/box", 4, {"m2m:cin": {"con": "0"}})

        async def write(number: int) -> int:
            return (await client.create("/cse-in/box", 4, {"m2m:cin": {"con": str(number)}})).rsc

        async def read(name: str) -> int:
            return (await client.get(f"/cse-in/box/{name}")).rsc

        work = [write(number) for number in range(60)] + [read(name) for name in ("la", "ol") for _ in range(60)]
        assert set(await asyncio.gather(*work)) == {2000, 2001}
        assert (await client.get("/cse-in/box")).resource["cni"] == 3
