"""The resource types of the standard, one file each. A file that is added here is a type that the server has."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable

from cse.hookspecs import hookimpl
from cse.resource import ResourceType


@hookimpl
def register_resource_types() -> Iterable[ResourceType]:
    """One object of each class with a number in the modules of this package."""
    for module in pkgutil.iter_modules(__path__):
        members = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        for member in members:
            if inspect.isclass(member) and issubclass(member, ResourceType) and hasattr(member, "number"):
                yield member()
