"""Every table that we ship accepts what it declares, and refuses what it doesn't."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.attributes import M, check_create
from cse.errors import BadRequest
from cse.resource import ResourceType
from resources.flex_container import FlexContainer
from resources.management_object import ManagementObject
from resources.specializations.tables import read_specializations
from tests.resources.specializations.values import TABLES, bad, good

KINDS = {
    kind.root: kind for family in (ManagementObject, FlexContainer) for kind in family(read_specializations()).variants
}
ROWS = [(root, name, row) for root, table in TABLES.items() for name, row in table.get("attributes", {}).items()]
ANYTHING = {"xs:anyType", "list of xs:anyType"}


def least(kind: ResourceType, data: st.DataObject) -> dict[str, Any]:
    """What a CREATE must have."""
    common = {"mgd": TABLES[kind.root].get("definition"), "cnd": "org.example"}
    rows = TABLES[kind.root].get("attributes", {})
    needed = {name: data.draw(good(row)) for name, row in rows.items() if row.get("create") == "M"}
    return needed | {name: value for name, value in common.items() if name in kind.attributes}


def test_every_table_is_a_specialization() -> None:
    assert KINDS.keys() == TABLES.keys()
    assert {kind.number for kind in KINDS.values()} == {13, 28}


@given(row=st.sampled_from(ROWS), data=st.data())
def test_what_a_table_declares_is_accepted(row: tuple[str, str, dict[str, Any]], data: st.DataObject) -> None:
    root, name, definition = row
    value = data.draw(good(definition))
    kind = KINDS[root].attributes[name].type
    assert kind.accepts(value)
    if definition.get("create") != "NP":
        check_create(KINDS[root].attributes, least(KINDS[root], data) | {name: value})


@given(row=st.sampled_from([row for row in ROWS if row[2].get("type") not in ANYTHING]), data=st.data())
def test_what_a_table_does_not_declare_is_refused(row: tuple[str, str, dict[str, Any]], data: st.DataObject) -> None:
    root, name, definition = row
    content = least(KINDS[root], data) | {name: data.draw(bad(definition))}
    with pytest.raises(BadRequest, match=name):
        check_create(KINDS[root].attributes, content)


@given(root=st.sampled_from(sorted(TABLES)), data=st.data())
def test_what_is_mandatory_is_needed(root: str, data: st.DataObject) -> None:
    kind = KINDS[root]
    content = least(kind, data)
    missing = data.draw(st.sampled_from(sorted(row.short_name for row in kind.attributes.values() if row.create is M)))
    with pytest.raises(BadRequest, match=missing):
        check_create(kind.attributes, {name: value for name, value in content.items() if name != missing})


@given(root=st.sampled_from(sorted(TABLES)), data=st.data())
def test_what_nobody_declares_is_unknown(root: str, data: st.DataObject) -> None:
    with pytest.raises(BadRequest, match="unheardOf"):
        check_create(KINDS[root].attributes, least(KINDS[root], data) | {"unheardOf": 1})


def test_no_name_is_used_for_two_things() -> None:
    definitions = [table["definition"] for table in TABLES.values() if "definition" in table]
    assert len(definitions) == len(set(definitions))
