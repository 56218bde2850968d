import pytest

from cse.errors import OperationNotAllowed
from cse.resource import Work
from cse.tree.operations import perform
from resources.cse_base import CSEBase
from tests.cse.works import creating, deleting, updating
from tests.resources.facts import declared, read

TYPE = CSEBase()
R3 = read(
    """
    rn NP NP 1; ty NP NP 1; ri NP NP 1; pi NP NP 1; ct NP NP 1; lt NP NP 1; lbl NP NP 0; acpi NP NP 0; cst NP NP 0;
    csi NP NP 1; srt NP NP 1; poa NP NP 1; nl NP NP 0; daci NP NP 0; ctm NP NP 0; csz NP NP 0; esi NP NP 0; srv NP NP 0
    """
)


def test_the_attributes_are_those_of_release_3() -> None:
    assert declared(TYPE) == R3


def test_the_csebase_can_not_be_made_changed_or_deleted(work: Work) -> None:
    for request in (creating("cse-in", 5, {"m2m:cb": {}}), updating("cse-in", {"m2m:cb": {}}), deleting("cse-in")):
        with pytest.raises(OperationNotAllowed):
            perform(work, request)
