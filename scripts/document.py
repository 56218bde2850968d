"""Writes the pages of docs/ that follow from declarations: hooks, settings, resource types with their attributes."""

import inspect
from collections.abc import Iterable
from pathlib import Path

from cse import hookspecs
from cse.config import Section, ServerSettings, describe
from cse.registry import load_plugins, resource_types, settings_sections
from cse.resource import ResourceType
from cse.type_table import ATTRIBUTE_HEADINGS, attribute_rows, parents

DOCS = Path(__file__).parents[1] / "docs"
NOTE = "<!-- Written by scripts/document; change the declarations instead. -->\n"


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    manager = load_plugins()
    return {
        "hooks.md": hooks_page(),
        "settings.md": settings_page(settings_sections(manager)),
        "resource-types.md": resource_types_page(resource_types(manager, ServerSettings())),
    }


def hooks_page() -> str:
    """One heading per hook, with what its docstring says."""
    parts = [
        NOTE,
        "# Hooks\n",
        "A plugin is a module that implements some of these functions with `cse.hookspecs.hookimpl` before them, in a "
        "package whose entry point group `cse` names the module.\n",
    ]
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        parts.append(f"## `{name}({', '.join(inspect.signature(hook).parameters)})`\n")
        parts.append(f"{inspect.getdoc(hook)}\n")
    return "\n".join(parts)


def settings_page(sections: Iterable[type[Section]]) -> str:
    """One table per section of the configuration file."""
    parts = [
        NOTE,
        "# Settings\n",
        "A setting comes from, in rising order: its default, the TOML file that `cse serve --config FILE` names, its "
        "environment variable, an option of the command line. A list in a variable is separated by commas.\n",
    ]
    for kind in sorted(sections, key=lambda kind: (kind.section != "server", kind.section)):
        parts.append(f"## [{kind.section}]\n")
        rows = [(f"`{row.name}`", f"`{row.default}`", row.help, f"`{row.variable}`") for row in describe(kind)]
        parts.append(_table(("setting", "default", "what it is", "variable"), rows))
    return "\n".join(parts)


def resource_types_page(types: dict[int, ResourceType]) -> str:
    """One table of attributes per resource type and specialisation."""
    parts = [
        NOTE,
        "# Resource types\n",
        "In CREATE and UPDATE an attribute is mandatory (M), optional (O) or not permitted (NP). One that needs "
        "something which this CSE does not have yet is refused with 5001. `cse types` prints the same. A "
        "specialisation of mgmtObj or flexContainer has the attributes of these besides those that are shown for it.\n",
    ]
    for _, family in sorted(types.items()):
        parts += _type_section("##", family, types, shown=family)
        parts += (
            part
            for kind in family.variants
            if kind is not family
            for part in _type_section("###", kind, types, shown=family)
        )
    return "\n".join(parts)


def _type_section(heading: str, kind: ResourceType, types: dict[int, ResourceType], shown: ResourceType) -> list[str]:
    """A type, or a specialisation without what its family, which is shown already, has."""
    names = set() if kind is shown else set(shown.attributes)
    rows = [row for row in attribute_rows(kind) if row[0] not in names]
    virtual = ", ".join(sorted(kind.virtual_children)) if kind is shown else ""
    return [
        f"{heading} {kind.name} (`{kind.root}`, ty {kind.number})\n",
        f"Parents: {parents(kind, types)}." + (f" Virtual children: {virtual}." if virtual else "") + "\n",
        _table(ATTRIBUTE_HEADINGS, ((f"`{short_name}`", *rest) for short_name, *rest in rows)) if rows else "",
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|") if text.startswith("`") else text.replace("|", "\\|").replace("<", "\\<")


def main() -> None:
    """Write all pages."""
    DOCS.mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
