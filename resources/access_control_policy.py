"""accessControlPolicy (TS-0001 clause 9.6.2): who may do what with the resources that reference it."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from cse.access import Right
from cse.asker import parse_network
from cse.attributes import (
    ANNOUNCEMENT,
    BOOLEAN,
    EXPIRATION,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    TEXT,
    UNIVERSAL,
    Attribute,
    DataType,
    M,
    O,
    list_of,
    matching,
    record,
    table,
)
from cse.config import ConfigurationError
from cse.errors import BadRequest
from cse.primitive import Request
from cse.resource import Access, Admission
from cse.store import Resource
from cse.timing import timestamp
from cse.tree.create import add
from cse.windows import parse_window
from cse.work import Work

BASE_POLICY = "basePolicy"
EVERYTHING = 63
MOST_ENTRIES = 2000  # of all lists in one policy: each request may have to go through them


def _is_circle(value: Any) -> bool:
    """Latitude and longitude of the centre in degrees, and the radius in metres."""
    is_triple = isinstance(value, list) and len(value) == 3
    return is_triple and all(
        isinstance(number, int | float) and not isinstance(number, bool) and low <= number <= high
        for number, low, high in zip(value, (-90, -180, 0), (90, 180, float("inf")), strict=True)
    )


RIGHTS = DataType(
    "a sum of 1 C, 2 R, 4 U, 8 D, 16 N, 32 DISCOVERY (1..63)",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 63,
    loosely=NON_NEGATIVE.loosely,
)
REGION = record(
    accr_=DataType("a circle [latitude, longitude, radius]", _is_circle),
    accc_=list_of(matching("a country code such as DE", "[A-Z]{2}")),
)
CONTEXT = record(
    actw_=list_of(TEXT),
    acip_=record(ipv4_=list_of(TEXT), ipv6_=list_of(TEXT)),
    aclr_=REGION,
)
OBJECT_DETAILS = record(
    ty_=NON_NEGATIVE,
    spty_=record(cnd_=IDENTIFIER, mgd_=NON_NEGATIVE),
    chty=list_of(NON_NEGATIVE),
)
RULE = record(
    acor=list_of(IDENTIFIER),
    acop=RIGHTS,
    acod_=list_of(OBJECT_DETAILS),
    acco_=list_of(CONTEXT),
    acaf_=BOOLEAN,
    aca_=list_of(IDENTIFIER),
)
RULES = record(acr_=list_of(RULE, may_be_empty=True))


class AccessControlPolicy(Admission):
    number = 1
    name = "accessControlPolicy"
    short_name = "acp"
    parents = frozenset({2, 5, 16})
    access = Access.SELF_PRIVILEGES
    attributes = table(
        UNIVERSAL,
        EXPIRATION,
        LABELS,
        ANNOUNCEMENT,
        Attribute("pv", "privileges", RULES, M, O, required=True),
        Attribute("pvs", "selfPrivileges", RULES, M, O, required=True),
        Attribute(
            "adri",
            "authorizationDecisionResourceIDs",
            list_of(IDENTIFIER),
            O,
            O,
            needs="distributed authorization",
        ),
        Attribute(
            "apri", "authorizationPolicyResourceIDs", list_of(IDENTIFIER), O, O, needs="distributed authorization"
        ),
        Attribute(
            "airi", "authorizationInformationResourceIDs", list_of(IDENTIFIER), O, O, needs="distributed authorization"
        ),
    )

    def provide(self, work: Work, base: Resource) -> None:
        """The policy of the CSEBase, which the administrator can change: who may create what below it."""
        keepers = [work.model.naming.cse_id, work.model.settings.admin_originator]
        attributes = {
            "et": timestamp(inf),
            "pv": {"acr": _open_rules(work.model.settings.open_types)},
            "pvs": {"acr": [{"acor": list(filter(None, keepers)), "acop": EVERYTHING}]},
        }
        base.attributes["acpi"] = [add(work, self, base, attributes, base.creator, BASE_POLICY).ri]
        work.transaction.resources.update(base)

    def of_everybody(self, owner: str) -> dict[str, Any]:
        everybody, alone = ({"acr": [{"acor": [who], "acop": EVERYTHING}]} for who in ("all", owner))
        return {"pv": everybody, "pvs": alone}

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        _check(resource.attributes)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        _check(resource.attributes | changes)


def _open_rules(types: Sequence[str]) -> list[dict[str, Any]]:
    if not all(number.isascii() and number.isdigit() for number in types):
        raise ConfigurationError("open_types in [server] must be numbers of resource types, 1 for instance")
    creatable = [{"chty": [int(number) for number in types]}]
    return [{"acor": ["all"], "acop": Right.CREATE.value, "acod": creatable}] if types else []


def _check(attributes: dict[str, Any]) -> None:
    """Nothing is left for the evaluation to stumble over: a rule must never be taken for one that always holds."""
    if not attributes["pvs"].get("acr"):
        raise BadRequest("pvs (selfPrivileges) must have at least one rule, or nobody could ever change the policy")
    rules = [(name, rule) for name in ("pv", "pvs") for rule in attributes[name].get("acr", [])]
    if sum(len(entries) for _, rule in rules for entries in _lists(rule)) > MOST_ENTRIES:
        raise BadRequest(f"the lists in pv and pvs have more than {MOST_ENTRIES} entries: name a group as originator")
    for name, rule in rules:
        for context in rule.get("acco", []):
            _check_context(name, context)


def _lists(value: Any) -> Iterator[list[Any]]:
    """All lists in a rule."""
    if isinstance(value, list):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _lists(item)


def _check_context(name: str, context: dict[str, Any]) -> None:
    for member, conditions in (("acco", context), ("acip", context.get("acip")), ("aclr", context.get("aclr"))):
        if conditions == {}:
            raise BadRequest(f"{name} has an empty {member}, which would hold always: add a condition or leave it out")
    for entry in context.get("actw", []):
        parse_window(entry, f"actw in {name}")
    for version in (4, 6):
        for text in context.get("acip", {}).get(f"ipv{version}", []):
            parse_network(text, version, f"ipv{version} in {name}")
