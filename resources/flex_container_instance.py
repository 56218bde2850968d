"""flexContainerInstance (Release 4): what the attributes of a flexContainer were, kept by the CSE."""

import dataclasses
from collections.abc import Sequence
from typing import Self

from cse.attributes import EXPIRATION, IDENTIFIER, LABELS, NON_NEGATIVE, NP, UNIVERSAL, Attribute, table
from cse.resource import Access, ResourceType
from resources.common.location import LOCATION
from resources.specializations.family import Family
from resources.specializations.tables import Specialization


class FlexContainerInstance(Family):
    number = 58
    name = "flexContainerInstance"
    short_name = "fci"
    parents = frozenset({28})
    tables_of = "flexContainer"
    access = Access.PARENT
    creatable = False
    updatable = False
    subscribable = False
    attributes = table(
        *(dataclasses.replace(shared, create=NP, update=NP) for shared in (*UNIVERSAL, EXPIRATION, LABELS, LOCATION)),
        Attribute("st", "stateTag", NON_NEGATIVE, NP, NP),
        Attribute("cs", "contentSize", NON_NEGATIVE, NP, NP),
        Attribute("org", "originator", IDENTIFIER, NP, NP, required=True),
    )

    @property
    def variants(self) -> Sequence[ResourceType]:
        """Only itself: the roots and the attributes are those of the flexContainers."""
        return (self,)

    def _specialize(self, table: Specialization) -> Self:
        kind = super()._specialize(table)
        kind.name = self.name
        return kind
