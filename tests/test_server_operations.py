"""The five operations on the tree, the forms of addresses, and what containers do with their instances."""

import asyncio
import re

import pytest

from tests.servers import Client, Listener, Running

CONTAINER, INSTANCE = 3, 4
SECONDS = r"\d{8}T\d{6}"


@pytest.fixture
async def app(client: Client) -> Client:
    """An AE Capp with a container cse-in/app/box."""
    await client.register("app")
    await client.create("/cse-in/app", CONTAINER, {"m2m:cnt": {"rn": "box"}}, "Capp")
    return client


async def fill(client: Client, *contents: str, box: str = "/cse-in/app/box") -> None:
    for content in contents:
        assert (await client.create(box, INSTANCE, {"m2m:cin": {"con": content}}, "Capp")).rsc == 2001


async def contents(client: Client, box: str = "/cse-in/app/box") -> list[str]:
    answer = await client.get(f"{box}?rcn=8&ty=4", "Capp")
    return [instance["con"] for instance in answer.resource.get("m2m:cin", [])]


async def test_create_answers_with_everything_that_the_server_set(app: Client) -> None:
    answer = await app.create("/cse-in/app", CONTAINER, {"m2m:cnt": {"rn": "b2", "lbl": ["x"], "cr": None}}, "Capp")
    assert (answer.status, answer.rsc) == (201, 2001)
    resource = answer.content["m2m:cnt"]
    assert answer.headers["Content-Location"] == "/cse-in/app/b2"
    parent = (await app.get("/cse-in/app", "Capp")).resource
    assert resource.items() >= {"ty": 3, "rn": "b2", "pi": parent["ri"], "lbl": ["x"], "cr": "Capp", "st": 0}.items()
    assert resource.items() >= {"cni": 0, "cbs": 0, "ct": resource["lt"]}.items()
    assert len(resource["ct"]) == len(resource["et"]) == len("20260102T101500")
    assert resource["et"] <= parent["et"]


async def test_a_resource_without_a_name_gets_one(app: Client) -> None:
    resource = (await app.create("/cse-in/app", CONTAINER, {"m2m:cnt": {}}, "Capp")).resource
    assert resource["rn"]
    assert (await app.get(f"/cse-in/app/{resource['rn']}", "Capp")).resource == resource


async def test_update_merges_and_null_deletes(app: Client) -> None:
    await app.update("/cse-in/app/box", {"m2m:cnt": {"lbl": ["a"], "mni": 5}}, "Capp")
    answer = await app.update("/cse-in/app/box", {"m2m:cnt": {"lbl": None, "mbs": 10}}, "Capp")
    assert (answer.status, answer.rsc) == (200, 2004)
    resource = (await app.get("/cse-in/app/box", "Capp")).resource
    assert resource == answer.resource
    assert "lbl" not in resource
    assert (resource["mni"], resource["mbs"], resource["st"]) == (5, 10, 2)


@pytest.mark.parametrize(
    ("release", "form"), [("3", r"\d{8}T\d{6}"), (None, r"\d{8}T\d{6}"), ("4", r"\d{8}T\d{6},\d+")]
)
async def test_times_are_as_fine_as_the_release_reads_them(app: Client, release: str | None, form: str) -> None:
    await app.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "fine"}}, "Capp")
    await app.update("/cse-in/app/fine", {"m2m:cnt": {"lbl": ["a"]}}, "Capp")
    shown = (await app.get("/cse-in/app/fine", "Capp", X_M2M_RVI=release)).resource
    assert re.fullmatch(form, shown["ct"])
    assert re.fullmatch(form, shown["lt"])
    assert release != "4" or shown["lt"] > shown["ct"]


async def test_delete_takes_the_subtree_and_has_no_body(app: Client) -> None:
    await fill(app, "1")
    box = (await app.get("/cse-in/app/box", "Capp")).resource["ri"]
    answer = await app.delete("/cse-in/app", "Capp")
    assert (answer.status, answer.rsc, answer.content) == (200, 2002, None)
    assert [(await app.get(path)).rsc for path in ("/cse-in/app", f"/{box}", f"/{box}/la")] == [4004, 4004, 4004]


async def test_notify_reaches_the_application_and_brings_its_answer(client: Client, listener: Listener) -> None:
    await client.register("app", listener.url)
    listener.status_code = 4101
    body = {"m2m:sgn": {"sur": "cse-in/x", "nev": {"rep": {"m2m:cin": {"con": "hello"}}}}}
    answer = await client.request("POST", "/cse-in/app", "Capp", content=body)
    assert (answer.status, answer.rsc) == (403, 4101)
    (received,) = listener.received
    assert received.content == body
    assert received.headers["X-M2M-Origin"] == "Capp"


@pytest.mark.parametrize(
    ("path", "rsc"), [("/cse-in/app/box", 4005), ("/cse-in/app/box/la", 4005), ("/cse-in", 4000), ("/cse-in/no", 4004)]
)
async def test_only_applications_take_notifications(app: Client, path: str, rsc: int) -> None:
    assert (await app.request("POST", path, content={"m2m:sgn": {"sur": "x"}})).rsc == rsc


async def test_an_application_without_point_of_access_is_not_reachable(client: Client) -> None:
    await client.register("app")
    answer = await client.request("POST", "/cse-in/app", content={"m2m:sgn": {"sur": "x"}})
    assert (answer.status, answer.rsc) == (404, 5103)


async def test_every_form_of_address_names_the_same_resource(app: Client) -> None:
    box = (await app.get("/cse-in/app/box", "Capp")).resource
    ri = box["ri"]
    relative = ["cse-in/app/box", "-/app/box", ri, "Capp/box", "id-in/app/box"]
    paths = [f"{prefix}{form}" for prefix in ("/", "/~/id-in/", "/_/cse.example/id-in/") for form in relative]
    for path in paths:
        assert (await app.get(path, "Capp")).resource == box, path


@pytest.mark.parametrize("path", ["/", "/-", "/cse-in", "/id-in", "/~/id-in/-", "/_/cse.example/id-in/-"])
async def test_the_csebase_has_many_names(client: Client, path: str) -> None:
    assert (await client.get(path)).resource["ty"] == 5


@pytest.mark.parametrize(
    "path", ["/~/other/cse-in", "/_/other.example/id-in/cse-in", "/_/cse.example", "/other", "/cse-in/app/box/la/la"]
)
async def test_addresses_of_nothing_and_of_others_are_not_found(app: Client, path: str) -> None:
    assert (await app.get(path)).rsc == 4004


@pytest.mark.parametrize("path", ["/cse-in/", "/~", "/~/", "/cse-in//app", "/cse-in/a%20b", "/" + "a/" * 70 + "a"])
async def test_malformed_addresses_are_refused(app: Client, path: str) -> None:
    assert (await app.get(path)).rsc == 4000


async def test_latest_and_oldest(app: Client) -> None:
    assert (await app.get("/cse-in/app/box/la", "Capp")).rsc == 4004
    await fill(app, "1", "2", "3")
    assert (await app.get("/cse-in/app/box/la", "Capp")).resource["con"] == "3"
    assert (await app.get("/~/id-in/Capp/box/ol", "Capp")).resource["con"] == "1"
    assert (await app.delete("/cse-in/app/box/ol", "Capp")).rsc == 2002
    assert (await app.delete("/cse-in/app/box/la", "Capp")).rsc == 2002
    assert await contents(app) == ["2"]


@pytest.mark.parametrize("name", ["la", "ol"])
@pytest.mark.parametrize("full", [False, True])
async def test_latest_and_oldest_are_read_and_deleted_only(app: Client, name: str, full: bool) -> None:
    if full:
        await fill(app, "1")
    path = f"/cse-in/app/box/{name}"
    assert (await app.create(path, INSTANCE, {"m2m:cin": {"con": "2"}}, "Capp")).rsc == 4005
    assert (await app.update(path, {"m2m:cin": {"lbl": ["a"]}}, "Capp")).rsc == 4005


async def test_no_resource_can_have_the_name_of_a_virtual_one(app: Client) -> None:
    for name in ("la", "ol", "fopt", "-", "~", "_", ".", ".."):
        assert (await app.create("/cse-in/app", CONTAINER, {"m2m:cnt": {"rn": name}}, "Capp")).rsc == 4005


async def test_the_oldest_instances_go_when_there_are_too_many(app: Client) -> None:
    await app.update("/cse-in/app/box", {"m2m:cnt": {"mni": 2}}, "Capp")
    await fill(app, "1", "2", "3")
    assert await contents(app) == ["2", "3"]
    box = (await app.get("/cse-in/app/box", "Capp")).resource
    assert (box["cni"], box["cbs"], box["st"]) == (2, 2, 4)
    await app.update("/cse-in/app/box", {"m2m:cnt": {"mni": 1}}, "Capp")
    assert await contents(app) == ["3"]


async def test_the_oldest_instances_go_when_they_are_too_large(app: Client) -> None:
    await app.update("/cse-in/app/box", {"m2m:cnt": {"mbs": 6}}, "Capp")
    await fill(app, "aaa", "bbb", "c")
    assert await contents(app) == ["bbb", "c"]
    answer = await app.create("/cse-in/app/box", INSTANCE, {"m2m:cin": {"con": "1234567"}}, "Capp")
    assert (answer.status, answer.rsc) == (406, 5207)
    assert await contents(app) == ["bbb", "c"]
    await fill(app, "äää")
    assert await contents(app) == ["äää"]


async def test_deleted_instances_are_no_longer_counted(app: Client) -> None:
    await fill(app, "12", "345")
    await app.delete("/cse-in/app/box/la", "Capp")
    box = (await app.get("/cse-in/app/box", "Capp")).resource
    assert (box["cni"], box["cbs"]) == (1, 2)


async def test_instances_remember_the_state_of_their_container(app: Client) -> None:
    await fill(app, "1", "2")
    assert (await app.get("/cse-in/app/box/ol", "Capp")).resource["st"] == 1
    assert (await app.get("/cse-in/app/box/la", "Capp")).resource["st"] == 2


async def test_an_instance_can_be_read_as_often_as_it_says(app: Client) -> None:
    await app.create(
        "/cse-in/app/box", INSTANCE, {"m2m:cin": {"rn": "brief", "con": "1", "dcnt": 3}}, "Capp", X_M2M_RVI="4"
    )
    for path, left in (("brief", 3), ("la", 2), ("brief?atrl=dcnt", 1)):
        assert (await app.get(f"/cse-in/app/box/{path}", "Capp", X_M2M_RVI="4")).resource["dcnt"] == left
    assert (await app.get("/cse-in/app/box/brief", "Capp")).rsc == 4004
    assert (await app.get("/cse-in/app/box", "Capp")).resource["cni"] == 0


async def test_instances_can_not_be_updated(app: Client) -> None:
    answer = await app.create("/cse-in/app/box", INSTANCE, {"m2m:cin": {"con": "1", "rn": "one"}}, "Capp")
    assert answer.resource["cs"] == 1
    assert (await app.update("/cse-in/app/box/one", {"m2m:cin": {"lbl": ["a"]}}, "Capp")).rsc == 4005


async def test_disabled_retrieval_hides_instances_until_they_are_gone(app: Client) -> None:
    await fill(app, "secret")
    await app.update("/cse-in/app/box", {"m2m:cnt": {"disr": True}}, "Capp")
    assert (await app.get("/cse-in/app/box/la", "Capp")).rsc == 4005
    assert (await app.delete("/cse-in/app/box/la", "Capp")).rsc == 4005
    await app.update("/cse-in/app/box", {"m2m:cnt": {"disr": False}}, "Capp")
    assert (await app.get("/cse-in/app/box/la", "Capp")).rsc == 4004
    assert (await app.get("/cse-in/app/box", "Capp")).resource["cni"] == 0


@pytest.mark.parametrize(
    ("ty", "root", "parent", "rsc"),
    [
        (4, "cin", "/cse-in/app", 4108),
        (3, "cnt", "/cse-in/app/box/one", 4108),
        (23, "sub", "/cse-in/app/box/one", 5203),
        (2, "ae", "/cse-in/app", 4108),
        (5, "cb", "/cse-in", 4005),
        (17, "req", "/cse-in", 4005),
        (24, "smd", "/cse-in", 5001),
        (999999999, "x", "/cse-in", 4000),
    ],
)
async def test_not_every_type_goes_everywhere(app: Client, ty: int, root: str, parent: str, rsc: int) -> None:
    await app.create("/cse-in/app/box", INSTANCE, {"m2m:cin": {"con": "1", "rn": "one"}}, "Capp")
    assert (await app.create(parent, ty, {f"m2m:{root}": {}})).rsc == rsc


async def test_what_create_answers_is_chosen_by_the_result_content(app: Client) -> None:
    async def create(form: int, name: str) -> object:
        answer = await app.create(f"/cse-in/app?rcn={form}", CONTAINER, {"m2m:cnt": {"rn": name, "mni": 3}}, "Capp")
        assert answer.rsc == 2001
        return answer.content

    assert await create(0, "c0") is None
    assert await create(2, "c2") == {"m2m:uri": "cse-in/app/c2"}
    whole = await create(3, "c3")
    assert isinstance(whole, dict)
    assert whole["m2m:rce"]["uri"] == "cse-in/app/c3"
    assert whole["m2m:rce"]["m2m:cnt"]["mni"] == 3
    added = await create(9, "c9")
    assert isinstance(added, dict)
    assert {"ri", "ct", "et"} <= added["m2m:cnt"].keys()
    assert not {"rn", "mni"} & added["m2m:cnt"].keys()


async def test_what_update_answers_is_chosen_by_the_result_content(app: Client) -> None:
    assert (await app.update("/cse-in/app/box?rcn=0", {"m2m:cnt": {"mni": 3}}, "Capp")).content is None
    changed = (await app.update("/cse-in/app/box?rcn=9", {"m2m:cnt": {"mni": 4}}, "Capp")).resource
    assert "st" in changed
    assert not {"mni", "ri"} & changed.keys()


async def test_what_delete_answers_is_chosen_by_the_result_content(app: Client) -> None:
    answer = await app.delete("/cse-in/app/box?rcn=1", "Capp")
    assert answer.resource["rn"] == "box"


async def test_what_retrieve_answers_is_chosen_by_the_result_content(app: Client) -> None:
    await app.create("/cse-in/app/box", CONTAINER, {"m2m:cnt": {"rn": "inner"}}, "Capp")
    await fill(app, "1", box="/cse-in/app/box/inner")
    nested = (await app.get("/cse-in/app?rcn=4", "Capp")).resource
    assert nested["api"] == "N.test"
    assert nested["m2m:cnt"][0]["m2m:cnt"][0]["m2m:cin"][0]["con"] == "1"
    only_children = (await app.get("/cse-in/app?rcn=8&lvl=1", "Capp")).resource
    assert list(only_children) == ["m2m:cnt"]
    assert "m2m:cnt" not in only_children["m2m:cnt"][0]
    references = (await app.get("/cse-in/app?rcn=5", "Capp")).resource["ch"]
    assert references[0] == {"nm": "box", "typ": 3, "val": "cse-in/app/box"}
    listed = (await app.get("/cse-in/app?rcn=6&drt=2", "Capp")).content["m2m:rrl"]["rrf"]
    assert [reference["nm"] for reference in listed[:2]] == ["box", "inner"]
    assert listed[0]["val"].startswith("cnt")


@pytest.mark.parametrize(("form", "root"), [(2, "m2m:uri"), (3, "m2m:rce")])
async def test_the_address_of_a_new_resource_is_the_same_everywhere(app: Client, form: int, root: str) -> None:
    answer = await app.create(f"/cse-in/app?rcn={form}", CONTAINER, {"m2m:cnt": {"rn": "b2"}}, "Capp")
    found = answer.content[root] if form == 2 else answer.content[root]["uri"]
    assert answer.headers["Content-Location"] == found == "cse-in/app/b2"


async def test_a_response_without_content_says_what_it_would_be(app: Client) -> None:
    answer = await app.create("/cse-in/app?rcn=0", CONTAINER, {"m2m:cnt": {"rn": "b2"}}, "Capp")
    assert (answer.rsc, answer.content, answer.headers["Content-Type"]) == (2001, None, "application/json")


@pytest.mark.parametrize(
    ("method", "form"),
    [("GET", 0), ("GET", 2), ("GET", 7), ("GET", 9), ("GET", 99), ("PUT", 4), ("DELETE", 9), ("POST", 4), ("POST", 6)],
)
async def test_not_every_result_content_goes_with_every_operation(app: Client, method: str, form: int) -> None:
    content = {"POST": {"m2m:cnt": {"rn": "new"}}, "PUT": {"m2m:cnt": {"mni": 9}}}.get(method)
    answer = await app.request(
        method, f"/cse-in/app/box?rcn={form}", "Capp", ty=3 if method == "POST" else None, content=content
    )
    assert answer.rsc == 4000
    assert "rcn" in answer.debug
    assert (await app.get("/cse-in/app/box/new", "Capp")).rsc == 4004
    assert "mni" not in (await app.get("/cse-in/app/box", "Capp")).resource


async def test_single_attributes_can_be_asked_for(app: Client) -> None:
    answer = await app.get("/cse-in/app/box?atrl=rn+cni", "Capp")
    assert answer.content == {"m2m:cnt": {"rn": "box", "cni": 0}}
    assert (await app.get("/cse-in/app/box?atrl=lbl", "Capp")).rsc == 4004
    assert (await app.get("/cse-in/app/box?atrl=api", "Capp")).rsc == 4000


async def test_conditions_decide_whether_an_operation_is_carried_out(app: Client) -> None:
    await app.update("/cse-in/app/box", {"m2m:cnt": {"lbl": ["red"]}}, "Capp")
    assert (await app.get("/cse-in/app/box?fu=2&lbl=red&ty=3", "Capp")).rsc == 2000
    assert (await app.get("/cse-in/app/box?fu=2&lbl=blue", "Capp")).rsc == 4004
    assert (await app.update("/cse-in/app/box?lbl=blue", {"m2m:cnt": {"mni": 1}}, "Capp")).rsc == 4004
    assert (await app.delete("/cse-in/app/box?lbl=blue", "Capp")).rsc == 4004
    assert (await app.delete("/cse-in/app/box?unknown=1", "Capp")).rsc == 4000
    assert (await app.delete("/cse-in/app/box?fu=1", "Capp")).rsc == 4000
    assert (await app.create("/cse-in/app?lbl=red", CONTAINER, {"m2m:cnt": {}}, "Capp")).rsc == 4000
    assert (await app.delete("/cse-in/app/box?lbl=red", "Capp")).rsc == 2002


async def test_of_many_with_one_name_a_single_one_is_created(app: Client) -> None:
    content = {"m2m:cnt": {"rn": "one"}}
    answers = await asyncio.gather(*(app.create("/cse-in/app", CONTAINER, content, "Capp") for _ in range(20)))
    assert sorted(answer.rsc for answer in answers) == [2001] + [4105] * 19


async def test_of_many_registrations_of_one_application_a_single_one_succeeds(client: Client) -> None:
    answers = await asyncio.gather(*(client.register(f"r{number}", originator="Cone") for number in range(20)))
    assert sorted(answer.rsc for answer in answers) == [2001] + [4117] * 19


async def test_the_csebase_stays_as_it_is(client: Client) -> None:
    assert (await client.delete("/cse-in")).rsc == 4005
    assert (await client.update("/cse-in", {"m2m:cb": {"lbl": ["a"]}})).rsc == 4005


async def test_a_lifetime_is_never_longer_than_that_of_the_parent(app: Client) -> None:
    short = (
        await app.create("/cse-in/app", CONTAINER, {"m2m:cnt": {"rn": "short", "et": "20990101T000000"}}, "Capp")
    ).resource
    parent = (await app.get("/cse-in/app", "Capp")).resource
    assert short["et"] == parent["et"]
    past = await app.create("/cse-in/app", CONTAINER, {"m2m:cnt": {"et": "20200101T000000"}}, "Capp")
    assert past.rsc == 4000
    assert "et" in past.debug


async def test_a_parent_does_not_end_before_its_children(cse: Running) -> None:
    client = cse.client
    await client.register("app")
    await client.create("/cse-in/app", CONTAINER, {"m2m:cnt": {"rn": "box"}}, "Capp")
    soon = {"m2m:ae": {"et": "20270101T000000"}}
    answer = await client.update("/cse-in/app", soon, "Capp")
    assert answer.rsc == 4000
    assert "box" in answer.debug
