"""What the pages say is true: their commands print what stands below them, and they name everything that there is.

A page's ```sh blocks are pasted into one bash, one after the other, beside a server that has just been started in an
empty folder. The ```text or ```json block behind one is what it prints; a block without one prints nothing. `…` stands
for an identifier, a time or a length, everything else must be equal: a text by its lines, JSON by its values, however
they are laid out. Where a page says 127.0.0.1:8080, the test uses a free port, and for the database on db.example an
empty one of its own.
"""

import configparser
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.routing import Route

from cse.app import Server
from cse.config import Settings
from cse.fanout.states import Failure, State
from cse.network import Discard, Offer, Reason
from tests import postgresql

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
CSE = Path(sys.executable).with_name("cse")
ADDRESS = "127.0.0.1:8080"
DATABASE = "postgresql://cse:secret@db.example/cse"
WIDTH = "100"  # columns of the tables that commands print

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAME = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")  # a setting or a field, by its underscore
ANYTHING = "…"
END_OF_STEP = "-- end of step --"
NO_BLOCK = (0, "", "")


class Step(NamedTuple):
    """The commands of one block, what they print (a text, or JSON), and the line of the page where they stand."""

    line: int
    commands: str
    language: str
    expected: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[tuple[int, str, str]]:
    """Line, language and text of every block."""
    text = read(page)
    return [(text.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in FENCE.finditer(text)]


def steps(page: Path) -> list[Step]:
    found = blocks(page)
    result = []
    for (line, language, commands), (_, following, expected) in zip_longest(found, found[1:], fillvalue=NO_BLOCK):
        if language == "sh":
            is_output = following in ("text", "json")
            result.append(Step(line, commands, following if is_output else "text", expected if is_output else ""))
    return result


PROGRAMS = [page for page in PAGES if steps(page)]


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """`cse serve` as a program in this folder: its address and what it has printed."""
    process = subprocess.Popen([CSE, "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        printed = process.stdout.readline() + process.stdout.readline()
        address = re.search(r"http://([\d.:]+)/", printed)
        assert address, f"the server did not say where it listens: {printed!r}"
        yield address[1], printed
    finally:
        process.terminate()
        process.communicate()


def paste(folder: Path, commands: str) -> str:
    """What bash prints, errors included."""
    environment = {
        "HOME": str(folder),
        "PATH": f"{CSE.parent}:{os.environ['PATH']}",
        "COLUMNS": WIDTH,
        "LC_ALL": "C.UTF-8",
    }
    result = subprocess.run(
        ["bash"],
        input=commands,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.stdout


def is_as_told(step: Step, printed: str) -> bool:
    if step.language == "json":
        return same(values(step.expected), values(printed))
    return same(lines(step.expected), lines(printed))


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def values(text: str) -> list[Any]:
    """All JSON values that stand one after another; text that is none, as it is."""
    found: list[Any] = []
    rest = text.strip()
    while rest:
        try:
            value, end = json.JSONDecoder().raw_decode(rest)
        except json.JSONDecodeError:
            return [*found, rest]
        found.append(value)
        rest = rest[end:].strip()
    return found


def same(expected: Any, actual: Any) -> bool:
    """Equality of JSON values, but for what `…` stands for."""
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and expected.keys() == actual.keys()
            and all(same(value, actual[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, str) and ANYTHING in expected:
        pattern = r"[0-9A-Za-z.]+".join(map(re.escape, expected.split(ANYTHING)))
        return type(actual) is not bool and re.fullmatch(pattern, str(actual)) is not None
    return type(expected) is type(actual) and bool(expected == actual)


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.name)
def test_the_commands_of_a_page_print_what_it_says(page: Path, tmp_path: Path) -> None:
    assert shutil.which("curl"), "the pages show curl, so this test needs it: install the package curl"
    todo = steps(page)
    script = "".join(f"{step.commands}\necho '{END_OF_STEP}'\n" for step in todo)
    if DATABASE in script:
        script = script.replace(DATABASE, postgresql.new_database())
    with server(tmp_path) as (address, _):
        *printed, rest = paste(tmp_path, script.replace(ADDRESS, address)).replace(address, ADDRESS).split(END_OF_STEP)
    wrong = [
        f"{page.name}:{step.line} prints\n{output.strip()}\ninstead of\n{step.expected}"
        for step, output in zip(todo, printed, strict=True)
        if not is_as_told(step, output)
    ]
    assert not wrong, "\n".join(wrong)
    assert not rest.strip()


def test_the_server_greets_as_the_readme_says(tmp_path: Path) -> None:
    (greeting,) = (text for _, language, text in blocks(ROOT / "README.md") if "resources in sqlite" in text)
    with server(tmp_path) as (address, printed):
        assert same(lines(greeting), lines(printed.replace(address, ADDRESS)))


def test_there_is_something_to_paste() -> None:
    assert {"README.md", "groups.md"} <= {page.name for page in PROGRAMS}
    pasted = [step.commands for page in PROGRAMS for step in steps(page)]
    shown = [text for page in PAGES for _, language, text in blocks(page) if "curl" in text and language == "console"]
    assert pasted
    assert not shown, "a block with curl is to be run: make it a sh block"


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ('{"rsc": 2000} 200', '{"rsc": 2001} 200'),
        ('{"rsc": 2000} 2000', '{"rsc": 2000} 2001'),
        ('{"rsc": 2000}', '{"rsc": 2000, "fr": "x"}'),
        ('{"rsc": 2000, "fr": "x"}', '{"rsc": 2000}'),
        ('{"m2m:rsp": [1, 2]}', '{"m2m:rsp": [1]}'),
        ('{"ri": "grp…"}', '{"ri": "req1"}'),
        ('{"ri": "grp…"}', '{"ri": "grp"}'),
        ('{"ct": "…"}', '{"ct": true}'),
        ('{"rr": true}', '{"rr": 1}'),
        ('{"m2m:dbg": "no member answered"}', '{"m2m:dbg": "no member has answered"}'),
        ('{"a": 1}', "no JSON"),
    ],
)
def test_a_difference_in_json_is_noticed(expected: str, actual: str) -> None:
    step = Step(1, "", "json", expected)
    assert is_as_told(step, expected.replace(ANYTHING, "1"))
    assert not is_as_told(step, actual)


@pytest.mark.parametrize(
    "actual", ["HTTP/1.1 201 Created\nx-m2m-rsc: 2000", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\nx-m2m-rsc: 2000\nmore"]
)
def test_a_difference_in_a_text_is_noticed(actual: str) -> None:
    step = Step(1, "", "text", "HTTP/1.1 200 OK\nx-m2m-rsc: 2000\n")
    assert is_as_told(step, step.expected)
    assert not is_as_told(step, actual)


def test_the_architecture_names_every_module_and_none_that_is_not_there() -> None:
    named = set(re.findall(r"^- `([\w/]*\w)`", read(DOCS / "architecture.md"), re.MULTILINE))
    engine = {module(path) for path in (ROOT / "cse").rglob("*.py")} - {"cse"}
    types = {module(path) for path in (ROOT / "resources").rglob("*.py")} - {"resources"}
    networks = {module(path) for path in (ROOT / "plugins").glob("*.py")} - {"plugins"}
    networks |= {module(path) for path in (ROOT / "plugins").glob("*/__init__.py")}
    assert named == engine | types | networks


def test_the_architecture_shows_the_layers_that_are_enforced() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    enforced = contracts["importlinter:contract:layers"]["layers"].strip().splitlines()
    shown = re.findall(r"^\| (\d) \| (.*) \|$", read(DOCS / "architecture.md"), re.MULTILINE)
    assert [int(number) for number, _ in shown] == list(range(len(enforced)))[::-1]
    assert [set(re.findall(r"\w+", names)) for _, names in shown] == [set(re.findall(r"\w+", row)) for row in enforced]


def module(path: Path) -> str:
    """`cse/fanout/seen`; a package by its own name."""
    return path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__")


def test_the_plugin_to_copy_is_shown_as_it_is() -> None:
    shown = [text for _, language, text in blocks(DOCS / "networks.md") if language == "python"]
    assert read(ROOT / "plugins" / "loopback.py") in shown


def test_every_code_that_users_see_is_explained() -> None:
    groups, networks = read(DOCS / "groups.md"), read(DOCS / "networks.md")
    codes = [code.value for kind in (Failure, State, Discard) for code in kind]
    assert not [code for code in codes if f"`{code}`" not in groups]
    assert not [reason.value for reason in Reason if f"`{reason.value}`" not in networks]
    assert not [field.name for field in dataclasses.fields(Offer) if f"`{field.name}`" not in networks]


def test_every_route_of_the_operator_is_explained() -> None:
    operator = Server(Settings({"server": {"store": "memory:"}})).operator_routes
    shown = read(DOCS / "groups.md")
    methods = [
        f"{method} {operator.path}{route.path}"
        for route in operator.routes
        if isinstance(route, Route) and route.path != "/{path:path}"
        for method in (route.methods or set()) - {"HEAD"}
    ]
    assert methods
    assert not [route for route in methods if f"`{route}`" not in shown]


def test_every_name_in_the_pages_is_one_of_the_code() -> None:
    code = "\n".join(read(path) for room in ("cse", "plugins", "resources") for path in (ROOT / room).rglob("*.py"))
    names = {name for page in PAGES for name in NAME.findall(read(page))}
    assert names
    assert not [name for name in sorted(names) if not re.search(rf"\b{name}\b", code)]


def test_no_link_leads_nowhere() -> None:
    links = [(page, target) for page in PAGES for target in LINK.findall(read(page))]
    assert links
    assert not [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
