"""DIS: discovery."""

from typing import Any

import pytest

from conformance.client import ALL, CIN, CNT, DISCOVERY, RETRIEVE, Answer, Application, rule

CONTRADICTIONS = [
    {"crb": "20200101T000000", "cra": "20210101T000000"},
    {"us": "20200101T000000", "ms": "20210101T000000"},
    {"exb": "20200101T000000", "exa": "20210101T000000"},
    {"sts": 1, "stb": 2},
]


def hits(answer: Answer) -> set[str]:
    """The addresses that were found, in either form of a list."""
    content = answer.expect(2000)
    found: Any = content["m2m:uril"] if "m2m:uril" in content else [ref["val"] for ref in content["m2m:rrl"]["rrf"]]
    return set(found.split() if isinstance(found, str) else found)


@pytest.fixture
def tree(ae: Application) -> str:
    """A container `top` with a labelled container below it and an instance in that."""
    top = ae.container()
    inner = ae.container(top, rn="inner", lbl=["key:value", "a"])
    ae.container(top, rn="other")
    ae.instance(inner, "x")
    return top


def test_dis_001(ae: Application, tree: str) -> None:
    """Everything below the start."""
    found = hits(ae.retrieve(tree, fu=1))
    assert {f"{tree}/inner", f"{tree}/other"} <= found
    assert len(found) == 3


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"ty": CNT}, {"inner", "other"}),
        ({"lbl": "key:value"}, {"inner"}),
        ({"lbl": "key:value+nothing"}, {"inner"}),
        ({"ty": CNT, "lbl": "a"}, {"inner"}),
        ({"lvl": 1}, {"inner", "other"}),
        ({"ty": f"{CNT}+{CIN}", "lvl": 1}, {"inner", "other"}),
        ({"cra": "20200101T000000", "ty": CNT}, {"inner", "other"}),
        ({"rn": "oth*", "ty": CNT}, {"other"}),
    ],
)
def test_dis_002(ae: Application, tree: str, criteria: dict[str, Any], names: set[str]) -> None:
    """Only what fits the filter criteria."""
    assert hits(ae.retrieve(tree, fu=1, **criteria)) == {f"{tree}/{name}" for name in names}


def test_dis_002_limit(ae: Application, tree: str) -> None:
    """Not more than the limit."""
    assert len(hits(ae.retrieve(tree, fu=1, lim=2))) == 2


def test_dis_003(ae: Application, tree: str) -> None:
    """No match is a success with an empty list."""
    assert hits(ae.retrieve(tree, fu=1, lbl="nothing")) == set()


def test_dis_004(ae: Application, tree: str) -> None:
    """desiredIdentifierResultType 2: unstructured addresses."""
    identifier = ae.retrieve(f"{tree}/inner").resource(2000)["ri"]
    assert hits(ae.retrieve(tree, fu=1, drt=2, lbl="a")) == {identifier}


def test_dis_005(ae: Application, stranger: Application) -> None:
    """Without DISCOVERY on the start."""
    start = ae.container(acpi=[ae.policy(rule(ALL - DISCOVERY, stranger.identifier))])
    stranger.retrieve(start, fu=1).expect(4103)


def test_dis_006(ae: Application) -> None:
    """A start that is not there."""
    ae.retrieve(f"{ae.path}/nothing", fu=1).expect(4004)


@pytest.mark.parametrize("criteria", [{"ty": "container"}, {"cra": "yesterday"}, {"lim": "few"}, {"fu": 9}])
def test_dis_007(ae: Application, criteria: dict[str, Any]) -> None:
    """Malformed filter criteria (4000 by TS-0004, 4102 in the ATS of 2018)."""
    ae.retrieve(ae.path, **({"fu": 1} | criteria)).expect(4000, 4102)


@pytest.mark.parametrize("criteria", CONTRADICTIONS)
def test_dis_008(ae: Application, criteria: dict[str, Any]) -> None:
    """Filter criteria that contradict each other (4000 by TS-0004, 4102 in the ATS of 2018)."""
    ae.retrieve(ae.path, fu=1, **criteria).expect(4000, 4102)


def test_dis_009(ae: Application, stranger: Application) -> None:
    """What the originator may not discover is left out."""
    visible = ae.policy(rule(DISCOVERY | RETRIEVE, stranger.identifier), rule(ALL, ae.identifier))
    start = ae.container(acpi=[visible])
    ae.container(start)
    assert hits(stranger.retrieve(start, fu=1)) == set()
    shown = ae.container(start, acpi=[visible])
    assert hits(stranger.retrieve(start, fu=1)) == {shown}
