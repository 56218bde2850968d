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

SHARED = settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])

SOON = ("0", "100", "PT0.1S", "P0D")
LATER = ("60000", "PT1H", "20991231T235959", "P1000Y")
NEVER = ("-1", "20200101T000000", "soon", "", "P", "\u00b2", "99991231T235959Z")
TIMES = ("20200101T000000", "20991231T235959,123456", "2020", "now")
NUMBERS = ("0", "1", "2", "3", "11", "28", "999999", "-1", "1.5", "x", "\u0663", "1" * 40)
NAMES = ("rn", "lbl", "ri", "et", "con", "poa", "nothing", "_root", "acpi")
ARGUMENTS = {
    **dict.fromkeys(("rt", "rcn", "drt", "fu", "fo", "lvl", "lim", "ofst", "ty", "chty", "pty", "cfs"), NUMBERS),
    **dict.fromkeys(("sts", "stb", "sza", "szb", "mni", "c.mni", "p.st", "p.cni", "tqi", "fcied"), NUMBERS),
    **dict.fromkeys(("crb", "cra", "ms", "us", "exb", "exa"), TIMES),
    **dict.fromkeys(("lbl", "clbl", "palb", "rn", "c.rn", "p.rn", "or", "smf"), ("a", "*", "key:1")),
    **dict.fromkeys(("ct", "xyz", "c.", "con"), ("a", "1")),
    "atrl": NAMES,
    "rp": (*SOON, *LATER, *NEVER),
    "lbq": ("a", "NT a", "a:1", "a IN (1, 2)", "a EQ", "(", ")" * 50, "a+NE+1"),
    "cfq": ("$.a GT 5", "$.a[0] EQ \"x\" AND $.b LT 1", "$", "$.a MATCH \"*\"", "AND", "$.a[" * 40, "$.a EQ 1e999"),
    "cty": ("application/json", "application/json:0", ":", "*"),
    "arp": ("la", "../app", "..", "/box/la", "a//b", "../../../../x"),
    "grtm": (OWNER, "cse-in/app", "nobody", "/"),
    "rids": ("1@x", "x"),
    "da": ("true", "false", "maybe"),
}  # fmt: skip
HEADERS = {
    "X_M2M_RVI": (None, "2a", "3", "4", "5", "1", "9", ""),
    "X_M2M_RI": (None, "", "same", "x" * 2000),
    "X_M2M_RET": (*SOON, *NEVER),
    "X_M2M_RST": (*SOON, *NEVER),
    "X_M2M_OET": (*SOON[:1], "10", *NEVER),
    "X_M2M_OT": TIMES,
    "X_M2M_EC": (*NUMBERS, "4", "100"),
    "X_M2M_GID": ("g1", "", "g" * 300),
    "X_M2M_RTU": ("", OWNER, "loopback://app", "http://127.0.0.1:9/x", "http://[", "&&", "nobody&" * 50),
    "X_M2M_GTM": (OWNER, "cse-in/app&x", ""),
    "X_M2M_VSI": ("x", "\u00e9", ""),
    "X_M2M_AS": ("x",),
    "Accept": ("*/*", "application/cbor", "image/*", "application/json;q=0", ",;", "text/*"),
}
ORIGINATORS = (
    ADMIN,
    ADMIN,
    OWNER,
    "Cstranger",
    "C",
    "S",
    "",
    "/id-in/Capp",
    "//cse.example/id-in/CAdmin",
    "/other",
    "*",
    "a b",
)
READ = (
    "/", "/-", "/cse-in", "/~/id-in", "/~/id-in/-", "/_/cse.example/id-in/cse-in/app", "/Capp", "/cse-in/app/box",
    "/cse-in/app/box/la", "/cse-in/app/box/ol", "/cse-in/app/rules", "/cse-in/app/flex", "/cse-in/app/flex/la",
    "/cse-in/app/series", "/cse-in/app/meters", "/cse-in/app/meters/fopt", "/cse-in/app/meters/fopt/box",
    "/cse-in/nobody", "/cse-in/app-node", "/~/other/x",
    "/cse-in/app%23rr", "/cse-in/app%23", "/cse-in/app/box/la/x", "/cse-in/app/pcu",
)  # fmt: skip
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
    chosen = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=3, unique=True))
    headers = {name: draw(st.sampled_from(HEADERS[name])) for name in chosen}
    return Sent(method, path + draw(queries()), draw(st.sampled_from(ORIGINATORS)), ty, content, headers)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A few arguments, most of them known, with one value or several."""
    names = draw(st.lists(st.sampled_from(sorted(ARGUMENTS)), max_size=4, unique=True))
    parts = [f"{name}={'+'.join(draw(arguments(name)))}" for name in names]
    return "?" + "&".join(parts) if parts else ""


def arguments(name: str) -> st.SearchStrategy[list[str]]:
    written = st.sampled_from(ARGUMENTS[name]) | texts.map(lambda text: text.encode(errors="replace").decode())
    return st.lists(written.map(lambda text: quote(text[:200], safe="")), min_size=1, max_size=2)


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
