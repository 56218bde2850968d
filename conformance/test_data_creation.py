"""DMR/CRE: resources are created."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from conformance.client import ACP, CIN, CNT, CREATE, GRP, RETRIEVE, Application, Attributes, new_name, rule

RULES = {"acr": [rule(RETRIEVE, "all")]}
MINIMA: list[tuple[int, Attributes]] = [
    (CNT, {}),
    (ACP, {"pv": RULES, "pvs": RULES}),
    (GRP, {"mnm": 1, "mid": []}),
]


@pytest.mark.parametrize(("ty", "attributes"), MINIMA)
def test_dmr_cre_001(ae: Application, ty: int, attributes: Attributes) -> None:
    """Without a name the host makes one."""
    created = ae.create(ae.path, ty, attributes).resource(2001)
    assert created["rn"]
    assert created["ty"] == ty
    assert {"ri", "pi", "ct", "lt", "et"} <= set(created)
    assert created["pi"] == ae.identifier


@pytest.mark.parametrize(("ty", "attributes"), MINIMA)
def test_dmr_cre_002(ae: Application, ty: int, attributes: Attributes) -> None:
    """With a name that is free."""
    name = new_name()
    assert ae.create(ae.path, ty, {"rn": name} | attributes).resource(2001)["rn"] == name


def test_dmr_cre_003(ae: Application) -> None:
    """With a name that is taken."""
    path = ae.container()
    ae.create(ae.path, CNT, {"rn": path.split("/")[-1]}).expect(4105)


def test_dmr_cre_004(ae: Application, stranger: Application) -> None:
    """Without the privilege."""
    stranger.create(ae.container(), CIN, {"con": "x"}).expect(4103)


@pytest.mark.parametrize("name", ["mni", "mbs", "mia"])
@pytest.mark.parametrize("value", [-1, "many", 1.5, [1]])
def test_dmr_cre_005(ae: Application, name: str, value: Any) -> None:
    """With a value that the attribute can't have."""
    ae.create(ae.path, CNT, {name: value}).expect(4000)


def test_dmr_cre_006(ae: Application) -> None:
    """What the request leaves out gets the host's default, not later than the parent's."""
    parent = ae.retrieve(ae.path).resource(2000)
    assert ae.create(ae.path, CNT, {}).resource(2001)["et"] <= parent["et"]


def test_dmr_cre_007(ae: Application) -> None:
    """One instance more than maxNrOfInstances: the oldest goes."""
    container = ae.container(mni=2)
    for content in ("first", "second", "third"):
        ae.instance(container, content)
    assert ae.retrieve(container).resource(2000)["cni"] == 2
    assert ae.retrieve(f"{container}/ol").resource(2000)["con"] == "second"


def test_dmr_cre_008(ae: Application) -> None:
    """More bytes than maxByteSize: the oldest instances go until it fits."""
    container = ae.container(mbs=10)
    for content in ("aaaa", "bbbb", "cccccccc"):
        ae.instance(container, content)
    attributes = ae.retrieve(container).resource(2000)
    assert (attributes["cni"], attributes["cbs"]) == (1, 8)
    assert ae.retrieve(f"{container}/la").resource(2000)["con"] == "cccccccc"


def test_dmr_cre_009(ae: Application) -> None:
    """The container's stateTag rises by one and is the instance's."""
    container = ae.container()
    before = ae.retrieve(container).resource(2000)["st"]
    instance = ae.instance(container, "x")
    after = ae.retrieve(container).resource(2000)["st"]
    assert (after, instance["st"]) == (before + 1, before + 1)


@pytest.mark.parametrize("name", ["la", "ol"])
def test_dmr_cre_010_011(ae: Application, name: str) -> None:
    """The names of the virtual children of a container are reserved."""
    ae.create(ae.container(), CNT, {"rn": name}).expect(4005)


@pytest.mark.parametrize(
    ("name", "value"), [("lbl", ["a"]), ("mni", 3), ("mbs", 100), ("mia", 3600), ("or", "http://example.com/ontology")]
)
def test_dmr_cre_012(ae: Application, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    assert ae.create(ae.path, CNT, {name: value}).resource(2001)[name] == value


def test_dmr_cre_012_creator(ae: Application) -> None:
    """An empty creator is filled with the originator; a stated one is refused (TS-0001 clause 9.6.1.3.2)."""
    assert ae.create(ae.path, CNT, {"cr": None}).resource(2001)["cr"] == ae.identifier
    ae.create(ae.path, CNT, {"cr": ae.identifier}).expect(4000)


def test_dmr_cre_013(ae: Application) -> None:
    """An instance that is larger than maxByteSize."""
    ae.create(ae.container(mbs=4), CIN, {"con": "12345"}).expect(5207)


def test_dmr_cre_014(ae: Application) -> None:
    """currentByteSize grows by contentSize."""
    container = ae.container()
    sizes = [ae.instance(container, content)["cs"] for content in ("12345", "é")]
    assert sizes == [5, 2]
    assert ae.retrieve(container).resource(2000)["cbs"] == 7


def test_dmr_cre_015(ae: Application) -> None:
    """resultContent 0: nothing."""
    assert ae.create(ae.path, CNT, {}, rcn=0).expect(2001) is None


def test_dmr_cre_016(ae: Application) -> None:
    """resultContent 2: the hierarchical address."""
    name = new_name()
    assert ae.create(ae.path, CNT, {"rn": name}, rcn=2).expect(2001) == {"m2m:uri": f"{ae.path}/{name}"}


def test_dmr_cre_017(ae: Application) -> None:
    """resultContent 3: the hierarchical address and the attributes."""
    name = new_name()
    result = ae.create(ae.path, CNT, {"rn": name}, rcn=3).expect(2001)["m2m:rce"]
    assert result["uri"] == f"{ae.path}/{name}"
    assert result["m2m:cnt"]["rn"] == name


@pytest.mark.parametrize(
    ("ty", "attributes"),
    [
        (CNT, {"ri": "mine"}),
        (CNT, {"unknown": 1}),
        (CNT, {"rn": "a/b"}),
        (CNT, {"et": "20000101T000000"}),
        (ACP, {"pv": RULES}),
        (GRP, {"mid": []}),
    ],
)
def test_dmr_cre_invalid(ae: Application, ty: int, attributes: Attributes) -> None:
    """Attributes that are not permitted, unknown, malformed, or missing (TS-0004 clause 7.3.3.4)."""
    ae.create(ae.path, ty, attributes).expect(4000)


def test_dmr_cre_wrong_child(ae: Application) -> None:
    """A type that can't be the child of this parent (TS-0004 clause 7.3.3.4)."""
    ae.create(ae.path, CIN, {"con": "x"}).expect(4108)


def test_dmr_cre_other_root(ae: Application) -> None:
    """Content that is not of the stated type."""
    ae.send("POST", ae.path, {"m2m:grp": {"mnm": 1, "mid": []}}, ty=CNT).expect(4000)


def test_dmr_cre_only(ae: Application, stranger: Application) -> None:
    """CREATE alone suffices to create, and allows nothing else."""
    policy = ae.policy(rule(CREATE, stranger.identifier))
    container = ae.container(acpi=[policy])
    stranger.create(container, CIN, {"con": "x"}).expect(2001)
    stranger.retrieve(f"{container}/la").expect(4103)


def test_dmr_cre_modified_attributes(ae: Application) -> None:
    """resultContent 9: only what the host added or changed."""
    attributes = ae.create(ae.path, CNT, {"mni": 7}, rcn=9).resource(2001)
    assert {"ri", "rn", "ct", "et"} <= set(attributes)
    assert "mni" not in attributes


def test_dmr_cre_instance_age(ae: Application) -> None:
    """An instance expires maxInstanceAge after its creation (TS-0001 clause 9.6.6)."""
    instance = ae.instance(ae.container(mia=60), "x")
    created, expires = (datetime.strptime(instance[name][:15], "%Y%m%dT%H%M%S") for name in ("ct", "et"))
    assert expires <= created + timedelta(seconds=61)


def test_dmr_cre_with_condition(ae: Application) -> None:
    """CREATE has no filter criteria (TS-0004 clause 7.1.1)."""
    ae.create(ae.path, CNT, {}, lbl="a").expect(4000)
