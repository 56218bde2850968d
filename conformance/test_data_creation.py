"""DMR/CRE: resources are created."""

from typing import Any

import pytest

from conformance.application import Application, new_name, rule, timestamp
from conformance.client import Attributes
from conformance.purposes import purpose
from conformance.samples import Sample, Workshop, below_entity, samples
from conformance.standard import ACP, CIN, CNT, CREATE, GRP, RETRIEVE, SUB

TP = "TP/oneM2M/CSE/DMR/CRE"
RULES = {"acr": [rule(RETRIEVE, "all")]}


@pytest.mark.parametrize("sample", samples(f"{TP}/001", where=lambda _: True))
def test_no_name(workshop: Workshop, sample: Sample) -> None:
    """Without a name the host makes one, and fills in what all resources have."""
    who, parent = workshop.place(sample)
    created = workshop.create(sample, who, parent).resource(2001)
    assert created["rn"]
    assert created["ty"] == sample.ty
    assert {"ri", "pi", "ct", "lt", "et"} <= set(created)
    assert created["pi"] == who.identify([parent])[0]


@pytest.mark.parametrize("sample", samples(f"{TP}/002"))
def test_free_name(workshop: Workshop, sample: Sample) -> None:
    """With a name that is free."""
    who, parent = workshop.place(sample)
    name = new_name()
    assert workshop.create(sample, who, parent, rn=name).resource(2001)["rn"] == name


@pytest.mark.parametrize("sample", samples(f"{TP}/003"))
def test_taken_name(workshop: Workshop, sample: Sample) -> None:
    """With a name that is taken."""
    who, path = workshop.make(sample)
    parent, name = path.rsplit("/", 1)
    workshop.create(sample, who, parent, rn=name).expect(4105)


@pytest.mark.parametrize("sample", samples(f"{TP}/004", where=below_entity))
def test_no_privilege(workshop: Workshop, stranger: Application, sample: Sample) -> None:
    """Without the privilege. (What everybody may create below the CSEBase is up to its operator.)"""
    _, parent = workshop.place(sample)
    workshop.create(sample, stranger, parent).expect(4103)


@pytest.mark.parametrize("sample", samples(f"{TP}/005"))
def test_bad_value(workshop: Workshop, sample: Sample) -> None:
    """With a value that the attribute can't have."""
    who, parent = workshop.place(sample)
    workshop.create(sample, who, parent, **sample.bad).expect(4000)


@purpose(f"{TP}/005")
@pytest.mark.parametrize("name", ["mni", "mbs", "mia"])
@pytest.mark.parametrize("value", [-1, "many", 1.5, [1]])
def test_bad_limit(ae: Application, name: str, value: Any) -> None:
    """The limits of a container are numbers from 0."""
    ae.create(ae.path, CNT, {name: value}).expect(4000)


@pytest.mark.parametrize("sample", samples(f"{TP}/006"))
def test_default_expiration(workshop: Workshop, sample: Sample) -> None:
    """What the request leaves out gets the host's default, not later than the parent's."""
    who, path = workshop.make(sample)
    parent = who.retrieve(path.rsplit("/", 1)[0]).resource(2000)
    assert who.retrieve(path).resource(2000)["et"][:15] <= parent.get("et", "9")


@pytest.mark.parametrize("sample", samples(f"{TP}/012"))
def test_labels(workshop: Workshop, sample: Sample) -> None:
    """Labels, which all types have, are stored."""
    who, path = workshop.make(sample, lbl=["a", "key:value"])
    assert who.retrieve(path).resource(2000)["lbl"] == ["a", "key:value"]


@pytest.mark.parametrize("sample", samples(f"{TP}/012"))
def test_expiration(workshop: Workshop, sample: Sample) -> None:
    """An expirationTime that the host permits is stored."""
    wanted = timestamp(hours=1)
    who, path = workshop.make(sample, et=wanted)
    assert who.retrieve(path).resource(2000)["et"][:15] == wanted


@purpose(f"{TP}/012")
@pytest.mark.parametrize(
    ("name", "value"), [("mni", 3), ("mbs", 100), ("mia", 3600), ("or", "http://example.com/ontology"), ("disr", False)]
)
def test_optional_attribute_of_container(ae: Application, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    assert ae.create(ae.path, CNT, {name: value}).resource(2001)[name] == value


@purpose(f"{TP}/012")
@pytest.mark.parametrize(("name", "value"), [("gn", "meters"), ("csy", 3), ("mt", 3), ("macp", "policy")])
def test_optional_attribute_of_group(ae: Application, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    value = ae.identify([ae.policy()]) if name == "macp" else value
    stored = ae.create(ae.path, GRP, {"mnm": 1, "mid": [], name: value}).resource(2001)[name]
    assert stored == value


@purpose(f"{TP}/012")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nct", 3),
        ("exc", 5),
        ("enc", {"net": [3]}),
        ("nec", 2),
    ],
)
def test_optional_attribute_of_subscription(ae: Application, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    assert ae.create(ae.path, SUB, {"nu": [ae.identifier], name: value}).resource(2001)[name] == value


@pytest.mark.parametrize(
    ("name", "value"), [("lbl", ["a"]), ("cnf", "text/plain:0"), ("or", "http://example.com/ontology"), ("rn", "first")]
)
@purpose(f"{TP}/012")
def test_optional_attribute_of_instance(ae: Application, name: str, value: Any) -> None:
    """One optional attribute is stored."""
    assert ae.create(ae.container(), CIN, {"con": "x", name: value}).resource(2001)[name] == value


@pytest.mark.parametrize("ty", [CNT, GRP])
@purpose("TP/own/CSE/DMR/CRE/001")
def test_creator(ae: Application, ty: int) -> None:
    """An empty creator is filled with the originator; a stated one is refused (TS-0001 clause 9.6.1.3.2)."""
    attributes: Attributes = {"mnm": 1, "mid": []} if ty == GRP else {}
    assert ae.create(ae.path, ty, attributes | {"cr": None}).resource(2001)["cr"] == ae.identifier
    ae.create(ae.path, ty, attributes | {"cr": ae.identifier}).expect(4000)


@pytest.mark.parametrize("sample", samples(f"{TP}/015"))
def test_result_nothing(workshop: Workshop, ae: Application, sample: Sample) -> None:
    """resultContent 0: nothing."""
    who, parent = workshop.place(sample)
    name = new_name()
    needed = {"nu": [ae.identifier]} if sample.ty == SUB else {}
    answer = who.create(parent, sample.ty, sample.attributes | needed | {"rn": name}, root=sample.root, rcn=0)
    ae.remove(f"{parent}/{name}")
    assert not answer.expect(2001)


@purpose(f"{TP}/016")
def test_result_address(ae: Application) -> None:
    """resultContent 2: the hierarchical address."""
    name = new_name()
    content = ae.create(ae.path, CNT, {"rn": name}, rcn=2).expect(2001)
    assert ae.cse.relative(content["m2m:uri"]) == f"{ae.path}/{name}"


@purpose(f"{TP}/017")
def test_result_address_and_attributes(ae: Application) -> None:
    """resultContent 3: the hierarchical address and the attributes."""
    name = new_name()
    result = ae.create(ae.path, CNT, {"rn": name}, rcn=3).expect(2001)["m2m:rce"]
    assert ae.cse.relative(result["uri"]) == f"{ae.path}/{name}"
    assert result["m2m:cnt"]["rn"] == name


@purpose("TP/own/CSE/DMR/CRE/002")
def test_result_modified_attributes(ae: Application) -> None:
    """resultContent 9: only what the host added or changed."""
    attributes = ae.create(ae.path, CNT, {"mni": 7}, rcn=9).resource(2001)
    assert {"ri", "rn", "ct", "et"} <= set(attributes)
    assert "mni" not in attributes


@purpose("TP/own/CSE/DMR/CRE/003")
@pytest.mark.parametrize("rcn", [4, 5, 6, 8])
def test_wrong_result(ae: Application, rcn: int) -> None:
    """Result contents that CREATE does not have; nothing is created (TS-0004 clause 7.3.3.4)."""
    name = new_name()
    ae.create(ae.path, CNT, {"rn": name}, rcn=rcn).expect(4000)
    ae.retrieve(f"{ae.path}/{name}").expect(4004)


@purpose("TP/own/CSE/DMR/CRE/004")
@pytest.mark.parametrize(
    ("ty", "attributes"),
    [
        (CNT, {"ri": "mine"}),
        (CNT, {"pi": "mine"}),
        (CNT, {"ty": CNT}),
        (CNT, {"ct": "20200101T000000"}),
        (CNT, {"st": 5}),
        (CNT, {"cni": 5}),
        (CNT, {"unknown": 1}),
        (CNT, {"rn": "a/b"}),
        (CNT, {"rn": ""}),
        (CNT, {"rn": "a b"}),
        (CNT, {"et": "20000101T000000"}),
        (CNT, {"et": "soon"}),
        (CNT, {"lbl": "a"}),
        (CNT, {"lbl": [1]}),
        (ACP, {"pv": RULES}),
        (ACP, {"pvs": RULES}),
        (GRP, {"mid": []}),
        (GRP, {"mnm": 1}),
        (GRP, {"mnm": 1, "mid": [], "cnm": 0}),
        (GRP, {"mnm": 1, "mid": [], "mtv": True}),
        (GRP, {"mnm": 1, "mid": [], "csy": 9}),
        (GRP, {"mnm": 1, "mid": [None]}),
    ],
)
def test_invalid(ae: Application, ty: int, attributes: Attributes) -> None:
    """Attributes that are not permitted, unknown, malformed, or missing (TS-0004 clause 7.3.3.4)."""
    ae.create(ae.path, ty, attributes).expect(4000)


@purpose("TP/own/CSE/DMR/CRE/005")
@pytest.mark.parametrize(
    "attributes", [{}, {"con": None}, {"con": "x", "cs": 1}, {"con": "x", "st": 1}, {"con": "x", "cnf": "text"}]
)
def test_invalid_instance(ae: Application, attributes: Attributes) -> None:
    """A contentInstance has content, and what the host says of it is not said by the request."""
    ae.create(ae.container(), CIN, attributes).expect(4000)


@purpose("TP/own/CSE/DMR/CRE/006")
def test_wrong_child(ae: Application) -> None:
    """A type that can't be the child of this parent (TS-0004 clause 7.3.3.4)."""
    ae.create(ae.path, CIN, {"con": "x"}).expect(4108)
    container = ae.container()
    ae.create(container, GRP, {"mnm": 1, "mid": []}).expect(4108)
    ae.create(container, ACP, {"pv": RULES, "pvs": RULES}).expect(4108)


@purpose("TP/own/CSE/DMR/CRE/007")
def test_other_root(ae: Application) -> None:
    """Content that is not of the stated type."""
    ae.send("POST", ae.path, {"m2m:grp": {"mnm": 1, "mid": []}}, ty=CNT).expect(4000)


@purpose("TP/own/CSE/DMR/CRE/008")
def test_create_alone(ae: Application, stranger: Application) -> None:
    """CREATE alone suffices to create, and allows nothing else."""
    container = ae.container(acpi=[ae.policy(rule(CREATE, stranger.identifier))])
    stranger.create(container, CIN, {"con": "x"}).expect(2001)
    stranger.retrieve(f"{container}/la").expect(4103)


@purpose("TP/own/CSE/DMR/CRE/009")
def test_condition(ae: Application) -> None:
    """CREATE has no filter criteria (TS-0004 clause 7.1.1)."""
    ae.create(ae.path, CNT, {}, lbl="a").expect(4000)


@purpose("TP/own/CSE/DMR/CRE/010")
def test_missing_parent(ae: Application) -> None:
    """Nothing is created below what is not there (TS-0004 clause 7.3.2.6)."""
    ae.create(f"{ae.path}/nothing", CNT, {}).expect(4004)


@purpose("TP/own/CSE/DMR/CRE/011")
@pytest.mark.parametrize("ty", [0, 9999, -3])
def test_unknown_type(ae: Application, ty: int) -> None:
    """A type that oneM2M does not have."""
    ae.send("POST", ae.path, {"m2m:cnt": {}}, ty=ty).expect(4000, 5001)
