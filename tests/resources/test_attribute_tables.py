"""Every type that exists has every attribute of Release 3, as the standard's tables have it: a gap is a failure."""

from typing import Any

import pytest

from cse.attributes import Attribute
from cse.config import ServerSettings
from cse.registry import load_plugins, resource_types
from cse.resource import ResourceType
from tests.standard import Fact, attributes_of, facts

# Of these the standard at hand has the common table only.
OF_TS_0023 = {28, 58}
# What a family's table has for those of its specialisations only whose own tables have it, too.
OF_SOME = {"cmlk"}
FAMILIES = {13: "mgmtObj", 28: "flexContainer", 58: "flexContainerInstance"}

GOOD: dict[str, list[Any]] = {
    "m2m:timestamp": ["20260102T101500"],
    "xs:string": ["text", ""],
    "m2m:ID": ["Capp"],
    "xs:anyURI": ["cse-in/a"],
    "xs:boolean": [True, False],
    "xs:nonNegativeInteger": [0, 7],
    "xs:positiveInteger": [1, 7],
    "xs:unsignedInt": [0, 7],
    "xs:unsignedLong": [0, 7],
    "xs:long": [-7, 0, 7],
    "xs:duration": ["PT15M"],
    "m2m:resourceName": ["box"],
    "m2m:labels": [["a", "key:value"]],
    "m2m:acpType": [["cse-in/policy"]],
    "m2m:listOfURIs": [["cse-in/a", "cse-in/b"]],
    "list of xs:anyURI": [["cse-in/a"]],
    "list of xs:NCName": [["lbl", "con"]],
    "m2m:poaList": [["http://127.0.0.1:9000/in"]],
    "m2m:serializations": [["application/json", "application/cbor"]],
    "m2m:supportedReleaseVersions": [["2a", "3"]],
    "m2m:consistencyStrategy": [1, 2, 3],
    "m2m:notificationContentType": [1, 2, 3, 4, 5],
    "m2m:pendingNotification": [1, 2],
    "m2m:contentInfo": ["application/json:0", "text/plain:1"],
    "m2m:batchNotify": [{"num": 2, "dur": "PT1M"}],
    "m2m:rateLimit": [{"mnn": 2, "tww": "PT1M"}],
    "m2m:setOfAcrs": [{"acr": [{"acor": ["all"], "acop": 63}]}],
    "m2m:scheduleEntries": [{"sce": ["* * 8-17 * * * *"]}],
    "m2m:mgmtDefinition": [1001],
    "m2m:batteryStatus": [1, 7],
    "m2m:logTypeId": [1, 5],
    "m2m:logStatus": [1, 5],
}
BAD: dict[str, list[Any]] = {
    "m2m:timestamp": ["yesterday", 20260102, "20261301T000000"],
    "xs:string": [1, ["text"]],
    "m2m:ID": [1, ""],
    "xs:anyURI": [1],
    "xs:boolean": ["true", 1],
    "xs:nonNegativeInteger": [-1, "1", 1.5, True],
    "xs:positiveInteger": [0, "1"],
    "xs:unsignedInt": [-1, "1"],
    "xs:unsignedLong": [-1, "1"],
    "xs:long": ["1", 1.5],
    "xs:duration": ["15 minutes", 15],
    "m2m:resourceName": [1],
    "m2m:labels": ["a", [1], []],
    "m2m:acpType": ["cse-in/policy", [], [1]],
    "m2m:listOfURIs": ["cse-in/a", [1]],
    "list of xs:anyURI": ["cse-in/a", [1]],
    "list of xs:NCName": ["lbl", [1]],
    "m2m:poaList": ["http://127.0.0.1", [1]],
    "m2m:serializations": ["application/json", [1]],
    "m2m:supportedReleaseVersions": ["3", [3]],
    "m2m:consistencyStrategy": [0, 4, "1"],
    "m2m:notificationContentType": [0, 6],
    "m2m:pendingNotification": [0, 3],
    "m2m:contentInfo": ["application/json:9", 1],
    "m2m:batchNotify": [2, {"number": 2}],
    "m2m:rateLimit": [2, {"mnn": -1, "tww": "PT1M"}],
    "m2m:setOfAcrs": [[], {"acr": [{"acop": 63}]}, {"acr": [{"acor": ["all"], "acop": 64}]}],
    "m2m:scheduleEntries": [{"sce": ["* * *"]}, {"sce": []}],
    "m2m:mgmtDefinition": ["1001"],
    "m2m:batteryStatus": [0, 8],
    "m2m:logTypeId": [0, 6],
    "m2m:logStatus": [0, 6],
}


def variants() -> list[ResourceType]:
    families = resource_types(load_plugins(), ServerSettings()).values()
    return [kind for family in families for kind in ((family,) if family.number in OF_TS_0023 else family.variants)]


def standard_name(kind: ResourceType) -> set[str]:
    """The tables that make up that of a type: a specialisation has those of its family besides its own."""
    return {kind.name, FAMILIES.get(kind.number, kind.name)}


def expected(kind: ResourceType, release: str) -> dict[str, Fact]:
    rows: dict[str, Fact] = {}
    for name in sorted(standard_name(kind), key=lambda name: name == kind.name):
        rows |= attributes_of(name, release)
    own = attributes_of(kind.name, release)
    has_it = {name for name in rows if name in own or name not in OF_SOME}
    return {name: fact for name, fact in rows.items() if name in has_it and not name.startswith("(")}


def declared() -> list[Any]:
    """Every attribute of Release 3 of every type that exists, with its declaration (None if there is none)."""
    return [
        pytest.param(kind, fact, kind.attributes.get(name), id=f"{kind.name}-{name}")
        for kind in variants()
        for name, fact in expected(kind, "3").items()
    ]


def test_the_types_that_exist_have_tables_in_the_standard() -> None:
    known = {fact.resource_type for fact in facts()}
    assert [kind.name for kind in variants() if not standard_name(kind) & known] == []


@pytest.mark.parametrize(("kind", "fact", "attribute"), declared())
def test_it_is_there_as_the_standard_has_it(kind: ResourceType, fact: Fact, attribute: Attribute | None) -> None:
    assert attribute is not None, f"{kind.name} lacks {fact.attribute} ({fact.short_name})"
    found = {
        "name": attribute.name,
        "create": attribute.create.value,
        "update": attribute.update.value,
        "always there": attribute.required,
    }
    wanted = {
        "name": fact.attribute,
        "create": fact.create or found["create"],
        "update": fact.update or found["update"],
        "always there": fact.always_there,
    }
    assert found == wanted


@pytest.mark.parametrize(("kind", "fact", "attribute"), declared())
def test_it_takes_the_values_of_its_data_type(kind: ResourceType, fact: Fact, attribute: Attribute | None) -> None:
    assert attribute is not None
    accepts = attribute.type.accepts
    good = [
        [value] if fact.is_list and not isinstance(value, list) else value for value in GOOD.get(fact.data_type, ())
    ]
    assert [value for value in good if not accepts(value)] == []
    assert [value for value in BAD.get(fact.data_type, ()) if accepts(value)] == []
    if fact.is_list:
        assert not accepts("text")
        assert not accepts(7)


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.name) for kind in variants()])
def test_it_has_no_attribute_that_nobody_knows(kind: ResourceType) -> None:
    known = expected(kind, "3").keys() | expected(kind, "later").keys() | attributes_of("any", "later").keys()
    custom = kind.number in FAMILIES
    assert [name for name in kind.attributes if name not in known and not custom] == []
