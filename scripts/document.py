"""Writes the pages of docs/ that follow from declarations: hooks, settings, resource types with their attributes."""

import inspect
from collections.abc import Iterable
from pathlib import Path

from cse import hookspecs
from cse.attributes import Attribute
from cse.config import Section, ServerSettings, describe
from cse.registry import load_plugins, resource_types, settings_sections
from cse.resource import ResourceType

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
    """One table of attributes per resource type."""
    parts = [
        NOTE,
        "# Resource types\n",
        "In CREATE and UPDATE an attribute is mandatory (M), optional (O) or not permitted (NP). One that needs "
        "something which this CSE does not have yet is refused with 5001.\n",
    ]
    for number, kind in sorted(types.items()):
        parts.append(f"## {kind.name} (`{kind.root}`, ty {number})\n")
        parts.append(_where(kind, types))
        rows = [_attribute(attribute) for attribute in kind.attributes.values()]
        parts.append(_table(("short name", "attribute", "value", "CREATE", "UPDATE", "needs"), rows))
    return "\n".join(parts)


def _where(kind: ResourceType, types: dict[int, ResourceType]) -> str:
    parents = ", ".join(types[number].name if number in types else f"ty {number}" for number in sorted(kind.parents))
    sentences = [f"Parents: {parents}." if kind.creatable and parents else "Made by the CSE."]
    if kind.virtual_children:
        sentences.append(f"Virtual children: {', '.join(f'`{name}`' for name in sorted(kind.virtual_children))}.")
    return " ".join(sentences) + "\n"


def _attribute(attribute: Attribute) -> tuple[str, ...]:
    presence = (attribute.create.value, attribute.update.value)
    return (f"`{attribute.short_name}`", attribute.name, attribute.type.description, *presence, attribute.needs)


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
