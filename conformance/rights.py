"""What tests of access control have in common: who may do what to a container."""

import pytest

from conformance.application import Application
from conformance.client import Answer, Attributes, Client
from conformance.standard import CNT, CREATE, DELETE, RETRIEVE, UPDATE

OPERATIONS = {CREATE: 2001, RETRIEVE: 2000, UPDATE: 2004, DELETE: 2002}

right = pytest.mark.parametrize(
    "right",
    [pytest.param(right, id=name) for name, right in zip(("CRE", "RET", "UPD", "DEL"), OPERATIONS, strict=True)],
)


def attempt(who: Client, right: int, path: str) -> Answer:
    """The operation that needs a right, on a container."""
    if right == CREATE:
        return who.create(path, CNT, {})
    if right == RETRIEVE:
        return who.retrieve(path)
    return who.update(path, CNT, {"lbl": ["a"]}) if right == UPDATE else who.delete(path)


def guarded(ae: Application, *rules: Attributes) -> str:
    """A container with one policy of these rules."""
    return ae.container(acpi=[ae.policy(*rules)])
