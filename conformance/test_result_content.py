"""DMR/RET/020-025, DMR/DEL: what responses show of a resource and of what is below it."""

from typing import Any

import pytest

from conformance.application import Application
from conformance.purposes import purpose
from conformance.standard import CIN, CNT

TP = "TP/oneM2M/CSE/DMR/RET"
WITH_CHILDREN = [4, 5, 6, 8]


@pytest.fixture
def filled(ae: Application) -> str:
    """A container with two instances, `old` and `new`, and a child container `inner` with an instance `deep`."""
    path = ae.container(lbl=["a"])
    ae.container(path, rn="inner", lbl=["b"])
    for container, name in ((path, "old"), (path, "new"), (f"{path}/inner", "deep")):
        ae.create(container, CIN, {"rn": name, "con": name}).expect(2001)
    return path


def shown(attributes: Any) -> set[str]:
    """The names of all child resources in any form."""
    references = attributes.get("ch", attributes.get("rrf", []))
    children = [child for root in ("m2m:cnt", "m2m:cin") for child in attributes.get(root, [])]
    names = [reference["nm"] for reference in references] + [child["rn"] for child in children]
    assert len(names) == len(set(names))
    return set(names).union(*map(shown, children))


@purpose("TP/own/CSE/DMR/RET/021")
@pytest.mark.parametrize("rcn", WITH_CHILDREN)
def test_whole_branches(ae: Application, filled: str, rcn: int) -> None:
    """A limit leaves out whole direct children, and the response says where to go on (TS-0001 clause 8.1.2)."""
    everything = shown(ae.retrieve(filled, rcn=rcn).resource(2000))
    assert everything == {"inner", "deep", "old", "new"}
    first = ae.retrieve(filled, rcn=rcn, lim=3)
    assert shown(first.resource(2000)) == {"inner", "deep", "old"}
    assert first.headers["x-m2m-cts"] == "1"
    second = ae.retrieve(filled, rcn=rcn, lim=3, ofst=first.headers["x-m2m-cto"])
    assert shown(second.resource(2000)) == {"new"}
    assert "x-m2m-cto" not in second.headers


@purpose("TP/own/CSE/DMR/RET/022")
@pytest.mark.parametrize("rcn", WITH_CHILDREN)
def test_a_branch_that_is_too_large(ae: Application, filled: str, rcn: int) -> None:
    """A direct child that does not fit with all that is below it is not included (TS-0001 clause 8.1.2)."""
    answer = ae.retrieve(filled, rcn=rcn, lim=1)
    assert shown(answer.resource(2000)) == set()
    assert (answer.headers["x-m2m-cts"], answer.headers["x-m2m-cto"]) == ("1", "1")


@purpose("TP/own/CSE/DMR/RET/023")
@pytest.mark.parametrize("rcn", WITH_CHILDREN)
def test_offset(ae: Application, filled: str, rcn: int) -> None:
    """An offset of 1 is the first direct child (TS-0004 clause 7.3.3.17.15)."""
    for offset, names in ((1, {"inner", "deep", "old", "new"}), (2, {"old", "new"}), (3, {"new"}), (4, set())):
        assert shown(ae.retrieve(filled, rcn=rcn, ofst=offset).resource(2000)) == names


@purpose("TP/own/CSE/DMR/RET/024")
@pytest.mark.parametrize("rcn", WITH_CHILDREN)
def test_no_children(ae: Application, rcn: int) -> None:
    """A resource without children."""
    assert shown(ae.retrieve(ae.container(), rcn=rcn).resource(2000)) == set()


@purpose("TP/own/CSE/DMR/RET/025")
@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"lbl": "b"}, {"inner"}),
        ({"con": "*e*"}, {"deep", "new"}),
        ({"ty": CIN}, {"old", "new", "deep"}),
        ({"ty": CNT, "lbl": "a"}, set()),
        ({"ty": CIN, "lvl": 1}, {"old", "new"}),
        ({"lbl": "b", "arp": "la"}, {"deep"}),
    ],
)
@pytest.mark.parametrize("rcn", WITH_CHILDREN)
def test_criteria(ae: Application, filled: str, rcn: int, criteria: dict[str, Any], names: set[str]) -> None:
    """The criteria choose children (TS-0001 table 8.1.2-2), even of one that they do not choose."""
    assert shown(ae.retrieve(filled, rcn=rcn, **criteria).resource(2000)) == names


@purpose("TP/own/CSE/DMR/RET/026")
def test_criteria_without_children(ae: Application, filled: str) -> None:
    """Without filterUsage the criteria do not choose the target (TS-0001 table 8.1.2-2)."""
    assert ae.retrieve(filled, rcn=1, lbl="b").resource(2000)["lbl"] == ["a"]


@purpose("TP/own/CSE/DMR/RET/027")
@pytest.mark.parametrize("rcn", [5, 6])
def test_unstructured(ae: Application, filled: str, rcn: int) -> None:
    """desiredIdentifierResultType 2: references are resource identifiers."""
    attributes = ae.retrieve(filled, rcn=rcn, drt=2, lbl="b").resource(2000)
    (reference,) = attributes["ch" if rcn == 5 else "rrf"]
    assert [ae.cse.relative(reference["val"])] == ae.identify([f"{filled}/inner"])


@purpose("TP/own/CSE/DMR/RET/028")
def test_disabled_retrieval(ae: Application, filled: str) -> None:
    """Instances of a container with disableRetrieval are not retrieved with it, either (TS-0001 clause 9.6.6)."""
    ae.update(filled, CNT, {"disr": True}).expect(2004)
    assert shown(ae.retrieve(filled, rcn=4).resource(2000)) == {"inner", "deep"}


@purpose(f"{TP}/005", "TP/own/CSE/DMR/RET/029")
@pytest.mark.parametrize("names", [["lbl"], ["rn", "lbl", "ri"]])
def test_attribute_list(ae: Application, filled: str, names: list[str]) -> None:
    """The attributes that are wanted are named in the content (TS-0004 clause 7.5.2)."""
    assert set(ae.send("GET", filled, {"m2m:atrl": names}).resource(2000)) == set(names)


@purpose("TP/own/CSE/DMR/RET/030")
@pytest.mark.parametrize("query", [{"rcn": 4}, {"rcn": 6}, {"fu": 1}])
def test_attribute_list_with_children(ae: Application, query: dict[str, Any]) -> None:
    """A list of attributes does not go with children or addresses."""
    ae.retrieve(ae.path, atrl="rn", **query).expect(4000)


@purpose("TP/own/CSE/DMR/DEL/021")
@pytest.mark.parametrize("rcn", WITH_CHILDREN)
def test_last_state(ae: Application, filled: str, rcn: int) -> None:
    """A DELETE shows what a RETRIEVE before it would have shown (TS-0001 table 8.1.2-1)."""
    before = ae.retrieve(filled, rcn=rcn).resource(2000)
    assert ae.delete(filled, rcn=rcn).resource(2002) == before
    ae.retrieve(f"{filled}/inner").expect(4004)


@purpose("TP/own/CSE/DMR/DEL/022")
@pytest.mark.parametrize("query", [{"rcn": 2}, {"rcn": 3}, {"rcn": 7}, {"rcn": 9}, {"atrl": "lbl"}, {"fu": 1}])
def test_refused_delete(ae: Application, query: dict[str, Any]) -> None:
    """Result contents and parameters that DELETE does not have; nothing is deleted."""
    path = ae.container(lbl=["a"])
    ae.delete(path, **query).expect(4000)
    ae.retrieve(path).expect(2000)
