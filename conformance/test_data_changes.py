"""DMR/UPD, DMR/DEL: resources are updated and deleted."""

from typing import Any

import pytest

from conformance.application import Application, timestamp
from conformance.purposes import case, purpose
from conformance.samples import SAMPLES, Sample, Workshop, hidden, samples
from conformance.standard import ACP, AE, CIN, CNT, GRP, SUB

TP = "TP/oneM2M/CSE/DMR"


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/001", f"{TP}/UPD/016"))
def test_change(workshop: Workshop, sample: Sample) -> None:
    """An attribute is changed, and the time of it noted."""
    who, path = workshop.make(sample)
    before = who.retrieve(path).resource(2000)
    who.update(path, sample.ty, sample.change, root=sample.root).expect(2004)
    after = who.retrieve(path).resource(2000)
    assert {name: after[name] for name in sample.change} == sample.change
    assert after["ct"] == before["ct"]
    assert after["lt"] >= before["lt"]


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/002", f"{TP}/UPD/014"))
def test_add(workshop: Workshop, sample: Sample) -> None:
    """An attribute is added."""
    who, path = workshop.make(sample)
    who.update(path, sample.ty, {"lbl": ["new"]}, root=sample.root).expect(2004)
    assert who.retrieve(path).resource(2000)["lbl"] == ["new"]


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/003", f"{TP}/UPD/015"))
def test_remove(workshop: Workshop, sample: Sample) -> None:
    """An attribute is removed by null."""
    who, path = workshop.make(sample, lbl=["old"])
    who.update(path, sample.ty, {"lbl": None}, root=sample.root).expect(2004)
    assert "lbl" not in who.retrieve(path).resource(2000)


@purpose(f"{TP}/UPD/004")
def test_all_at_once(ae: Application) -> None:
    """Attributes are changed, added and removed by one request."""
    path = ae.container(mni=7, lbl=["a"])
    changes = {"mni": 8, "mbs": 100, "lbl": None}
    ae.update(path, CNT, changes).expect(2004)
    attributes = ae.retrieve(path).resource(2000)
    assert {name: attributes.get(name) for name in changes} == changes


@purpose(f"{TP}/UPD/005")
def test_update_of_nothing(ae: Application) -> None:
    """A resource that is not there."""
    ae.update(f"{ae.path}/nothing", CNT, {"mni": 1}).expect(4004)


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/006", where=hidden))
def test_update_without_privilege(workshop: Workshop, stranger: Application, sample: Sample) -> None:
    """Without the privilege; nothing is changed."""
    who, path = workshop.make(sample)
    stranger.update(path, sample.ty, {"lbl": ["a"]}, root=sample.root).expect(4103)
    assert "lbl" not in who.retrieve(path).resource(2000)


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/007"))
def test_read_only(workshop: Workshop, sample: Sample) -> None:
    """Attributes that only the host may write."""
    who, path = workshop.make(sample)
    before = who.retrieve(path).resource(2000)
    for name in ("ri", "pi", "ct", "lt", "ty", "rn"):
        who.update(path, sample.ty, {name: before[name]}, root=sample.root).expect(4000)
    assert who.retrieve(path).resource(2000) == before


@purpose(f"{TP}/UPD/007")
@pytest.mark.parametrize("name", ["st", "cni", "cbs"])
def test_read_only_attribute_of_container(ae: Application, name: str) -> None:
    """The counters of a container are the host's."""
    path = ae.container()
    ae.update(path, CNT, {name: ae.retrieve(path).resource(2000)[name]}).expect(4000)


@purpose(f"{TP}/UPD/008")
@pytest.mark.parametrize(("ty", "name"), [(GRP, "mnm"), (GRP, "mid"), (ACP, "pv"), (ACP, "pvs"), (SUB, "nu")])
def test_mandatory_attribute(workshop: Workshop, ty: int, name: str) -> None:
    """A mandatory attribute can't be removed."""
    sample = next(sample for sample in SAMPLES if sample.ty == ty)
    who, path = workshop.make(sample)
    who.update(path, ty, {name: None}).expect(4000)


@purpose(f"{TP}/UPD/008")
def test_mandatory_attribute_of_entity(ae: Application) -> None:
    """A mandatory attribute of an AE can't be removed."""
    ae.update(ae.path, AE, {"rr": None}).expect(4000)


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/009"))
def test_bad_value(workshop: Workshop, sample: Sample) -> None:
    """A value that the attribute can't have, beside one that it can; nothing is changed."""
    who, path = workshop.make(sample)
    who.update(path, sample.ty, {"lbl": ["a"]} | sample.bad, root=sample.root).expect(4000)
    assert "lbl" not in who.retrieve(path).resource(2000)


@pytest.mark.parametrize("sample", samples(f"{TP}/UPD/009"))
def test_unknown_attribute(workshop: Workshop, sample: Sample) -> None:
    """An attribute that the type does not have, beside one that it has; nothing is changed."""
    who, path = workshop.make(sample)
    who.update(path, sample.ty, {"lbl": ["a"], "unknown": 1}, root=sample.root).expect(4000)
    assert "lbl" not in who.retrieve(path).resource(2000)


@purpose("TP/own/CSE/DMR/UPD/001")
def test_update_without_attributes(ae: Application) -> None:
    """An UPDATE has at least one attribute (TS-0004 clause 7.3.3.7), unless the type knows what else it could mean."""
    ae.update(ae.path, AE, {}).expect(4000)


@purpose("TP/own/CSE/DMR/UPD/002")
def test_other_root(ae: Application) -> None:
    """The content of an UPDATE is of the type of its target."""
    ae.send("PUT", ae.container(), {"m2m:grp": {"lbl": ["a"]}}).expect(4000, 4102)


@purpose("TP/own/CSE/DMR/UPD/003")
def test_expiration_in_the_past(ae: Application) -> None:
    """Nothing is made to have expired (TS-0004 clause 7.3.3.7)."""
    ae.update(ae.container(), CNT, {"et": "20000101T000000"}).expect(4000)


@purpose("TP/own/CSE/DMR/UPD/004")
def test_expiration(ae: Application) -> None:
    """The expirationTime is changed."""
    wanted = timestamp(hours=2)
    path = ae.container()
    ae.update(path, CNT, {"et": wanted}).expect(2004)
    assert ae.retrieve(path).resource(2000)["et"][:15] == wanted


@purpose("TP/own/CSE/DMR/UPD/005")
def test_expiration_of_parent(ae: Application) -> None:
    """A parent can't expire before its child (TS-0001 clause 9.6.1.3.2)."""
    parent = ae.container()
    ae.container(parent)
    ae.update(parent, CNT, {"et": timestamp(hours=1)}).expect(4000)


@purpose("TP/own/CSE/DMR/UPD/006")
def test_state(ae: Application) -> None:
    """An update raises the stateTag (TS-0001 clause 9.6.1.3.2)."""
    path = ae.container()
    before = ae.retrieve(path).resource(2000)["st"]
    assert ae.update(path, CNT, {"lbl": ["a"]}).resource(2004)["st"] == before + 1


@purpose("TP/own/CSE/DMR/UPD/007")
def test_result_nothing(ae: Application) -> None:
    """resultContent 0: nothing."""
    assert not ae.update(ae.container(), CNT, {"lbl": ["a"]}, rcn=0).expect(2004)


@purpose("TP/own/CSE/DMR/UPD/008")
@pytest.mark.parametrize("query", [{}, {"rcn": 1}])
def test_result_attributes(ae: Application, query: dict[str, Any]) -> None:
    """resultContent 1, the default: all attributes."""
    attributes = ae.update(ae.container(mni=7), CNT, {"lbl": ["a"]}, **query).resource(2004)
    assert (attributes["lbl"], attributes["mni"]) == (["a"], 7)


@purpose("TP/own/CSE/DMR/UPD/009")
def test_result_modified_attributes(ae: Application) -> None:
    """resultContent 9: only what the host changed beside the request."""
    attributes = ae.update(ae.container(), CNT, {"lbl": ["a"]}, rcn=9).resource(2004)
    assert "lt" in attributes or "st" in attributes
    assert not {"lbl", "ri", "ct"} & set(attributes)


@purpose("TP/own/CSE/DMR/UPD/010")
@pytest.mark.parametrize("rcn", [2, 3, 4, 5, 6, 8])
def test_wrong_result(ae: Application, rcn: int) -> None:
    """Result contents that UPDATE does not have; nothing is changed."""
    path = ae.container()
    ae.update(path, CNT, {"lbl": ["a"]}, rcn=rcn).expect(4000)
    assert "lbl" not in ae.retrieve(path).resource(2000)


@purpose("TP/own/CSE/DMR/UPD/011")
def test_condition_of_update(ae: Application) -> None:
    """Nothing is updated that does not meet the condition (TS-0004 clause 7.3.3.17)."""
    path = ae.container(lbl=["a"])
    ae.send("PUT", path, {"m2m:cnt": {"mni": 1}}, query={"crb": "20200101T000000"}).expect(4004)
    assert "mni" not in ae.retrieve(path).resource(2000)
    ae.send("PUT", path, {"m2m:cnt": {"mni": 1}}, query={"cra": "20200101T000000"}).expect(2004)


@pytest.mark.parametrize("name", [case(f"{TP}/UPD/011", ""), case(f"{TP}/UPD/012", "la"), case(f"{TP}/UPD/013", "ol")])
def test_instances_are_not_updated(ae: Application, name: str) -> None:
    """Instances can't be updated, by whatever name."""
    path = ae.container()
    name = name or ae.instance(path, "x")["rn"]
    ae.instance(path, "y")
    ae.update(f"{path}/{name}", CIN, {"lbl": ["a"]}).expect(4005)


@pytest.mark.parametrize("sample", samples(f"{TP}/DEL/001"))
def test_delete(workshop: Workshop, sample: Sample) -> None:
    """A resource is deleted."""
    who, path = workshop.make(sample)
    who.delete(path).expect(2002)
    who.retrieve(path).expect(4004)


@pytest.mark.parametrize("sample", samples(f"{TP}/DEL/002", where=hidden))
def test_delete_without_privilege(workshop: Workshop, stranger: Application, sample: Sample) -> None:
    """Without the privilege."""
    who, path = workshop.make(sample)
    stranger.delete(path).expect(4103)
    who.retrieve(path).expect(2000)


@purpose(f"{TP}/DEL/003")
def test_delete_nothing(ae: Application) -> None:
    """A resource that is not there."""
    ae.delete(f"{ae.path}/nothing").expect(4004)


@purpose(f"{TP}/DEL/004")
def test_delete_with_children(ae: Application) -> None:
    """The children go with their parent."""
    path = ae.container()
    inner = ae.container(path)
    instance = ae.instance(inner, "x")["ri"]
    ae.delete(path).expect(2002)
    for gone in (inner, f"{inner}/la", instance):
        ae.retrieve(gone).expect(4004)


@purpose("TP/own/CSE/DMR/DEL/001")
def test_condition_of_delete(ae: Application) -> None:
    """Nothing is deleted that does not meet the condition (TS-0004 clause 7.3.3.17)."""
    path = ae.container(lbl=["a"])
    ae.delete(path, lbl="b").expect(4004)
    ae.delete(path, lbl="a").expect(2002)


@purpose("TP/own/CSE/DMR/DEL/002")
def test_delete_result(ae: Application) -> None:
    """resultContent 1: the last state; by default nothing."""
    assert ae.delete(ae.container(lbl=["a"]), rcn=1).resource(2002)["lbl"] == ["a"]
    assert not ae.delete(ae.container()).expect(2002)


@purpose("TP/own/CSE/DMR/DEL/003")
@pytest.mark.parametrize("rcn", [4, 5, 6, 8])
def test_delete_result_with_children(ae: Application, rcn: int) -> None:
    """Result contents with children show what has been deleted."""
    path = ae.container(lbl=["a"])
    ae.container(path, rn="inner")
    result = ae.delete(path, rcn=rcn).resource(2002)
    children = result.get("m2m:cnt") or result.get("ch") or result["rrf"]
    assert [child.get("rn", child.get("nm")) for child in children] == ["inner"]
    assert result.get("lbl") == (["a"] if rcn in (4, 5) else None)
