"""DMR: containers keep contentInstances; limits, sizes, the latest and the oldest."""

from datetime import datetime, timedelta

import pytest

from conformance.application import Application
from conformance.purposes import case, purpose
from conformance.standard import CIN, CNT

TP = "TP/oneM2M/CSE/DMR"


@pytest.fixture
def filled(ae: Application) -> str:
    """A container with two instances, `old` and `newer`."""
    path = ae.container()
    ae.instance(path, "old")
    ae.instance(path, "newer")
    return path


def contents(ae: Application, container: str) -> list[str]:
    """What the instances of a container hold, sorted."""
    return sorted(child["con"] for child in ae.retrieve(container, rcn=8).resource(2000).get("m2m:cin", []))


@purpose(f"{TP}/CRE/007")
def test_number_of_instances(ae: Application) -> None:
    """One instance more than maxNrOfInstances: the oldest goes."""
    container = ae.container(mni=2)
    for content in ("1", "2", "3"):
        ae.instance(container, content)
    assert ae.retrieve(container).resource(2000)["cni"] == 2
    assert contents(ae, container) == ["2", "3"]


@purpose(f"{TP}/CRE/008")
def test_number_of_bytes(ae: Application) -> None:
    """More bytes than maxByteSize: the oldest instances go until it fits."""
    container = ae.container(mbs=10)
    for content in ("aaaa", "bbbb", "cccccccc"):
        ae.instance(container, content)
    attributes = ae.retrieve(container).resource(2000)
    assert (attributes["cni"], attributes["cbs"]) == (1, 8)
    assert contents(ae, container) == ["cccccccc"]


@purpose("TP/own/CSE/DMR/CRE/012")
@pytest.mark.parametrize("limit", [{"mni": 1}, {"mbs": 5}])
def test_limit_is_lowered(ae: Application, filled: str, limit: dict[str, int]) -> None:
    """A lower limit holds for the instances that are there (TS-0004 clause 7.4.6.2.3)."""
    ae.update(filled, CNT, limit).expect(2004)
    assert contents(ae, filled) == ["newer"]


@purpose(f"{TP}/CRE/009")
def test_state(ae: Application) -> None:
    """The container's stateTag rises by one and is the instance's."""
    container = ae.container()
    before = ae.retrieve(container).resource(2000)["st"]
    instance = ae.instance(container, "x")
    after = ae.retrieve(container).resource(2000)["st"]
    assert (after, instance["st"]) == (before + 1, before + 1)


@pytest.mark.parametrize("name", [case(f"{TP}/CRE/010", "la"), case(f"{TP}/CRE/011", "ol")])
@pytest.mark.parametrize("ty", [CNT, CIN])
def test_reserved_names(ae: Application, name: str, ty: int) -> None:
    """The names of the virtual children of a container are reserved."""
    attributes = {"con": "x"} if ty == CIN else {}
    ae.create(ae.container(), ty, attributes | {"rn": name}).expect(4005)


@purpose(f"{TP}/CRE/013")
def test_too_large(ae: Application) -> None:
    """An instance that is larger than maxByteSize; the others stay."""
    container = ae.container(mbs=4)
    ae.instance(container, "1234")
    ae.create(container, CIN, {"con": "12345"}).expect(5207)
    assert contents(ae, container) == ["1234"]


@purpose(f"{TP}/CRE/014")
def test_size(ae: Application) -> None:
    """currentByteSize grows by contentSize."""
    container = ae.container()
    assert [ae.instance(container, content)["cs"] for content in ("12345", "12")] == [5, 2]
    assert ae.retrieve(container).resource(2000)["cbs"] == 7


@purpose("TP/own/CSE/DMR/CRE/013")
def test_size_of_other_letters(ae: Application) -> None:
    """contentSize is in bytes, not in characters (TS-0001 clause 9.6.7)."""
    container = ae.container()
    assert ae.instance(container, "é")["cs"] == 2
    assert ae.retrieve(container).resource(2000)["cbs"] == 2


@purpose("TP/own/CSE/DMR/CRE/014")
def test_age(ae: Application) -> None:
    """An instance expires maxInstanceAge after its creation (TS-0001 clause 9.6.6)."""
    instance = ae.instance(ae.container(mia=60), "x")
    created, expires = (datetime.strptime(instance[name][:15], "%Y%m%dT%H%M%S") for name in ("ct", "et"))
    assert expires <= created + timedelta(seconds=61)


@purpose("TP/own/CSE/DMR/CRE/015")
@pytest.mark.parametrize("name", ["la", "ol"])
def test_nothing_below_virtual_resources(ae: Application, filled: str, name: str) -> None:
    """Nothing can be created below the latest and the oldest."""
    ae.create(f"{filled}/{name}", CIN, {"con": "x"}).expect(4005)


@purpose("TP/own/CSE/DMR/CRE/016")
@pytest.mark.parametrize("content", ["", "text", '{"json": [1, 2]}', "ü€𝄞", " ", "x" * 5000])
def test_content_is_kept(ae: Application, content: str) -> None:
    """Content comes back as it was sent."""
    container = ae.container()
    ae.instance(container, content)
    assert ae.retrieve(f"{container}/la").resource(2000)["con"] == content


@purpose(f"{TP}/DEL/006")
def test_counters(ae: Application, filled: str) -> None:
    """The counters of the container shrink with the latest instance."""
    ae.delete(f"{filled}/la").expect(2002)
    attributes = ae.retrieve(filled).resource(2000)
    assert (attributes["cni"], attributes["cbs"]) == (1, 3)


@pytest.mark.parametrize(("name", "left"), [case(f"{TP}/DEL/007", "la", "old"), case(f"{TP}/DEL/009", "ol", "newer")])
def test_delete(ae: Application, filled: str, name: str, left: str) -> None:
    """The latest and the oldest are deleted."""
    ae.delete(f"{filled}/{name}").expect(2002)
    assert contents(ae, filled) == [left]


@pytest.mark.parametrize("name", [case(f"{TP}/DEL/008", "la"), case(f"{TP}/DEL/010", "ol")])
def test_delete_from_empty_container(ae: Application, name: str) -> None:
    """The latest and the oldest of an empty container."""
    ae.delete(f"{ae.container()}/{name}").expect(4004)


@purpose("TP/own/CSE/DMR/RET/009")
@pytest.mark.parametrize("name", ["la", "ol", "own"])
def test_retrieval_disabled(ae: Application, filled: str, name: str) -> None:
    """disableRetrieval hides the instances (TS-0001 clause 10.2.4.1)."""
    name = ae.retrieve(f"{filled}/la").resource(2000)["rn"] if name == "own" else name
    ae.update(filled, CNT, {"disr": True}).expect(2004)
    ae.retrieve(f"{filled}/{name}").expect(4005)
    ae.delete(f"{filled}/{name}").expect(4005)


@purpose("TP/own/CSE/DMR/RET/010")
def test_retrieval_enabled_again(ae: Application, filled: str) -> None:
    """When disableRetrieval ends, the instances of before are gone (TS-0001 clause 10.2.4.1)."""
    ae.update(filled, CNT, {"disr": True}).expect(2004)
    assert ae.update(filled, CNT, {"disr": False}).resource(2004)["cni"] == 0
    ae.retrieve(f"{filled}/la").expect(4004)
    ae.instance(filled, "after")
    assert contents(ae, filled) == ["after"]


@purpose("TP/own/CSE/DMR/RET/011")
def test_nested_containers_count_for_themselves(ae: Application, filled: str) -> None:
    """An instance in a container below does not count for the one above."""
    ae.instance(ae.container(filled), "deep")
    assert ae.retrieve(filled).resource(2000)["cni"] == 2
    assert ae.retrieve(f"{filled}/la").resource(2000)["con"] == "newer"
