"""What is overlooked in requests of old clients, which mean well and write otherwise.

A request without a release version is one of Release 1 or 2: its form is put right here, where that can be done without
guessing, and what it means is then checked like any other. From the declared attribute types follows what can be meant.
"""

from collections.abc import Mapping
from typing import Any

from cse.address import Naming
from cse.attributes import Attribute, Table, meant

BY_RELEASE, ALWAYS, NEVER = "by-release", "always", "never"


def is_lenient(setting: str, release_version: str | None) -> bool:
    """Whether a request that states this release (None: none) is read leniently, by the setting `leniency`."""
    return setting == ALWAYS or (setting == BY_RELEASE and release_version is None)


def put_right(attributes: Table, content: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
    """The attributes in a request with their values in the form that their types have.

    Nothing (null, an empty list) is left out of a CREATE where it is no value.
    """
    return {
        name: meant(attributes[name].type, value) if name in attributes else value
        for name, value in content.items()
        if not (creating and _is_nothing(attributes.get(name), value))
    }


def plain_address(address: str, naming: Naming) -> str:
    """An address without the signs of a scope that it does not have.

    `/cse-in/app` and `/cnt4f` name no CSE, and of `~id-in/cse-in/app` a slash is missing.
    """
    if address.startswith("//") or not address.startswith(("/", "~")):
        return address
    first, *rest = address[1:].split("/")
    if first == naming.base_identifier:
        return "/" + address[1:]
    if address[0] == "~" or first == naming.cse_name or not rest:
        return address[1:] or "-"
    return address


def _is_nothing(attribute: Attribute | None, value: Any) -> bool:
    if attribute is None or attribute.short_name == "cr":
        return False
    return value is None or (value == [] and not attribute.type.accepts([]))
