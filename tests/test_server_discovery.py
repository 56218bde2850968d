"""Discovery: what is found, in which form, and how much of it."""

from typing import Any

import pytest

from cse.testing.clock import ManualClock
from tests.servers import Answer, Client, serving


@pytest.fixture
async def city(client: Client) -> Client:
    """An AE Capp with the containers street1 .. street3 and an instance in each."""
    await client.register("app", lbl=["owner"])
    for number in (1, 2, 3):
        labels = ["street", "odd" if number % 2 else "even"]
        await client.create(
            "/cse-in/app", 3, {"m2m:cnt": {"rn": f"street{number}", "lbl": labels, "mni": number}}, "Capp"
        )
        content = {"m2m:cin": {"rn": "lamp", "con": "x" * number, "cnf": "text/plain:0"}}
        await client.create(f"/cse-in/app/street{number}", 4, content, "Capp")
    return client


async def found(client: Client, query: str, originator: str = "Capp", root: str = "/cse-in/app") -> list[str]:
    answer = await client.get(f"{root}?fu=1&{query}".rstrip("&"), originator)
    assert answer.rsc == 2000, answer
    return [address.removeprefix("cse-in/app/") for address in answer.content["m2m:uril"]]


STREETS = ["street1", "street2", "street3"]
LAMPS = [f"{street}/lamp" for street in STREETS]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ty=3", STREETS),
        ("ty=4", LAMPS),
        ("ty=3+4&lbl=odd", ["street1", "street3"]),
        ("ty=3&ty=2", STREETS),
        ("lbl=odd+even", STREETS),
        ("lbl=nobody", []),
        ("lvl=1", STREETS),
        ("mni=2", ["street2"]),
        ("mni=1+3", ["street1", "street3"]),
        ("rn=str*2", ["street2"]),
        ("sza=2", LAMPS[1:]),
        ("szb=2", LAMPS[:1]),
        ("cty=text/plain:0", LAMPS),
        ("cty=text/*&szb=3", LAMPS[:2]),
        ("cra=20990101T000000", []),
        ("ty=4&crb=20990101T000000", LAMPS),
        ("exa=20200101T000000&ty=4", LAMPS),
        ("stb=1&ty=3", STREETS),
        ("sts=1&ty=3", []),
        ("con=xx", ["street2/lamp"]),
    ],
)
async def test_what_fits_the_criteria_is_found(city: Client, query: str, expected: list[str]) -> None:
    assert await found(city, query) == expected


async def test_parents_come_before_their_children(city: Client) -> None:
    everything = await found(city, "")
    assert sorted(everything) == sorted(STREETS + LAMPS)
    assert all(everything.index(street) < everything.index(f"{street}/lamp") for street in STREETS)


async def test_results_come_in_pages(city: Client) -> None:
    first = await city.get("/cse-in/app?fu=1&ty=3&lim=2", "Capp")
    assert first.content == {"m2m:uril": ["cse-in/app/street1", "cse-in/app/street2"]}
    assert (first.headers["X-M2M-CTS"], first.headers["X-M2M-CTO"]) == ("1", "3")
    second = await city.get("/cse-in/app?fu=1&ty=3&lim=2&ofst=3", "Capp")
    assert second.content == {"m2m:uril": ["cse-in/app/street3"]}
    assert "X-M2M-CTS" not in second.headers


async def test_the_server_limits_what_one_discovery_finds() -> None:
    async with serving(max_discovery_results=2) as cse:
        for name in "abc":
            await cse.client.create("/cse-in", 3, {"m2m:cnt": {"rn": name}})
        answer = await cse.client.get("/cse-in?fu=1&lim=100")
        assert len(answer.content["m2m:uril"]) == 2
        assert answer.headers["X-M2M-CTS"] == "1"


async def test_results_can_be_references_or_identifiers(city: Client) -> None:
    references = await city.get("/cse-in/app?fu=1&ty=3&lim=1&rcn=6", "Capp")
    assert references.content == {"m2m:rrl": {"rrf": [{"nm": "street1", "typ": 3, "val": "cse-in/app/street1"}]}}
    (identifier,) = await found(city, "lim=1&ty=3&drt=2")
    assert (await city.get(f"/{identifier}", "Capp")).resource["rn"] == "street1"


async def test_only_what_may_be_discovered_is_found(city: Client) -> None:
    assert (await city.get("/cse-in/app?fu=1", "Cstranger")).rsc == 4103
    rules = {"pv": {"acr": [{"acor": ["Cstranger"], "acop": 32}]}, "pvs": {"acr": [{"acor": ["Capp"], "acop": 63}]}}
    policy = (await city.create("/cse-in/app", 1, {"m2m:acp": rules}, "Capp")).resource["ri"]
    await city.update("/cse-in/app", {"m2m:ae": {"acpi": [policy]}}, "Capp")
    await city.update("/cse-in/app/street2", {"m2m:cnt": {"acpi": [policy]}}, "Capp")
    assert await found(city, "", "Cstranger") == ["street2", "street2/lamp"]


@pytest.mark.parametrize(
    ("query", "rsc"),
    [
        ("fu=3", 5001),
        ("fu=4", 4000),
        ("fu=1&lim=-1", 4000),
        ("fu=1&lim=x", 4000),
        ("fu=1&ty=-1", 4000),
        ("fu=1&ty=3,4", 4000),
        ("fu=1&ofst=0", 4000),
        ("fu=1&lvl=%C2%B2", 4000),
        ("fu=1&crb=yesterday", 4000),
        ("fu=1&nonsense=1", 4000),
        ("fu=1&lbl=", 4000),
        ("fu=1&rcn=4", 4000),
        ("fu=1&rcn=1", 4000),
        ("fu=1&rcn=7", 4000),
        ("rcn=7", 4000),
        ("rcn=10", 5001),
        ("rcn=11", 4000),
        ("rcn=12", 5001),
        ("fu=1&fo=3", 4000),
        ("fu=1&arp=a//b", 4000),
        ("fu=1&lbq=EQ", 4000),
        ("fu=1&cfq=$.a%20EQ%201", 4000),
        ("fu=1&c.ct=1", 4000),
        ("fu=1&atrl=ri", 4000),
        ("rcn=4&atrl=ri", 4000),
        ("fu=1&smf=x", 5001),
        ("fu=1&da=true", 5001),
        ("fu=1&" + "&".join(f"lbl={number}" for number in range(1001)), 4000),
    ],
)
async def test_criteria_that_can_not_be_applied_are_refused(city: Client, query: str, rsc: int) -> None:
    answer = await city.get(f"/cse-in/app?{query}", "Capp")
    assert answer.rsc == rsc
    assert answer.debug


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fo=2&ty=4&lbl=odd", ["street1", "street1/lamp", "street2/lamp", "street3", "street3/lamp"]),
        ("fo=2&lbl=odd", ["street1", "street3"]),
        ("lbq=odd", ["street1", "street3"]),
        ("lbq=NT+odd&ty=3", ["street2"]),
        ("lbq=NT%20odd&ty=3", ["street2"]),
        ("pty=2", STREETS),
        ("chty=4", STREETS),
        ("palb=even", ["street2/lamp"]),
        ("p.mni=1+3", ["street1/lamp", "street3/lamp"]),
        ("c.con=xx*", ["street2", "street3"]),
        ("cty=text/plain", LAMPS),
        ("ty=3&arp=lamp", LAMPS),
        ("lbl=odd&arp=/la", ["street1/lamp", "street3/lamp"]),
        ("lbl=odd&arp=nothing", []),
        ("ty=4&arp=..", STREETS),
        ("mni=1&rn=street2", ["street1", "street2"]),
        ("cfs=1&cfq=$%20EQ%20xx", []),
        ("fu=1&lvl=1&lim=9", STREETS),
    ],
)
async def test_criteria_beyond_the_resource_itself(city: Client, query: str, expected: list[str]) -> None:
    assert sorted(await found(city, query.removeprefix("fu=1&"))) == expected


async def test_content_that_is_json_is_searched(city: Client) -> None:
    content = {"m2m:cin": {"rn": "reading", "con": '{"level": [3, 9]}', "cnf": "application/json:0"}}
    await city.create("/cse-in/app/street1", 4, content, "Capp")
    assert await found(city, "cfs=1&cfq=$.level%5B1%5D+GT+8") == ["street1/reading"]
    assert await found(city, "cfs=1&cfq=$.level%5B1%5D+GT+9") == []


async def test_neighbours_that_can_not_be_discovered_say_nothing(city: Client) -> None:
    owner = {"acor": ["Capp"], "acop": 63}
    rules = {"pv": {"acr": [{"acor": ["Cstranger"], "acop": 32}, owner]}, "pvs": {"acr": [owner]}}
    policy = (await city.create("/cse-in/app", 1, {"m2m:acp": rules}, "Capp")).resource["ri"]
    await city.update("/cse-in/app", {"m2m:ae": {"acpi": [policy]}}, "Capp")
    secret = {"m2m:cnt": {"rn": "secret", "lbl": ["hush"]}}
    await city.create("/cse-in/app/street1", 3, secret, "Capp")
    await city.update("/cse-in/app/street1", {"m2m:cnt": {"acpi": [policy]}}, "Capp")
    assert await found(city, "clbl=hush") == ["street1"]
    assert await found(city, "clbl=hush", "Cstranger") == []


async def test_children_come_in_whole_branches(city: Client) -> None:
    for form in (4, 5, 6, 8):
        first = await city.get(f"/cse-in/app?rcn={form}&lim=3", "Capp")
        assert (first.rsc, first.headers["X-M2M-CTS"], first.headers["X-M2M-CTO"]) == (2000, "1", "2")
        last = await city.get(f"/cse-in/app?rcn={form}&lim=3&ofst=3", "Capp")
        assert "X-M2M-CTS" not in last.headers
    rest: list[dict[str, Any]] = (await city.get("/cse-in/app?rcn=6&ofst=2", "Capp")).content["m2m:rrl"]["rrf"]
    assert [reference["nm"] for reference in rest] == ["street2", "lamp", "street3", "lamp"]


async def test_times_are_compared_to_the_microsecond_and_shown_to_the_second() -> None:
    clock = ManualClock(1_800_000_000.25)
    async with serving(clock=clock) as cse:
        await cse.client.create("/cse-in", 3, {"m2m:cnt": {"rn": "box"}})

        async def is_found(criteria: str) -> bool:
            answer = await cse.client.get(f"/cse-in?fu=1&{criteria}")
            return "cse-in/box" in answer.content["m2m:uril"]

        assert (await cse.client.get("/cse-in/box")).resource["ct"] == "20270115T080000"
        for criteria in ("cra=20270115T080000", "ms=20270115T080000,25", "crb=20270115T080000,250001"):
            assert await is_found(criteria)
        for criteria in ("crb=20270115T080000,25", "cra=20270115T080000,250001", "us=20270115T080000"):
            assert not await is_found(criteria)
        await clock.advance(0.25)
        await cse.client.update("/cse-in/box", {"m2m:cnt": {"mni": 1}})
        assert await is_found("ms=20270115T080000,5&crb=20270115T080000,3")


async def test_conditions_on_the_target(city: Client) -> None:
    street = "/cse-in/app/street1"
    assert (await city.get(f"{street}?fu=2&lbl=odd", "Capp")).rsc == 2000
    assert (await city.get(f"{street}?fu=2&lbl=even", "Capp")).rsc == 4004
    assert (await city.get(f"{street}?fu=2&chty=4", "Capp")).rsc == 2000
    assert (await city.get(f"{street}?fu=2&pty=3", "Capp")).rsc == 4004
    assert (await city.get(f"{street}?lbl=even", "Capp")).resource["rn"] == "street1"
    assert (await city.get(f"{street}?fu=2&rcn=6&lbl=even", "Capp")).content == {"m2m:rrl": {"rrf": []}}
    assert (await city.update(f"{street}?lbl=even", {"m2m:cnt": {"mni": 9}}, "Capp")).rsc == 4004
    assert (await city.update(f"{street}?chty=4", {"m2m:cnt": {"mni": 9}}, "Capp")).rsc == 2004
    assert (await city.delete(f"{street}?lbl=even", "Capp")).rsc == 4004
    assert (await city.delete(f"{street}?mni=9&fu=1", "Capp")).rsc == 4000
    assert (await city.delete(f"{street}?mni=9", "Capp")).rsc == 2002


@pytest.mark.parametrize(
    ("form", "roots"),
    [(0, None), (1, {"m2m:cnt"}), (4, {"m2m:cnt"}), (5, {"m2m:cnt"}), (6, {"m2m:rrl"}), (8, {"m2m:cnt"})],
)
async def test_a_delete_shows_what_was_there(city: Client, form: int, roots: set[str] | None) -> None:
    expected = await city.get(f"/cse-in/app/street1?rcn={form}", "Capp")
    answer = await city.delete(f"/cse-in/app/street1?rcn={form}", "Capp")
    assert answer.rsc == 2002
    assert (answer.content and set(answer.content)) == roots
    if form:
        assert answer.content == expected.content
    assert (await city.get("/cse-in/app/street1", "Capp")).rsc == 4004


async def test_attributes_can_be_named_in_the_content(city: Client) -> None:
    async def asking(names: object, query: str = "") -> Answer:
        return await city.request("GET", f"/cse-in/app/street1{query}", "Capp", content={"m2m:atrl": names})

    assert (await asking(["rn", "mni"])).content == {"m2m:cnt": {"rn": "street1", "mni": 1}}
    assert (await asking(["rn", "mbs"])).rsc == 4004
    assert (await asking(["rn", "api"])).rsc == 4000
    for malformed in ([], "rn", [1], None):
        assert (await asking(malformed)).rsc == 4000
    assert (await asking(["rn"], "?rcn=5")).rsc == 4000
    assert (await city.delete("/cse-in/app/street1?atrl=rn", "Capp")).rsc == 4000


async def test_huge_numbers_in_criteria_do_no_harm(city: Client) -> None:
    assert await found(city, "lvl=999999999999999&ofst=999999999999999&lim=999999999999999") == []
