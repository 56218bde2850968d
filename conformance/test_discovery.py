"""DIS: discovery."""

from typing import Any

import pytest

from conformance.application import Application, rule
from conformance.client import Answer
from conformance.purposes import purpose
from conformance.standard import ACP, AE, ALL, CIN, CNT, DISCOVERY, RETRIEVE

TP = "TP/oneM2M/CSE/DIS"
CONTRADICTIONS = [
    {"crb": "20200101T000000", "cra": "20210101T000000"},
    {"us": "20200101T000000", "ms": "20210101T000000"},
    {"exb": "20200101T000000", "exa": "20210101T000000"},
    {"sts": 1, "stb": 2},
]


def hits(who: Application, answer: Answer) -> list[str]:
    """The CSE-relative addresses that were found, in either form of a list."""
    content = answer.expect(2000)
    found: Any = content["m2m:uril"] if "m2m:uril" in content else [ref["val"] for ref in content["m2m:rrl"]["rrf"]]
    return [who.cse.relative(address) for address in (found.split() if isinstance(found, str) else found)]


def found(who: Application, start: str, **criteria: Any) -> set[str]:
    """The names below `start` of what is found, without any duplicates."""
    addresses = hits(who, who.retrieve(start, fu=1, **criteria))
    assert len(addresses) == len(set(addresses))
    return {address.removeprefix(f"{start}/") for address in addresses}


@pytest.fixture
def tree(ae: Application) -> str:
    """A container with a labelled container below it, an instance in that, and another container."""
    top = ae.container()
    inner = ae.container(top, rn="inner", lbl=["key:value", "a"])
    ae.container(top, rn="other", mni=8, lbl=["b"])
    ae.create(inner, CIN, {"rn": "reading", "con": "x" * 20, "cnf": "text/plain:0"}).expect(2001)
    ae.update(inner, CNT, {"mni": 7}).expect(2004)
    return top


@purpose(f"{TP}/001")
def test_everything(ae: Application, tree: str) -> None:
    """Everything below the start."""
    assert found(ae, tree) == {"inner", "inner/reading", "other"}


@purpose(f"{TP}/002")
@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"ty": CNT}, {"inner", "other"}),
        ({"ty": CIN}, {"inner/reading"}),
        ({"ty": f"{CNT}+{CIN}"}, {"inner", "inner/reading", "other"}),
        ({"lbl": "key:value"}, {"inner"}),
        ({"lbl": "key:value+nothing"}, {"inner"}),
        ({"lbl": "a+b"}, {"inner", "other"}),
        ({"ty": CNT, "lbl": "a"}, {"inner"}),
        ({"ty": CIN, "lbl": "a"}, set()),
        ({"lvl": 1}, {"inner", "other"}),
        ({"lvl": 2}, {"inner", "inner/reading", "other"}),
        ({"ty": f"{CNT}+{CIN}", "lvl": 1}, {"inner", "other"}),
        ({"cra": "20200101T000000", "ty": CNT}, {"inner", "other"}),
        ({"crb": "20200101T000000"}, set()),
        ({"ms": "20200101T000000", "ty": CNT}, {"inner", "other"}),
        ({"us": "20200101T000000"}, set()),
        ({"exa": "20200101T000000", "ty": CNT}, {"inner", "other"}),
        ({"exb": "20200101T000000"}, set()),
        ({"stb": 1, "ty": CNT}, {"inner"}),
        ({"sts": 1, "ty": CNT}, {"other"}),
        ({"sza": 20}, {"inner/reading"}),
        ({"szb": 20}, set()),
        ({"cty": "text/plain:0"}, {"inner/reading"}),
        ({"rn": "oth*"}, {"other"}),
        ({"rn": "*er"}, {"inner", "other"}),
        ({"mni": 7}, {"inner"}),
        ({"con": "xxx*"}, {"inner/reading"}),
    ],
)
def test_criteria(ae: Application, tree: str, criteria: dict[str, Any], names: set[str]) -> None:
    """Only what fits the filter criteria (TS-0001 clause 8.1.2)."""
    assert found(ae, tree, **criteria) == names


@purpose("TP/own/CSE/DIS/001")
@pytest.mark.parametrize(("limit", "number"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_limit(ae: Application, tree: str, limit: int, number: int) -> None:
    """Not more than the limit."""
    assert len(found(ae, tree, lim=limit)) == number


@purpose("TP/own/CSE/DIS/002")
def test_offset(ae: Application) -> None:
    """What one discovery has left out, the next ones find."""
    start = ae.container()
    names = {str(number) for number in range(5)}
    for name in names:
        ae.container(start, rn=f"n{name}")
    pages = [found(ae, start, lim=2, lvl=1, ofst=offset) for offset in (1, 3, 5)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert set.union(*pages) == {f"n{name}" for name in names}


@purpose(f"{TP}/003")
def test_no_match(ae: Application, tree: str) -> None:
    """No match is a success with an empty list."""
    assert found(ae, tree, lbl="nothing") == set()


@purpose(f"{TP}/004")
def test_unstructured(ae: Application, tree: str) -> None:
    """desiredIdentifierResultType 2: unstructured addresses."""
    assert hits(ae, ae.retrieve(tree, fu=1, drt=2, lbl="a")) == ae.identify([f"{tree}/inner"])


@purpose("TP/own/CSE/DIS/003")
def test_structured(ae: Application, tree: str) -> None:
    """desiredIdentifierResultType 1: structured addresses, whatever the form of the start."""
    (identifier,) = ae.identify([tree])
    assert hits(ae, ae.retrieve(identifier, fu=1, drt=1, lbl="a")) == [f"{tree}/inner"]


@purpose("TP/own/CSE/DIS/004")
def test_found_addresses(ae: Application, tree: str) -> None:
    """What is found can be retrieved by what the list says."""
    answer = ae.retrieve(tree, fu=1, drt=2)
    types = sorted(ae.retrieve(address).resource(2000)["ty"] for address in hits(ae, answer))
    assert types == [CNT, CNT, CIN]


@purpose("TP/own/CSE/DIS/005")
def test_references(ae: Application, tree: str) -> None:
    """resultContent 6: the list has types, too."""
    references = ae.retrieve(tree, fu=1, rcn=6).expect(2000)["m2m:rrl"]["rrf"]
    assert sorted(reference["typ"] for reference in references) == [CNT, CNT, CIN]


@purpose(f"{TP}/005")
def test_no_privilege(ae: Application, stranger: Application) -> None:
    """Without DISCOVERY on the start."""
    start = ae.container(acpi=[ae.policy(rule(ALL - DISCOVERY, stranger.identifier))])
    stranger.retrieve(start, fu=1).expect(4103)


@purpose(f"{TP}/006")
def test_missing(ae: Application) -> None:
    """A start that is not there."""
    ae.retrieve(f"{ae.path}/nothing", fu=1).expect(4004)


@purpose(f"{TP}/007")
@pytest.mark.parametrize(
    "criteria",
    [{"ty": "container"}, {"cra": "yesterday"}, {"lim": "few"}, {"lim": -1}, {"lvl": "deep"}, {"fu": 9}, {"ofst": "x"}],
)
def test_malformed(ae: Application, criteria: dict[str, Any]) -> None:
    """Malformed filter criteria (4000 by TS-0004, 4102 in the ATS of 2018)."""
    ae.retrieve(ae.path, **({"fu": 1} | criteria)).expect(4000, 4102)


@purpose(f"{TP}/008")
@pytest.mark.parametrize("criteria", CONTRADICTIONS)
def test_contradiction(ae: Application, criteria: dict[str, Any]) -> None:
    """Filter criteria that contradict each other (4000 by TS-0004, 4102 in the ATS of 2018)."""
    ae.retrieve(ae.path, fu=1, **criteria).expect(4000, 4102)


@purpose(f"{TP}/009")
def test_hidden(ae: Application, stranger: Application) -> None:
    """What the originator may not discover is left out."""
    visible = ae.policy(rule(DISCOVERY | RETRIEVE, stranger.identifier), rule(ALL, ae.identifier))
    start = ae.container(acpi=[visible])
    ae.container(start)
    assert found(stranger, start) == set()
    ae.container(start, rn="shown", acpi=[visible])
    assert found(stranger, start) == {"shown"}


@purpose("TP/own/CSE/DIS/006")
def test_below_the_entity(ae: Application) -> None:
    """Resources of all types are found."""
    ae.policy()
    ae.container()
    for ty in (ACP, CNT):
        assert len(found(ae, ae.path, ty=ty)) == 1


@purpose("TP/own/CSE/DIS/007")
def test_from_the_base(ae: Application) -> None:
    """The administrator finds the AE and what is below it from the CSEBase."""
    label = ae.path.split("/")[-1]
    ae.container(rn="labelled", lbl=[label])
    ae.update(ae.path, AE, {"lbl": [label]}).expect(2004)
    administrator = Application(ae.cse, {"aei": ae.cse.administrator, "rn": ""}, ae.remove)
    assert found(administrator, ae.cse.name, lbl=label) == {label, f"{label}/labelled"}


@purpose("TP/own/CSE/DIS/008")
def test_deleted(ae: Application, tree: str) -> None:
    """What has been deleted is not found any more."""
    ae.delete(f"{tree}/inner").expect(2002)
    assert found(ae, tree) == {"other"}


@purpose("TP/own/CSE/DIS/009")
def test_changed(ae: Application, tree: str) -> None:
    """What has been updated is found by its new attributes."""
    ae.update(f"{tree}/other", CNT, {"lbl": ["a"]}).expect(2004)
    assert found(ae, tree, lbl="a") == {"inner", "other"}
    assert found(ae, tree, lbl="b") == set()
