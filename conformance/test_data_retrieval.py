"""DMR/RET: resources are retrieved."""

from typing import Any

import pytest

from conformance.application import Application, timestamp
from conformance.purposes import case, purpose
from conformance.samples import Sample, Workshop, hidden, samples
from conformance.standard import CIN, CNT

TP = "TP/oneM2M/CSE/DMR/RET"


@pytest.fixture
def filled(ae: Application) -> str:
    """A container with two instances, `old` and `new`, a child container, and a label."""
    path = ae.container(lbl=["a"])
    ae.container(path, rn="inner")
    ae.instance(path, "old")
    ae.instance(path, "new")
    return path


@pytest.mark.parametrize("sample", samples(f"{TP}/001", f"{TP}/013"))
def test_all_attributes(workshop: Workshop, sample: Sample) -> None:
    """All attributes: those of the request and those that the host has made."""
    who, path = workshop.make(sample, lbl=["a"])
    attributes = who.retrieve(path).resource(2000)
    assert {"ri", "pi", "rn", "ct", "lt", "et", "ty"} <= set(attributes)
    assert (attributes["ty"], attributes["lbl"]) == (sample.ty, ["a"])
    assert attributes["rn"] == path.split("/")[-1]


@purpose("TP/own/CSE/DMR/RET/001")
def test_attributes_of_container(ae: Application) -> None:
    """An empty container has counters and a stateTag."""
    attributes = ae.retrieve(ae.container(mni=7)).resource(2000)
    assert (attributes["mni"], attributes["cni"], attributes["cbs"]) == (7, 0, 0)
    assert isinstance(attributes["st"], int)


@purpose(f"{TP}/002")
def test_missing(ae: Application) -> None:
    """A resource that is not there."""
    ae.retrieve(f"{ae.path}/nothing").expect(4004)


@purpose("TP/own/CSE/DMR/RET/002")
def test_missing_for_a_stranger(ae: Application, stranger: Application) -> None:
    """What is missing is missing for everybody (TS-0004 clause 7.3.2.6: existence is checked before access)."""
    stranger.retrieve(f"{ae.path}/nothing").expect(4004)


@pytest.mark.parametrize("sample", samples(f"{TP}/003", f"{TP}/014", where=hidden))
def test_no_privilege(workshop: Workshop, stranger: Application, sample: Sample) -> None:
    """Without the privilege."""
    _, path = workshop.make(sample)
    stranger.retrieve(path).expect(4103)


@pytest.mark.parametrize("sample", samples((f"{TP}/004", f"{TP}/005"), (f"{TP}/015", f"{TP}/016")))
def test_one_attribute(workshop: Workshop, sample: Sample) -> None:
    """Only the attribute that is asked for; on HTTP it is named in the query in either case (TS-0009 6.2.2.2)."""
    who, path = workshop.make(sample, lbl=["a"])
    assert who.retrieve(path, atrl="lbl").resource(2000) == {"lbl": ["a"]}


@pytest.mark.parametrize("sample", samples(f"{TP}/006", f"{TP}/017"))
def test_several_attributes(workshop: Workshop, sample: Sample) -> None:
    """Only the attributes that are asked for."""
    who, path = workshop.make(sample, lbl=["a"])
    assert set(who.retrieve(path, atrl="lbl+ri+ct").resource(2000)) == {"lbl", "ri", "ct"}


@pytest.mark.parametrize("sample", samples(f"{TP}/007", f"{TP}/018"))
def test_one_missing_attribute(workshop: Workshop, sample: Sample) -> None:
    """An attribute of the type that the resource does not have at present (4004 in the ATS of 2018)."""
    who, path = workshop.make(sample)
    who.retrieve(path, atrl="lbl").expect(4004)


@pytest.mark.parametrize("sample", samples(f"{TP}/008", f"{TP}/019"))
def test_several_missing_attributes(workshop: Workshop, sample: Sample) -> None:
    """Several attributes, one of which the resource does not have at present (4004 in the ATS of 2018)."""
    who, path = workshop.make(sample)
    who.retrieve(path, atrl="ri+lbl").expect(4004)


@purpose("TP/own/CSE/DMR/RET/003")
@pytest.mark.parametrize("names", ["nonsense", "mni+nonsense"])
def test_unknown_attribute(ae: Application, names: str) -> None:
    """An attribute that the type does not have."""
    ae.retrieve(ae.container(mni=7), atrl=names).expect(4000, 4004)


@pytest.mark.parametrize("name", [case(f"{TP}/009", "la"), case(f"{TP}/011", "ol")])
def test_empty_container(ae: Application, name: str) -> None:
    """The latest and the oldest of an empty container."""
    ae.retrieve(f"{ae.container()}/{name}").expect(4004)


@pytest.mark.parametrize(("name", "content"), [case(f"{TP}/010", "ol", "old"), case(f"{TP}/012", "la", "new")])
def test_latest_and_oldest(ae: Application, filled: str, name: str, content: str) -> None:
    """The latest and the oldest."""
    attributes = ae.retrieve(f"{filled}/{name}").resource(2000)
    assert (attributes["con"], attributes["ty"]) == (content, CIN)


@purpose(f"{TP}/020")
@pytest.mark.parametrize("rcn", [0, 2, 3, 9])
def test_wrong_result(ae: Application, rcn: int) -> None:
    """Result contents that RETRIEVE does not have."""
    ae.retrieve(ae.path, rcn=rcn).expect(4000)


@purpose(f"{TP}/021")
def test_attributes_only(ae: Application, filled: str) -> None:
    """resultContent 1: attributes only."""
    attributes = ae.retrieve(filled, rcn=1).resource(2000)
    assert "m2m:cin" not in attributes
    assert "ch" not in attributes


@purpose(f"{TP}/022")
def test_attributes_and_children(ae: Application, filled: str) -> None:
    """resultContent 4: attributes and child resources."""
    attributes = ae.retrieve(filled, rcn=4).resource(2000)
    assert attributes["lbl"] == ["a"]
    assert {child["con"] for child in attributes["m2m:cin"]} == {"old", "new"}
    assert [child["rn"] for child in attributes["m2m:cnt"]] == ["inner"]


@purpose(f"{TP}/023")
def test_attributes_and_references(ae: Application, filled: str) -> None:
    """resultContent 5: attributes and references to child resources."""
    attributes = ae.retrieve(filled, rcn=5).resource(2000)
    assert attributes["lbl"] == ["a"]
    assert sorted(reference["typ"] for reference in attributes["ch"]) == [CNT, CIN, CIN]


@purpose(f"{TP}/024")
def test_references(ae: Application, filled: str) -> None:
    """resultContent 6: references to child resources only."""
    references = ae.retrieve(filled, rcn=6).resource(2000)["rrf"]
    assert sorted(reference["typ"] for reference in references) == [CNT, CIN, CIN]
    assert f"{filled}/inner" in [ae.cse.relative(reference["val"]) for reference in references]


@purpose(f"{TP}/025")
def test_children(ae: Application, filled: str) -> None:
    """resultContent 8: child resources without the attributes of the parent."""
    attributes = ae.retrieve(filled, rcn=8).resource(2000)
    assert {"m2m:cin", "m2m:cnt"} <= set(attributes)
    assert not {"lbl", "rn", "ct"} & set(attributes)


@purpose("TP/own/CSE/DMR/RET/004")
def test_grandchildren(ae: Application, filled: str) -> None:
    """Child resources are nested (TS-0004 clause 7.5.2)."""
    ae.instance(f"{filled}/inner", "deep")
    (inner,) = ae.retrieve(filled, rcn=4).resource(2000)["m2m:cnt"]
    assert [child["con"] for child in inner["m2m:cin"]] == ["deep"]


@purpose("TP/own/CSE/DMR/RET/005")
def test_level(ae: Application, filled: str) -> None:
    """Level 1: direct children only (TS-0001 clause 10.2.6)."""
    ae.instance(f"{filled}/inner", "deep")
    (inner,) = ae.retrieve(filled, rcn=4, lvl=1).resource(2000)["m2m:cnt"]
    assert "m2m:cin" not in inner


@purpose("TP/own/CSE/DMR/RET/006")
@pytest.mark.parametrize(("ty", "wanted"), [(CIN, {"m2m:cin"}), (CNT, {"m2m:cnt"})])
def test_children_of_a_type(ae: Application, filled: str, ty: int, wanted: set[str]) -> None:
    """The filter applies to the children."""
    assert set(ae.retrieve(filled, rcn=8, ty=ty).resource(2000)) == wanted


@purpose("TP/own/CSE/DMR/RET/007")
def test_hidden_children(ae: Application, stranger: Application, filled: str) -> None:
    """Children that the originator may not retrieve are left out."""
    everybody = ae.policy({"acor": ["all"], "acop": 63})
    outer = ae.container(acpi=[everybody])
    ae.container(outer, rn="hidden")
    ae.container(outer, rn="shown", acpi=[everybody])
    assert [child["rn"] for child in stranger.retrieve(outer, rcn=4).resource(2000)["m2m:cnt"]] == ["shown"]


def conditions() -> list[Any]:
    past, future = "20200101T000000", timestamp(days=1)
    return [
        ({"lbl": "a"}, {"lbl": "b"}),
        ({"cra": past}, {"crb": past}),
        ({"crb": future}, {"cra": future}),
        ({"ms": past}, {"us": past}),
        ({"us": future}, {"ms": future}),
        ({"exa": future}, {"exb": past}),
        ({"sts": 99}, {"stb": 99}),
        ({"ty": CNT}, {"ty": CIN}),
        ({"mni": 7}, {"mni": 8}),
        ({"lbl": "a", "mni": 8, "fo": 2}, {"lbl": "a", "mni": 8}),
    ]


@purpose("TP/own/CSE/DMR/RET/008")
@pytest.mark.parametrize(("met", "unmet"), conditions(), ids="+".join)
def test_condition(ae: Application, met: dict[str, Any], unmet: dict[str, Any]) -> None:
    """filterUsage 2: a resource that does not meet the condition is not there (TS-0004 clause 7.3.3.17)."""
    path = ae.container(lbl=["a"], mni=7)
    ae.retrieve(path, fu=2, **met).expect(2000)
    ae.retrieve(path, fu=2, **unmet).expect(4004)
