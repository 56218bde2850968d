"""Request parameters in any combination: carried out or refused with a reason, always soon."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.estate import OWNER, Estate, estate
from tests.fuzz.values import texts
from tests.servers import ADMIN

SHARED = settings(
    max_examples=3 * settings().max_examples,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)

SOON = ("0", "100", "PT0.1S", "P0D")
LATER = ("60000", "PT1H", "20991231T235959", "P1000Y")
ARGUMENTS = {
    **dict.fromkeys(("lvl", "lim", "ofst", "sts", "stb", "sza", "szb", "mni", "c.mni", "p.st"), ("0", "1", "2", "28")),
    **dict.fromkeys(("ty", "chty", "pty"), ("2", "3", "4", "5", "28")),
    **dict.fromkeys(("crb", "cra", "ms", "us", "exb", "exa"), ("20200101T000000", "20991231T235959,123456")),
    **dict.fromkeys(("lbl", "clbl", "palb", "rn", "c.rn", "p.rn", "or"), ("a", "*", "key:1", "box")),
    "rt": ("1", "2", "3", "4", "5"),
    "rcn": tuple(map(str, range(13))),
    "drt": ("1", "2"),
    "fu": ("1", "2", "3"),
    "fo": ("1", "2"),
    "atrl": ("rn", "lbl", "ri", "et", "con", "poa", "acpi"),
    "rp": (*SOON, *LATER),
    "lbq": ("a", "NT a", "a:1", "a IN (1, 2)", "a NE 1"),
    "cfs": ("1",),
    "cfq": ("$.a GT 5", '$.a[0] EQ "x" AND $.b LT 1', '$.a MATCH "*"'),
    "cty": ("application/json", "application/json:0"),
    "arp": ("la", "../app", "..", "/box/la", "../../../../x"),
    "grtm": (OWNER, "cse-in/app"),
    "rids": ("1@x", "x"),
    "da": ("false",),
    "tqi": ("0", "1"),
    "smf": ("x",),
}
HEADERS: dict[str, tuple[str | None, ...]] = {
    "X_M2M_RVI": (None, "2a", "4", "5"),
    "X_M2M_RET": (*SOON, "-1"),
    "X_M2M_RST": SOON,
    "X_M2M_OET": ("0", "10"),
    "X_M2M_OT": ("20200101T000000",),
    "X_M2M_EC": ("2", "3", "4", "100"),
    "X_M2M_GID": ("g1", "g" * 300),
    "X_M2M_RTU": ("", OWNER, "loopback://app", "http://127.0.0.1:9/x", "nobody&" * 50),
    "X_M2M_GTM": (OWNER, "cse-in/app&x"),
    "X_M2M_VSI": ("x", "\u00e9"),
    "Accept": ("*/*", "application/cbor", "application/json;q=0.5"),
}
ODD = (
    "",
    "-1",
    "1.5",
    "x",
    "\u0663",
    "1" * 40,
    "soon",
    "P",
    "99991231T235959Z",
    "(",
    ")" * 50,
    "$.a[" * 40,
    ",;",
    "&&",
    "http://[",
)
ORIGINATORS = (
    *[ADMIN] * 9,
    *[OWNER] * 5,
    "Cstranger",
    "C",
    "S",
    "",
    "/id-in/Capp",
    "//cse.example/id-in/CAdmin",
    "/other",
    "*",
)
READ = (
    "/", "/-", "/cse-in", "/~/id-in", "/~/id-in/-", "/_/cse.example/id-in/cse-in/app", "/Capp", "/cse-in/app/box",
    "/cse-in/app/box/la", "/cse-in/app/box/ol", "/cse-in/app/rules", "/cse-in/app/flex", "/cse-in/app/flex/la",
    "/cse-in/app/series", "/cse-in/app/meters", "/cse-in/app/meters/fopt", "/cse-in/app/meters/fopt/box",
    "/cse-in/nobody", "/cse-in/app-node", "/~/other/x",
    "/cse-in/app%23rr", "/cse-in/app%23", "/cse-in/app/box/la/x", "/cse-in/app/pcu",
)  # fmt: skip
FEW = st.sampled_from([1, 1, 1, 1, 2])
SCRATCH = "/cse-in/app/scratch"
REMOVED = (
    SCRATCH,
    "/cse-in",
    "/cse-in/nobody",
    "/cse-in/app/meters/fopt/scratch",
    "/cse-in/app/scratch/la",
    "/~/other/x",
)
CHANGES = (
    {"m2m:cnt": {"lbl": ["a"]}},
    {"m2m:ae": {"lbl": ["key:1"]}},
    {"m2m:cnt": {}},
    {},
    None,
    {"m2m:grp": {"gn": "x"}},
)
NEWS = (
    (4, {"m2m:cin": {"con": "1"}}), (3, {"m2m:cnt": {}}), (None, {"m2m:sgn": {"sur": "x"}}), (None, {"m2m:rsp": {}}),
    (2, {"m2m:ae": {"api": "N.x", "rr": False, "srv": ["3"]}}), (23, {"m2m:sub": {"nu": [OWNER]}}), (None, None),
    (9, {"m2m:grp": {"mnm": 1, "mid": []}}), (17, {"m2m:req": {}}), (99, {"m2m:x": {}}),
)  # fmt: skip


class Sent(NamedTuple):
    method: str
    path: str
    originator: str
    ty: int | None
    content: Any
    headers: dict[str, str | None]


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """Any request; what it deletes can be spared."""
    method = draw(st.sampled_from(["GET", "GET", "POST", "PUT", "DELETE"]))
    path = draw(st.sampled_from(REMOVED if method == "DELETE" else READ))
    ty, content = draw(st.sampled_from(NEWS)) if method == "POST" else (None, None)
    content = draw(st.sampled_from(CHANGES)) if method == "PUT" else content
    chosen = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=2, unique=True))
    headers = {name: draw(mostly(st.sampled_from(HEADERS[name]), st.sampled_from(ODD))) for name in chosen}
    return Sent(method, path + draw(queries()), draw(st.sampled_from(ORIGINATORS)), ty, content, headers)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A few arguments, most of them known, with one value or several."""
    names = draw(st.lists(mostly(st.sampled_from(sorted(ARGUMENTS)), st.sampled_from(ODD)), max_size=3, unique=True))
    values = {
        name: draw(mostly(st.sampled_from(ARGUMENTS.get(name, ODD)), st.sampled_from(ODD) | texts)) for name in names
    }
    parts = [f"{written(name)}={'+'.join([written(value)] * draw(FEW))}" for name, value in values.items()]
    return "?" + "&".join(parts) if parts else ""


def mostly(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda number: other if number == 9 else usual)


def written(text: str) -> str:
    """As it stands in a URL."""
    return quote(text[:200].encode(errors="replace"), safe="")


@pytest.fixture
async def place(clean_log: None) -> AsyncIterator[Estate]:
    async with estate() as furnished:
        yield furnished


@given(sent=requests())
@SHARED
async def test_parameters_in_any_combination_are_heeded_or_refused(place: Estate, sent: Sent) -> None:
    await place.cse.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "scratch"}}, OWNER)
    furniture = await place.paths() - {SCRATCH.removeprefix("/")}
    answer = await place.ask(sent.method, sent.path, sent.originator, ty=sent.ty, content=sent.content, **sent.headers)
    if answer.rsc in (1001, 1002):
        await place.finished(answer.content["m2m:uri"])
    assert furniture <= await place.paths()
