"""Random trees and random filterCriteria, with what the criteria mean in the plainest words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from cse.store import Resource
from cse.work import Work
from tests.cse.works import add, working

ROOT = "cse-in/root"
NAMES = frozenset({"mni", "rn", "con"})
HIDDEN = "hidden"  # in the label of whatever may not be seen

labels = st.lists(st.sampled_from(["red", "blue", "size:big", HIDDEN]), max_size=2, unique=True)
nodes = st.tuples(
    st.integers(0, 30), st.sampled_from(["cnt", "cnt", "cin"]), labels, st.integers(0, 3), st.sampled_from("5678")
)
trees = st.lists(nodes, max_size=14)

Arguments = dict[str, list[str]]
CONDITIONS: dict[str, st.SearchStrategy[list[str]]] = {
    "ty": st.lists(st.sampled_from(["3", "4", "9"]), min_size=1, max_size=2),
    "lbl": st.lists(st.sampled_from(["red", "blue", "green"]), min_size=1, max_size=2),
    "lbq": st.sampled_from([["size"], ["NT red"], ["size NE small"]]),
    "crb": st.sampled_from("5678").map(lambda day: [f"2027010{day}T000000"]),
    "mni": st.lists(st.sampled_from(["0", "1", "*"]), min_size=1, max_size=2),
    "pty": st.sampled_from([["2"], ["3"]]),
    "chty": st.sampled_from([["3"], ["4"], ["3", "4"]]),
    "palb": st.sampled_from([["red"], ["blue"]]),
    "clbl": st.sampled_from([["red"], ["blue"]]),
    "c.con": st.sampled_from([["1"], ["*"]]),
}
conditions = st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: CONDITIONS[key] for key in keys})
)
filters = st.tuples(conditions, st.sampled_from(["1", "2"]), st.sampled_from([None, 1, 2])).map(
    lambda parts: parts[0] | {"fo": [parts[1]]} | ({"lvl": [str(parts[2])]} if parts[2] else {})
)


@contextmanager
def planted(tree: list[tuple[int, str, list[str], int, str]]) -> Iterator[tuple[Work, list[Resource]]]:
    """A unit of work with a tree below an AE `root`, and its resources in the order of their creation.

    Each node names its parent by a number among the containers that there are already.
    """
    with working() as work:
        containers = [add(work, ROOT, "ae")]
        planted = []
        for number, (place, kind, label, size, day) in enumerate(tree):
            parent = containers[place % len(containers)]
            own: dict[str, Any] = {"mni": size} if kind == "cnt" else {"con": str(size), "cs": 1}
            created = f"2027010{day}T000000"
            resource = add(work, f"{parent.path}/n{number}", kind, lbl=label, ct=created, st=0, **own)
            planted.append(resource)
            if kind == "cnt":
                containers.append(resource)
        yield work, planted


def permitted(resource: Resource) -> bool:
    """Who may see what in these trees."""
    return HIDDEN not in resource.attributes.get("lbl", ())


def expected(planted: list[Resource], arguments: Arguments) -> list[Resource]:
    """The hits below the root."""
    depth = int(arguments.get("lvl", ["99"])[0])
    tests = [(key, values) for key, values in arguments.items() if key in CONDITIONS]
    combine: Callable[[Any], bool] = any if arguments["fo"] == ["2"] and tests else all
    return [
        resource
        for resource in planted
        if resource.path.count("/") - ROOT.count("/") <= depth
        and permitted(resource)
        and combine(meets(resource, key, values, planted) for key, values in tests)
    ]


def meets(resource: Resource, key: str, values: list[str], planted: list[Resource]) -> bool:
    """One criterion."""
    attributes = resource.attributes
    own = set(attributes.get("lbl", ()))
    parents = [other for other in planted if other.ri == resource.pi and permitted(other)]
    children = [other for other in planted if other.pi == resource.ri and permitted(other)]
    above = {str(parent.ty) for parent in parents} | ({"2"} if resource.path.count("/") == 2 else set())
    plain = {
        "ty": lambda: str(resource.ty) in values,
        "lbl": lambda: bool(own & set(values)),
        "lbq": lambda: {"size": "size:big" in own, "NT red": "red" not in own}.get(values[0], "size:big" in own),
        "crb": lambda: attributes["ct"] < values[0],
        "mni": lambda: "mni" in attributes and ("*" in values or str(attributes["mni"]) in values),
        "pty": lambda: bool(above & set(values)),
        "chty": lambda: any(str(child.ty) in values for child in children),
        "palb": lambda: any(set(values) & set(parent.attributes["lbl"]) for parent in parents),
        "clbl": lambda: any(set(values) & set(child.attributes["lbl"]) for child in children),
        "c.con": lambda: any(
            "con" in child.attributes and values[0] in ("*", child.attributes["con"]) for child in children
        ),
    }
    return plain[key]()
