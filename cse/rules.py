"""Access control rules (m2m:accessControlRule) in the form in which they are quickly decided upon."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cse.address import Naming
from cse.primitive import settled
from cse.store import Resource

Context = Mapping[str, Any]
EVERYBODY = "all"


@settled
class Grant:
    """A privilege that somebody has: for all attributes, or only for those that the rule names (aca)."""

    attributes: frozenset[str] | None = None

    def covers(self, names: Iterable[str]) -> bool:
        """Whether it is good for all of these attributes."""
        return self.attributes is None or self.attributes.issuperset(names)

    def visible(self, representation: dict[str, Any]) -> dict[str, Any]:
        """What it leaves of a resource below its root."""
        limit = self.attributes
        if limit is None:
            return representation
        ((root, attributes),) = representation.items()
        return {root: {name: value for name, value in attributes.items() if name in limit}}


UNLIMITED = Grant()


@settled
class Rule:
    """Whom it means: `everybody`, all of this service `provider`, those with these `names` (AE-IDs, CSE-IDs, roles or
    groups) or who fit `patterns`, each in its shortest form; who has to be `authenticated`, and in one of `contexts`.

    `rights` is the sum of what they may do, on what `details` (acod) say, with what `grant` covers.
    """

    rights: int
    grant: Grant
    everybody: bool
    provider: bool
    names: frozenset[str]
    patterns: frozenset[str]
    authenticated: bool
    contexts: Sequence[Context] | None
    details: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, rule: Mapping[str, Any], naming: Naming) -> "Rule":
        """As it stands in a policy."""
        provider = f"//{naming.service_provider}"
        entries = {naming.originator(entry) for entry in rule["acor"] if entry not in (EVERYBODY, provider)}
        patterns = frozenset(entry for entry in entries if "*" in entry)
        return cls(
            rights=rule["acop"],
            grant=Grant(frozenset(rule["aca"])) if "aca" in rule else UNLIMITED,
            everybody=EVERYBODY in rule["acor"],
            provider=provider in rule["acor"],
            names=frozenset(entries - patterns),
            patterns=patterns,
            authenticated=bool(rule.get("acaf")),
            contexts=rule.get("acco"),
            details=rule.get("acod") or (),
        )

    @property
    def is_plain(self) -> bool:
        """Whether it grants what it grants to whom it names in any case."""
        return not (self.authenticated or self.details) and self.contexts is None and self.grant is UNLIMITED


class Privileges:
    """The rules for the resources that a policy governs (pv), or for the policy itself (pvs)."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self._unconditional: dict[int, tuple[bool, frozenset[str]]] = {}

    @classmethod
    def of(cls, policy: Resource, which: str, naming: Naming) -> "Privileges":
        """The ones in this attribute of a policy; none where a resource is no policy."""
        return cls([Rule.of(rule, naming) for rule in policy.attributes.get(which, {}).get("acr", [])])

    def grant_plainly(self, right: int, originator: str) -> bool:
        """Whether somebody has a right, unlimited, because a rule without any condition means everybody or names him.

        Who does not may still have it by another rule.
        """
        known = self._unconditional.get(right)
        if known is None:
            known = self._unconditional[right] = self._whom(right)
        everybody, names = known
        return everybody or originator in names

    def _whom(self, right: int) -> tuple[bool, frozenset[str]]:
        plain = [rule for rule in self.rules if rule.is_plain and rule.rights & right]
        return any(rule.everybody for rule in plain), frozenset().union(*(rule.names for rule in plain))


def kept_privileges(policy: Resource, which: str, naming: Naming) -> Privileges:
    """The same as `Privileges.of` for a policy that nobody changes (`Resources.look`): read once."""
    known: Privileges | None = policy.memo.get((Privileges, which))
    if known is None:
        known = policy.memo[Privileges, which] = Privileges.of(policy, which, naming)
    return known
