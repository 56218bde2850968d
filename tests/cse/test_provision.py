from typing import Any

import pytest

from cse.access import Guard, Right
from cse.config import ConfigurationError
from cse.errors import OriginatorHasNoPrivilege
from cse.provision import provide_base
from cse.store import Resource
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import NOW, creating, deleting, retrieving, updating, working

RULES = {"acr": [{"acor": ["Cother"], "acop": 63}]}


def provided(work: Work) -> Resource:
    """The CSEBase of a first start."""
    work.transaction.resources.remove(work.target("cse-in").resource)
    provide_base(work, ["application/json"])
    return work.target("cse-in").resource


def creatable(work: Work, originator: str) -> list[int]:
    guard, base = Guard(work, retrieving("cse-in", originator)), work.target("cse-in").resource

    def may_create(ty: int) -> bool:
        try:
            return bool(guard.require(base, Right.CREATE, child_type=ty))
        except OriginatorHasNoPrivilege:
            return False

    return [ty for ty in (1, 3, 9, 23) if may_create(ty)]


def test_the_csebase_says_what_the_server_is() -> None:
    with working(cse_id="/id-x", cse_name="x", service_provider="example.org", port=8000) as work:
        work.transaction.resources.remove(work.target("x").resource)
        provide_base(work, ["application/json", "application/cbor"])
        attributes = perform(work, retrieving("x")).content["m2m:cb"]
    assert attributes["csi"] == attributes["ici"] == "/id-x"
    assert attributes["spi"] == "//example.org"
    assert attributes["csz"] == ["application/json", "application/cbor"]
    assert attributes["poa"] == ["http://127.0.0.1:8000"]
    assert {1, 2, 3, 4, 5, 9, 23} <= set(attributes["srt"])


def test_at_the_first_start_everybody_may_create_policies(work: Work) -> None:
    provided(work)
    assert creatable(work, "Cstranger") == [1]
    assert creatable(work, "CAdmin") == [1, 3, 9, 23]
    guard, base = Guard(work, retrieving("cse-in", "Cstranger")), work.target("cse-in").resource
    assert not any(guard.permits(base, right) for right in Right if right is not Right.CREATE)


def test_what_everybody_may_create_is_a_setting() -> None:
    for types, expected in (((), []), (("3", "9"), [3, 9])):
        with working(open_types=types) as work:
            provided(work)
            assert creatable(work, "Cstranger") == expected
    with working(open_types=("container",)) as work, pytest.raises(ConfigurationError, match="open_types"):
        provided(work)


def test_only_the_administrator_changes_the_first_policy(work: Work) -> None:
    (policy,) = provided(work).attributes["acpi"]
    rules: dict[str, Any] = {"m2m:acp": {"pv": {"acr": [{"acor": ["Cfriend"], "acop": 63}]}}}
    for refused in (retrieving(policy, "Cstranger"), updating(policy, rules, "Cstranger"), deleting(policy, "Cfriend")):
        with pytest.raises(OriginatorHasNoPrivilege):
            perform(work, refused)
    perform(work, updating(policy, rules))
    assert creatable(work, "Cstranger") == []
    assert creatable(work, "Cfriend") == [1, 3, 9, 23]


def test_a_later_start_leaves_policies_as_they_are(work: Work) -> None:
    (policy,) = provided(work).attributes["acpi"]
    perform(work, creating("cse-in", 1, {"m2m:acp": {"rn": "mine", "pv": RULES, "pvs": RULES}}, "Cother"))
    work.now = NOW + 10
    provide_base(work, ["application/json"])
    base = work.target("cse-in").resource
    assert base.attributes["acpi"] == [policy]
    assert (base.attributes["ct"], base.attributes["lt"]) == ("20270115T080000", "20270115T080010")
    perform(work, deleting(policy))
    provide_base(work, ["application/json"])
    assert creatable(work, "Cstranger") == []
    assert "acpi" not in work.target("cse-in").resource.attributes
