"""Reads tables of specialisations. What is wrong with one is said at the start of the server: file, name and remedy."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cse.attributes import (
    ANYTHING,
    BOOLEAN,
    IDENTIFIER,
    INTEGER,
    OBJECT,
    POSITIVE,
    Attribute,
    DataType,
    M,
    Presence,
    Table,
    either,
    list_of,
    one_of,
    table,
)
from cse.config import ConfigurationError
from resources.specializations.data_types import DEFINITIONS, RESTRICTIONS, DataTypes

OURS = Path(__file__).parent
TYPES = "types"
ROOT = re.compile(r"[A-Za-z][A-Za-z0-9]*:[A-Za-z][A-Za-z0-9_]*")
SHORT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
PRESENCE = one_of("M", "O", "NP")
KEYS = {
    "type": one_of("mgmtObj", "flexContainer"),
    "name": IDENTIFIER,
    "definition": either(INTEGER, IDENTIFIER),
    "attributes": OBJECT,
    "parents": list_of(POSITIVE),
    "exclusive": list_of(list_of(IDENTIFIER)),
}
ATTRIBUTE_KEYS = {
    "name": IDENTIFIER,
    "create": PRESENCE,
    "update": PRESENCE,
    "required": BOOLEAN,
    "default": ANYTHING,
    "reads_as": BOOLEAN,
} | dict.fromkeys((*DEFINITIONS, *RESTRICTIONS), ANYTHING)


@dataclass(frozen=True, slots=True)
class Specialization:
    """One table. `family` is the name of the resource type that it specialises, `place` says where it stands.

    `definition` is the value of mgmtDefinition or containerDefinition, None if any will do. `parents` are numbers of
    resource types, empty for those of the family. Of the attributes in a set of `exclusive` only one can be set, and
    `triggers` are attributes that always read as this value, whatever is written.
    """

    family: str
    root: str
    name: str
    place: str
    definition: int | str | None = None
    attributes: Table = field(default_factory=Table)
    parents: frozenset[int] = frozenset()
    exclusive: tuple[frozenset[str], ...] = ()
    triggers: Mapping[str, bool] = field(default_factory=dict)


def read_specializations(folder: str = "") -> tuple[Specialization, ...]:
    """Our tables and those of the operator's folder (empty for none), which replace ours of the same name."""
    ours = _our_entries()
    theirs = _entries(_existing(folder)) if folder else {}
    entries = ours | theirs
    types = DataTypes({name: entries[kind, name] for kind, name in entries if kind == TYPES})
    types.all()
    return tuple(_specialization(name, *entry, types) for (kind, name), entry in entries.items() if kind != TYPES)


def _existing(folder: str) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise ConfigurationError(f"specializations in [server] must be a folder with TOML files, not {folder!r}")
    return path


Entries = dict[tuple[str, str], tuple[str, Any]]


def _entries(folder: Path) -> Entries:
    """What the files of a folder say: {(kind, name): (file, content)}; the kind is TYPES for data types."""
    found: Entries = {}
    for path in sorted(folder.glob("*.toml")):
        for key, content in _in_file(path):
            if key in found:
                raise ConfigurationError(f"{path.name} and {found[key][0]} both have {key[1]}: rename or remove one")
            found[key] = (path.name, content)
    return found


@cache
def _our_entries() -> Entries:
    """They do not change while a process runs."""
    return _entries(OURS)


def _in_file(path: Path) -> Iterator[tuple[tuple[str, str], Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
    types = content.pop(TYPES, {})
    if not OBJECT.accepts(types):
        raise ConfigurationError(f"{path.name}: {TYPES} must be a table of data types")
    yield from (((TYPES, name), definition) for name, definition in types.items())
    yield from ((("", root), definition) for root, definition in content.items())


def _specialization(root: str, file: str, content: Any, types: DataTypes) -> Specialization:
    place = f"{file}: {root}"
    if not ROOT.fullmatch(root):
        raise ConfigurationError(f"{place} must be a name with a prefix, such as x:pressure")
    content = _checked(content, KEYS, {"type", "name"}, place)
    rows = content.get("attributes", {})
    attributes = table(_attribute(name, row, types, f"{place}, attribute {name}") for name, row in rows.items())
    return Specialization(
        family=content["type"],
        root=root,
        name=content["name"],
        place=place,
        definition=content.get("definition"),
        attributes=attributes,
        parents=frozenset(content.get("parents", ())),
        exclusive=_exclusive(content.get("exclusive", []), attributes, place),
        triggers={name: row["reads_as"] for name, row in rows.items() if "reads_as" in row},
    )


def _attribute(short_name: str, content: Any, types: DataTypes, place: str) -> Attribute:
    row = _checked(content, ATTRIBUTE_KEYS, {"name"}, place)
    if not SHORT_NAME.fullmatch(short_name):
        raise ConfigurationError(f"{place}: a short name must consist of letters and digits")
    kind = types.read({key: value for key, value in row.items() if key in (*DEFINITIONS, *RESTRICTIONS)}, place)
    default = row.get("reads_as", row.get("default"))
    if default is not None and not kind.accepts(default):
        raise ConfigurationError(f"{place}: the value without a request, {default!r}, must be {kind.description}")
    create, update = (Presence(row.get(key, "O")) for key in ("create", "update"))
    required = row.get("required", create is M)
    return Attribute(short_name, row["name"], kind, create, update, required=required, default=default)


def _exclusive(sets: Iterable[list[str]], attributes: Table, place: str) -> tuple[frozenset[str], ...]:
    found = tuple(map(frozenset, sets))
    for name in sorted(frozenset().union(*found) - attributes.keys()):
        raise ConfigurationError(f"{place}: exclusive names {name!r}, which is none of its attributes: remove it")
    return found


def _checked(content: Any, keys: Mapping[str, DataType], needed: set[str], place: str) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{place} must be a table, not {content!r}")
    for key, value in content.items():
        if key not in keys:
            raise ConfigurationError(f"{place}: {key!r} is unknown; it can have {', '.join(keys)}")
        if not keys[key].accepts(value):
            raise ConfigurationError(f"{place}: {key} must be {keys[key].description}, not {value!r}")
    for key in sorted(needed - content.keys()):
        raise ConfigurationError(f"{place}: {key} is missing: add it")
    return content
