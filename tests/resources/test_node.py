"""A node: its links to what it hosts, and theirs to it, agree whatever changes."""

from typing import Any

from cse.tree.operations import perform
from cse.work import Work
from tests.cse.works import add, creating, deleting, retrieving, updating

AE = {"api": "N.x", "rr": True, "srv": ["3"]}


def node(work: Work, name: str, **attributes: Any) -> str:
    """The identifier of a new node."""
    content = {"m2m:nod": {"rn": name, "ni": f"urn:{name}"} | attributes}
    return str(perform(work, creating("cse-in", 14, content)).content["m2m:nod"]["ri"])


def register(work: Work, name: str, node: str) -> None:
    perform(work, creating("cse-in", 2, {"m2m:ae": AE | {"rn": name, "nl": node}}, f"C{name}"))


def seen(work: Work, path: str, attribute: str) -> Any:
    (attributes,) = perform(work, retrieving(path)).content.values()
    return attributes.get(attribute)


def test_a_node_lists_the_applications_that_it_hosts(work: Work) -> None:
    node(work, "gateway")
    for name in ("one", "two"):
        register(work, name, "cse-in/gateway")
    assert seen(work, "cse-in/gateway", "hael") == ["Cone", "Ctwo"]
    perform(work, deleting("cse-in/one"))
    assert seen(work, "cse-in/gateway", "hael") == ["Ctwo"]
    perform(work, updating("cse-in/two", {"m2m:ae": {"nl": None}}))
    assert seen(work, "cse-in/gateway", "hael") is None


def test_an_application_moves_from_node_to_node(work: Work) -> None:
    first, second = node(work, "first"), node(work, "second")
    register(work, "app", first)
    perform(work, updating("cse-in/app", {"m2m:ae": {"nl": second}}))
    assert seen(work, "cse-in/first", "hael") is None
    assert seen(work, "cse-in/second", "hael") == ["Capp"]


def test_an_application_that_the_node_names_already_is_not_named_twice(work: Work) -> None:
    identifier = node(work, "gateway", hael=["Capp"])
    register(work, "app", identifier)
    perform(work, updating("cse-in/app", {"m2m:ae": {"nl": f"/id-in/{identifier}"}}))
    assert seen(work, "cse-in/gateway", "hael") == ["Capp"]


def test_links_to_a_node_go_with_it(work: Work) -> None:
    register(work, "app", node(work, "gateway"))
    perform(work, deleting("cse-in/gateway"))
    assert seen(work, "cse-in/app", "nl") is None


def test_a_link_to_elsewhere_stays_when_a_node_that_claims_the_application_goes(work: Work) -> None:
    node(work, "gateway", hael=["Capp"])
    register(work, "app", "/id-other/node7")
    perform(work, deleting("cse-in/gateway"))
    assert seen(work, "cse-in/app", "nl") == "/id-other/node7"


def test_what_is_no_node_gets_no_link(work: Work) -> None:
    add(work, "cse-in/box")
    register(work, "app", "cse-in/box")
    assert seen(work, "cse-in/box", "hael") is None
    assert seen(work, "cse-in/app", "nl") == "cse-in/box"


def test_the_cse_names_the_node_that_hosts_it(work: Work) -> None:
    identifier = node(work, "server", hcl="/id-in")
    assert seen(work, "cse-in", "nl") == identifier
    perform(work, updating("cse-in/server", {"m2m:nod": {"hcl": "/id-other"}}))
    assert seen(work, "cse-in", "nl") is None
    perform(work, updating("cse-in/server", {"m2m:nod": {"hcl": "/id-in"}}))
    perform(work, deleting("cse-in/server"))
    assert seen(work, "cse-in", "nl") is None
