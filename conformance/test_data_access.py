"""DMR/RET, DMR/UPD, DMR/DEL: resources are retrieved, updated and deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.client import AE, CIN, CNT, Application, Attributes


@pytest.fixture
def filled(ae: Application) -> str:
    """A container with two instances, `old` and `new`, a child container, and a label."""
    path = ae.container(lbl=["a"])
    ae.container(path, rn="inner")
    ae.instance(path, "old")
    ae.instance(path, "new")
    return path


def test_dmr_ret_001(ae: Application) -> None:
    """All attributes."""
    path = ae.container(lbl=["a"], mni=7)
    attributes = ae.retrieve(path).resource(2000)
    assert (attributes["lbl"], attributes["mni"], attributes["cni"], attributes["cbs"]) == (["a"], 7, 0, 0)
    assert {"ri", "pi", "rn", "ct", "lt", "et", "ty", "st"} <= set(attributes)


def test_dmr_ret_002(ae: Application) -> None:
    """A resource that is not there."""
    ae.retrieve(f"{ae.path}/nothing").expect(4004)


def test_dmr_ret_003(ae: Application, stranger: Application) -> None:
    """Without the privilege; what is missing is missing for everybody."""
    stranger.retrieve(ae.container()).expect(4103)
    stranger.retrieve(f"{ae.path}/nothing").expect(4004)


@pytest.mark.parametrize("names", [["mni"], ["mni", "lbl", "ri"]])
def test_dmr_ret_005_006(ae: Application, names: list[str]) -> None:
    """Only the attributes that are asked for."""
    path = ae.container(lbl=["a"], mni=7)
    assert set(ae.retrieve(path, atrl="+".join(names)).resource(2000)) == set(names)


@pytest.mark.parametrize("names", ["mbs", "mni+mbs"])
def test_dmr_ret_007_008(ae: Application, names: str) -> None:
    """An attribute that the resource does not have at present."""
    ae.retrieve(ae.container(mni=7), atrl=names).expect(4004)


@pytest.mark.parametrize("name", ["la", "ol"])
def test_dmr_ret_009_011(ae: Application, name: str) -> None:
    """The latest and the oldest of an empty container."""
    ae.retrieve(f"{ae.container()}/{name}").expect(4004)


@pytest.mark.parametrize(("name", "content"), [("ol", "old"), ("la", "new")])
def test_dmr_ret_010_012(ae: Application, filled: str, name: str, content: str) -> None:
    """The latest and the oldest."""
    assert ae.retrieve(f"{filled}/{name}").resource(2000)["con"] == content


@pytest.mark.parametrize("rcn", [0, 2, 3])
def test_dmr_ret_020(ae: Application, rcn: int) -> None:
    """Result contents that RETRIEVE does not have."""
    ae.retrieve(ae.path, rcn=rcn).expect(4000)


def test_dmr_ret_021(ae: Application, filled: str) -> None:
    """resultContent 1: attributes only."""
    attributes = ae.retrieve(filled, rcn=1).resource(2000)
    assert "m2m:cin" not in attributes
    assert "ch" not in attributes


def test_dmr_ret_022(ae: Application, filled: str) -> None:
    """resultContent 4: attributes and child resources."""
    attributes = ae.retrieve(filled, rcn=4).resource(2000)
    assert attributes["lbl"] == ["a"]
    assert [child["con"] for child in attributes["m2m:cin"]] == ["old", "new"]
    assert [child["rn"] for child in attributes["m2m:cnt"]] == ["inner"]


def test_dmr_ret_023(ae: Application, filled: str) -> None:
    """resultContent 5: attributes and references to child resources."""
    attributes = ae.retrieve(filled, rcn=5).resource(2000)
    assert attributes["lbl"] == ["a"]
    assert sorted(reference["typ"] for reference in attributes["ch"]) == [CNT, CIN, CIN]


def test_dmr_ret_024(ae: Application, filled: str) -> None:
    """resultContent 6: references to child resources only."""
    references = ae.retrieve(filled, rcn=6).resource(2000)["rrf"]
    assert sorted(reference["typ"] for reference in references) == [CNT, CIN, CIN]
    assert f"{filled}/inner" in [reference["val"] for reference in references]


def test_dmr_ret_025(ae: Application, filled: str) -> None:
    """resultContent 8: child resources without the attributes of the parent."""
    attributes = ae.retrieve(filled, rcn=8).resource(2000)
    assert set(attributes) == {"m2m:cin", "m2m:cnt"}


@pytest.mark.parametrize("changes", [{"mni": 8}, {"mbs": 100}, {"mni": None}, {"mni": 8, "mbs": 100, "lbl": None}])
def test_dmr_upd_001_004(ae: Application, changes: Attributes) -> None:
    """Attributes are changed, added, removed, and all of that at once."""
    path = ae.container(mni=7, lbl=["a"])
    wanted = {"mni": 7, "lbl": ["a"]} | changes
    ae.update(path, CNT, changes).expect(2004)
    attributes = ae.retrieve(path).resource(2000)
    assert {name: attributes.get(name) for name in wanted} == wanted


def test_dmr_upd_005(ae: Application) -> None:
    """A resource that is not there."""
    ae.update(f"{ae.path}/nothing", CNT, {"mni": 1}).expect(4004)


def test_dmr_upd_006(ae: Application, stranger: Application) -> None:
    """Without the privilege."""
    stranger.update(ae.container(), CNT, {"mni": 1}).expect(4103)


@pytest.mark.parametrize("name", ["ri", "pi", "ct", "lt", "ty", "rn", "st", "cni", "cbs"])
def test_dmr_upd_007(ae: Application, name: str) -> None:
    """An attribute that only the host may write."""
    path = ae.container()
    value = ae.retrieve(path).resource(2000)[name]
    ae.update(path, CNT, {name: value}).expect(4000)


def test_dmr_upd_008(ae: Application) -> None:
    """A mandatory attribute can't be removed."""
    ae.update(ae.path, AE, {"rr": None}).expect(4000)


@pytest.mark.parametrize("changes", [{"unknown": 1}, {"mni": "many"}, {"et": "20000101T000000"}, {}])
def test_dmr_upd_009(ae: Application, changes: Attributes) -> None:
    """An attribute that the type does not have, a value that it can't have, or no attribute; nothing is changed."""
    path = ae.container(mni=7)
    ae.update(path, CNT, {"mbs": 1} | changes if changes else changes).expect(4000)
    attributes = ae.retrieve(path).resource(2000)
    assert (attributes["mni"], attributes.get("mbs")) == (7, None)


@pytest.mark.parametrize("name", ["", "la", "ol"])
def test_dmr_upd_011_013(ae: Application, filled: str, name: str) -> None:
    """Instances can't be updated, by whatever name."""
    name = name or ae.retrieve(f"{filled}/la").resource(2000)["rn"]
    ae.update(f"{filled}/{name}", CIN, {"lbl": ["a"]}).expect(4005)


@pytest.mark.parametrize("name", ["la", "ol"])
def test_dmr_cre_below_virtual(ae: Application, filled: str, name: str) -> None:
    """Nothing can be created below the latest and the oldest."""
    ae.create(f"{filled}/{name}", CIN, {"con": "x"}).expect(4005)


def test_dmr_del_001(ae: Application) -> None:
    """A resource is deleted."""
    path = ae.container()
    ae.delete(path).expect(2002)
    ae.retrieve(path).expect(4004)


def test_dmr_del_002(ae: Application, stranger: Application) -> None:
    """Without the privilege."""
    path = ae.container()
    stranger.delete(path).expect(4103)
    ae.retrieve(path).expect(2000)


def test_dmr_del_003(ae: Application) -> None:
    """A resource that is not there."""
    ae.delete(f"{ae.path}/nothing").expect(4004)


def test_dmr_del_004(ae: Application, filled: str) -> None:
    """The children go with their parent."""
    instance: Any = ae.retrieve(f"{filled}/la").resource(2000)["ri"]
    ae.delete(filled).expect(2002)
    ae.retrieve(f"{filled}/inner").expect(4004)
    ae.retrieve(instance).expect(4004)


def test_dmr_del_006(ae: Application, filled: str) -> None:
    """The counters of the container shrink with the latest instance."""
    ae.delete(f"{filled}/la").expect(2002)
    attributes = ae.retrieve(filled).resource(2000)
    assert (attributes["cni"], attributes["cbs"]) == (1, 3)


@pytest.mark.parametrize(("name", "left"), [("la", "old"), ("ol", "new")])
def test_dmr_del_007_009(ae: Application, filled: str, name: str, left: str) -> None:
    """The latest and the oldest are deleted."""
    ae.delete(f"{filled}/{name}").expect(2002)
    assert ae.retrieve(f"{filled}/la").resource(2000)["con"] == left


@pytest.mark.parametrize("name", ["la", "ol"])
def test_dmr_del_008_010(ae: Application, name: str) -> None:
    """The latest and the oldest of an empty container."""
    ae.delete(f"{ae.container()}/{name}").expect(4004)


@pytest.mark.parametrize("names", ["nonsense", "mni+nonsense"])
def test_dmr_ret_unknown_attribute(ae: Application, names: str) -> None:
    """An attribute that the type does not have."""
    ae.retrieve(ae.container(mni=7), atrl=names).expect(4000, 4004)


def test_dmr_upd_state(ae: Application) -> None:
    """An update raises the stateTag (TS-0001 clause 9.6.1.3.2)."""
    path = ae.container()
    before = ae.retrieve(path).resource(2000)["st"]
    assert ae.update(path, CNT, {"lbl": ["a"]}).resource(2004)["st"] == before + 1


def test_dmr_upd_nothing(ae: Application) -> None:
    """resultContent 0: nothing."""
    assert ae.update(ae.container(), CNT, {"lbl": ["a"]}, rcn=0).expect(2004) is None


def test_dmr_upd_modified_attributes(ae: Application) -> None:
    """resultContent 9: only what the host changed beside the request."""
    attributes = ae.update(ae.container(), CNT, {"lbl": ["a"]}, rcn=9).resource(2004)
    assert "lt" in attributes or "st" in attributes
    assert not {"lbl", "ri", "ct"} & set(attributes)


def test_dmr_upd_parent_expiration(ae: Application) -> None:
    """A parent can't expire before its child (TS-0001 clause 9.6.1.3.2)."""
    parent = ae.container()
    ae.container(parent)
    soon = datetime.now(UTC) + timedelta(hours=1)
    ae.update(parent, CNT, {"et": soon.strftime("%Y%m%dT%H%M%S")}).expect(4000)


def test_dmr_del_attributes(ae: Application) -> None:
    """resultContent 1: the last state."""
    assert ae.delete(ae.container(lbl=["a"]), rcn=1).resource(2002)["lbl"] == ["a"]


def test_dmr_conditional_retrieve(ae: Application) -> None:
    """A condition that the target does not meet (TS-0004 clause 7.3.3.17)."""
    path = ae.container(lbl=["a"])
    ae.retrieve(path, lbl="a").expect(2000)
    ae.retrieve(path, lbl="b").expect(4004)


def test_dmr_conditional_change(ae: Application) -> None:
    """Nothing is updated or deleted that does not meet the condition."""
    path = ae.container(lbl=["a"])
    ae.send("PUT", path, {"m2m:cnt": {"mni": 1}}, query={"crb": "20200101T000000"}).expect(4004)
    ae.delete(path, lbl="b").expect(4004)
    assert "mni" not in ae.retrieve(path).resource(2000)
    ae.delete(path, lbl="a").expect(2002)


def test_dmr_retrieval_disabled(ae: Application, filled: str) -> None:
    """disableRetrieval hides the instances; when it ends, those of before are gone (TS-0001 clause 10.2.4.1)."""
    ae.update(filled, CNT, {"disr": True}).expect(2004)
    for name in ("la", "ol"):
        ae.retrieve(f"{filled}/{name}").expect(4005)
        ae.delete(f"{filled}/{name}").expect(4005)
    assert ae.update(filled, CNT, {"disr": False}).resource(2004)["cni"] == 0
    ae.retrieve(f"{filled}/la").expect(4004)
