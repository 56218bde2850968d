"""The resource types of the standard, one file each. A file that is added here is a type that the server has."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator

from cse.config import ServerSettings
from cse.hookspecs import hookimpl
from cse.resource import ResourceType
from resources.specializations.family import Family
from resources.specializations.tables import read_specializations


@hookimpl
def register_resource_types(settings: ServerSettings) -> Iterable[ResourceType]:
    """One object of each class with a number in the modules of this package; families get their tables."""
    tables = read_specializations(settings.specializations)
    return [kind(tables) if issubclass(kind, Family) else kind() for kind in list(_classes())]


def _classes() -> Iterator[type[ResourceType]]:
    for module in pkgutil.iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        for member in vars(importlib.import_module(name)).values():
            is_type = inspect.isclass(member) and issubclass(member, ResourceType) and "number" in vars(member)
            if is_type and member.__module__ == name:
                yield member
