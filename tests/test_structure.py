"""What keeps the tree readable: sizes, imports, documentation. Layers between modules are in .importlinter."""

import ast
import graphlib
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp

from scripts.document import DOCS, pages

ROOT = Path(__file__).parents[1]
ROOMS = ("cse", "plugins", "resources")
EVERYWHERE = (*ROOMS, "tests", "conformance", "benchmarks", "scripts")
LONGEST_FILE, MEDIAN_FILE = 400, 150
LONGEST_FUNCTION, LONG_FUNCTION, SHARE_OF_LONG_FUNCTIONS, MEDIAN_FUNCTION = 50, 25, 0.1, 8

MACHINE = re.compile(r"(^|[^\w.])/(work|farm|root|home|Users)/")
PACKAGE_INDEX = re.compile(r"index[-_]url|find[-_]links|trusted[-_]host|https?://\S*(pypi|/simple\b)")
SKIPS = {"skip", "skipif", "skipIf", "skipTest", "xfail", "importorskip"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines of code: without signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports; relative ones as they are written."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return ["." * node.level + (node.module or "")] if isinstance(node, ast.ImportFrom) else []


def own(module: str) -> bool:
    return module.startswith(".") or module.split(".", maxsplit=1)[0] in ROOMS


def tracked_text() -> Iterator[tuple[str, str]]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if path.is_file():
            yield name, path.read_text(encoding="utf-8", errors="replace")


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_too_long() -> None:
    sizes = {str(path.relative_to(ROOT)): lines(path) for path in python_files(*EVERYWHERE)}
    assert not {name: size for name, size in sizes.items() if size > LONGEST_FILE}
    assert statistics.median(map(lines, python_files(*ROOMS))) <= MEDIAN_FILE


def test_no_function_is_too_long() -> None:
    sizes = {
        f"{place(path, function)} {function.name}": length(function)
        for path in python_files(*EVERYWHERE)
        for function in functions(path)
    }
    assert not {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION}


def test_most_functions_are_short() -> None:
    sizes = [length(function) for path in python_files(*ROOMS) for function in functions(path)]
    assert sum(size > LONG_FUNCTION for size in sizes) <= SHARE_OF_LONG_FUNCTIONS * len(sizes)
    assert statistics.median(sizes) <= MEDIAN_FUNCTION


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*ROOMS, exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()


def test_no_function_imports_our_own_modules() -> None:
    found = [
        place(path, node)
        for path in python_files(*ROOMS, "scripts")
        for function in functions(path)
        for node in ast.walk(function)
        if any(map(own, imported(node)))
    ]
    assert not found


def test_the_conformance_suite_imports_nothing_of_ours() -> None:
    found = [
        place(path, node)
        for path in python_files("conformance")
        for node in ast.walk(tree(path))
        if any(module.split(".")[0] in ROOMS for module in imported(node))
    ]
    assert not found


def test_every_module_says_what_it_is() -> None:
    assert not [str(path.relative_to(ROOT)) for path in python_files(*ROOMS) if not ast.get_docstring(tree(path))]


def test_every_contract_says_what_it_wants() -> None:
    """Whoever implements an abstract method or a hook reads only its docstring."""
    contracts = [
        (path, function)
        for path in python_files("cse")
        for function in functions(path)
        if path.name == "hookspecs.py" or "abstractmethod" in map(ast.unparse, function.decorator_list)
    ]
    assert contracts
    assert not [place(path, function) for path, function in contracts if not ast.get_docstring(function)]


def test_no_test_is_skipped() -> None:
    found = [
        place(path, node)
        for path in python_files("tests", "conformance")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in SKIPS
    ]
    assert not found


def test_no_file_names_a_machine_or_a_package_index() -> None:
    found = [
        f"{name}:{number}: {line[:100]}"
        for name, text in tracked_text()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE.search(line) or PACKAGE_INDEX.search(line)
    ]
    assert not found


def test_every_hook_setting_and_resource_type_is_documented() -> None:
    stale = [name for name, text in pages().items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert not stale, "run scripts/document"
