import pytest

from cse.errors import OperationNotAllowed
from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import creating, deleting, updating


def test_the_csebase_can_not_be_made_changed_or_deleted(work: Work) -> None:
    for request in (creating("cse-in", 5, {"m2m:cb": {}}), updating("cse-in", {"m2m:cb": {}}), deleting("cse-in")):
        with pytest.raises(OperationNotAllowed):
            perform(work, request)
