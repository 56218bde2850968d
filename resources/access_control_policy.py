"""accessControlPolicy (TS-0001 clause 9.6.2): who may do what with the resources that reference it."""

from typing import Any

from cse.attributes import (
    ANNOUNCEMENT,
    ANYTHING,
    EXPIRATION,
    IDENTIFIER,
    LABELS,
    NON_NEGATIVE,
    UNIVERSAL,
    Attribute,
    DataType,
    M,
    O,
    list_of,
    record,
    table,
)
from cse.errors import BadRequest, NotImplementedByThisCSE
from cse.primitive import Request
from cse.resource import Access, ResourceType, Work
from cse.store import Resource

RIGHTS = DataType(
    "a sum of 1 C, 2 R, 4 U, 8 D, 16 N, 32 DISCOVERY (1..63)",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 63,
)
RULE = record(
    acor=list_of(IDENTIFIER),
    acop=RIGHTS,
    acod_=list_of(record(ty_=NON_NEGATIVE, chty=list_of(NON_NEGATIVE))),
    acco_=ANYTHING,
    acaf_=ANYTHING,
)
RULES = record(acr_=list_of(RULE, may_be_empty=True))
LATER = {"acco": "access control contexts", "acaf": "authentication of originators"}


class AccessControlPolicy(ResourceType):
    number = 1
    name = "accessControlPolicy"
    short_name = "acp"
    parents = frozenset({2, 5})
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

    def creating(self, work: Work, request: Request, resource: Resource, parent: Resource) -> None:
        _check(resource.attributes)

    def updating(self, work: Work, resource: Resource, changes: dict[str, Any]) -> None:
        _check(resource.attributes | changes)


def _check(attributes: dict[str, Any]) -> None:
    """A rule that this server can't evaluate is refused: it must never be taken for one that always holds."""
    if not attributes["pvs"].get("acr"):
        raise BadRequest("pvs (selfPrivileges) must have at least one rule, or nobody could ever change the policy")
    for rule in attributes["pv"].get("acr", []) + attributes["pvs"]["acr"]:
        for member, feature in LATER.items():
            if member in rule:
                raise NotImplementedByThisCSE(
                    f"{member} needs {feature}, which this CSE does not have yet: leave it out"
                )
