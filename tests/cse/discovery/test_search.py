from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.discovery.criteria import parse_filter
from cse.discovery.search import Finder, Page
from cse.store import Resource
from cse.work import Work
from tests.cse.discovery.trees import NAMES, ROOT, Arguments, expected, filters, permitted, planted, trees
from tests.cse.works import add, working


def finder(work: Work, arguments: Arguments, root: str = ROOT) -> Finder:
    return Finder(work, work.target(root).resource, parse_filter(arguments, NAMES), permitted)


def names(page: Page) -> list[str]:
    return [resource.path.removeprefix(f"{ROOT}/") for resource in page.resources]


def paths(resources: list[Resource]) -> list[str]:
    return [resource.path for resource in resources]


@given(trees, filters)
def test_what_is_found_is_what_the_criteria_say(
    tree: list[tuple[int, str, list[str], int, str]], arguments: Arguments
) -> None:
    with planted(tree) as (work, resources):
        found = finder(work, arguments).matches()
        assert paths(found.resources) == paths(expected(resources, arguments))
        assert finder(work, arguments).branches() == found


@given(trees, filters, st.integers(1, 5))
def test_pages_of_matches_have_each_hit_once(
    tree: list[tuple[int, str, list[str], int, str]], arguments: Arguments, limit: int
) -> None:
    with planted(tree) as (work, resources):
        found: list[str] = []
        offset: int | None = 1
        while offset is not None:
            page = finder(work, arguments | {"lim": [str(limit)], "ofst": [str(offset)]}).matches()
            assert len(page.resources) == limit or page.next_offset is None
            assert page.resources or offset == 1
            found += paths(page.resources)
            offset = page.next_offset
        assert found == paths(expected(resources, arguments))


@given(trees, filters, st.integers(1, 5))
def test_pages_of_branches_have_each_hit_once_and_each_branch_whole(
    tree: list[tuple[int, str, list[str], int, str]], arguments: Arguments, limit: int
) -> None:
    with planted(tree) as (work, resources):
        hits = paths(expected(resources, arguments))
        pages: list[list[str]] = []
        offset: int | None = 1
        while offset is not None:
            page = finder(work, arguments | {"lim": [str(limit)], "ofst": [str(offset)]}).branches()
            assert len(page.resources) <= limit
            pages.append(paths(page.resources))
            if page.next_offset == offset:  # a branch that does not fit: it can be had with a higher limit only
                limit += 1
            offset = page.next_offset
        assert sorted(chain.from_iterable(pages)) == sorted(hits)
        branches = [{path.split("/")[2] for path in page} for page in pages]
        assert all(one.isdisjoint(other) for number, one in enumerate(branches) for other in branches[:number])


@pytest.fixture
def root(work: Work) -> Resource:
    """root with the containers a (a/x, a/y, a/y/z) and b (b/x), and an instance in each x."""
    root = add(work, ROOT, "ae")
    for path in ("a", "b", "a/x", "a/y", "b/x", "a/y/z"):
        add(work, f"{ROOT}/{path}", lbl=[path])
    for path in ("a/x", "b/x"):
        add(work, f"{ROOT}/{path}/one", "cin", con="1", cs=1)
    return root


def test_a_branch_that_does_not_fit_is_left_out_with_those_behind_it(work: Work, root: Resource) -> None:
    def page(**arguments: str) -> Page:
        return finder(work, {key: [value] for key, value in arguments.items()}).branches()

    assert names(page(lim="8")) == ["a", "b", "a/x", "a/y", "b/x", "a/y/z", "a/x/one", "b/x/one"]
    assert names(page(lim="7")) == ["a", "a/x", "a/y", "a/y/z", "a/x/one"]
    assert page(lim="7").next_offset == 2
    assert page(lim="4") == Page([], 1)
    assert names(page(lim="3", ofst="2")) == ["b", "b/x", "b/x/one"]
    assert page(lim="2", ofst="2") == Page([], 2)
    assert page(ofst="3") == Page([])
    assert page(lim="0") == Page([], 1)
    assert names(page(lim="1", lvl="1")) == ["a"]
    assert names(page(lim="1", lvl="1", ofst="2")) == ["b"]
    assert names(page(lim="2", lvl="2", ofst="2")) == ["b", "b/x"]
    assert names(page(ty="4", lim="1")) == ["a/x/one"]
    assert page(ty="4", lim="1").next_offset == 2


def test_the_server_has_a_limit_of_its_own() -> None:
    with working(max_discovery_results=2) as work:
        add(work, ROOT, "ae")
        for name in "abc":
            add(work, f"{ROOT}/{name}")
        for arguments in ({}, {"lim": ["100"]}):
            assert names(finder(work, arguments).matches()) == ["a", "b"]
            assert finder(work, arguments).matches().next_offset == 3
            assert names(finder(work, arguments).branches()) == ["a", "b"]
        assert names(finder(work, {"lim": ["1"]}).matches()) == ["a"]


def test_what_has_expired_or_is_withheld_is_not_found(work: Work, root: Resource) -> None:
    add(work, f"{ROOT}/gone", et="20200101T000000")
    shut = work.target(f"{ROOT}/a/x").resource
    shut.attributes["disr"] = True
    work.transaction.resources.update(shut)
    assert names(finder(work, {"ty": ["4"]}).matches()) == ["b/x/one"]
    assert names(finder(work, {"ty": ["4"]}).branches()) == ["b/x/one"]
    assert "gone" not in names(finder(work, {}).matches())
    assert names(finder(work, {"chty": ["4"]}).matches()) == ["b/x"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"lbl": ["a"], "arp": ["y/z"]}, ["a/y/z"]),
        ({"lbl": ["a", "b"], "arp": ["/x"]}, ["a/x", "b/x"]),
        ({"lbl": ["a", "b"], "arp": ["y"]}, ["a/y"]),
        ({"lbl": ["a/x", "b/x"], "arp": ["la"]}, ["a/x/one", "b/x/one"]),
        ({"lbl": ["a", "b/x"], "arp": ["la"]}, ["b/x/one"]),
        ({"lbl": ["a/x", "a/y"], "arp": [".."]}, ["a"]),
        ({"lbl": ["a/x"], "arp": ["../../b"]}, ["b"]),
        ({"lbl": ["a"], "arp": ["../../../../x"]}, []),
        ({"lbl": ["a"], "arp": ["../../../cse-in.root.b"]}, []),
        ({"lbl": ["a"], "arp": ["/".join("x" * 100)]}, []),
        ({"ty": ["4"], "arp": ["fopt"]}, []),
    ],
)
def test_a_relative_path_leads_from_each_match_to_a_result(
    work: Work, root: Resource, arguments: Arguments, found: list[str]
) -> None:
    assert names(finder(work, arguments).matches()) == found
    assert names(finder(work, arguments).branches()) == found


def test_pages_of_what_relative_paths_lead_to_are_whole_as_well(work: Work, root: Resource) -> None:
    arguments = {"lbl": ["a", "b"], "arp": ["x/one"], "lim": ["1"]}
    first = finder(work, arguments).branches()
    assert (names(first), first.next_offset) == (["a/x/one"], 2)
    second = finder(work, arguments | {"ofst": ["2"]}).branches()
    assert (names(second), second.next_offset) == (["b/x/one"], None)


def test_a_relative_path_leads_nobody_where_he_may_not_look(work: Work, root: Resource) -> None:
    add(work, f"{ROOT}/a/secret", lbl=["hidden"])
    add(work, f"{ROOT}/secret", "grp", lbl=["group"], mnm=1)
    assert names(finder(work, {"lbl": ["a"], "arp": ["secret"]}).matches()) == []
    assert names(finder(work, {"lbl": ["group"], "arp": ["fopt"]}).matches()) == []


def test_long_lists_can_be_tested_as_well(work: Work, root: Resource) -> None:
    group = add(work, f"{ROOT}/group", "grp", mnm=2)
    work.transaction.lists.replace(group.ri, [("cse-in/root/a", None), ("cse-in/root/b", None)])
    criteria = parse_filter({"mid": ["*/b"]}, frozenset({"mid"}))
    assert names(Finder(work, root, criteria, permitted).matches()) == ["group"]
