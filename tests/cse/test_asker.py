import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.asker import Asker, distance, parse_network
from cse.errors import BadRequest
from cse.rules import Rule
from cse.store import Resource
from cse.work import Work
from tests.cse.works import NOW, add, retrieving, working


def is_meant(work: Work, rule: dict[str, Any], originator: str = "Capp", **parameters: Any) -> bool:
    compiled = Rule.of({"acor": ["all"], "acop": 1} | rule, work.model.naming)
    return Asker(work, retrieving("cse-in", originator).derive(**parameters)).is_meant(compiled)


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ("all", ["Capp", "/id-in/Capp", "Clamp", "/id-mn", "/id-mn/Cfar", "//other.example/id-x/Cfar", ""]),
        ("Capp", ["Capp", "/id-in/Capp"]),
        ("/id-in/Capp", ["Capp", "/id-in/Capp"]),
        ("//cse.example/id-in/Capp", ["Capp", "/id-in/Capp"]),
        ("C*", ["Capp", "/id-in/Capp", "Clamp"]),
        ("/id-in/C*p", ["Capp", "/id-in/Capp", "Clamp"]),
        ("*", ["Capp", "/id-in/Capp", "Clamp"]),
        ("/id-*", ["/id-mn"]),
        ("/id-mn", ["/id-mn"]),
        ("//cse.example/id-mn", ["/id-mn"]),
        ("/id-mn/*", ["/id-mn/Cfar"]),
        ("//cse.example", ["Capp", "/id-in/Capp", "Clamp", "/id-mn", "/id-mn/Cfar"]),
        ("//cse.*", []),
        ("//other.example/id-x/Cfar", ["//other.example/id-x/Cfar"]),
        ("//other.example", []),
        ("app", []),
    ],
)
def test_which_originators_an_entry_means(work: Work, entry: str, meant: list[str]) -> None:
    everybody = ("Capp", "/id-in/Capp", "Clamp", "/id-mn", "/id-mn/Cfar", "//other.example/id-x/Cfar", "")
    assert [name for name in everybody if is_meant(work, {"acor": [entry]}, name)] == meant


def test_a_group_means_the_applications_in_it(work: Work) -> None:
    for name in ("Capp", "Clamp"):
        own = {"ty": 2, "ri": name, "pi": "id-in", "rn": name, "rr": True}
        work.transaction.resources.insert(Resource(f"cse-in/{name}", name, own))
    group = add(work, "cse-in/group", "grp", mt=0)
    work.transaction.lists.replace(group.ri, [("Capp", "Capp"), ("cse-in/Cgone", None)])
    for entry in ("cse-in/group", group.ri, f"/id-in/{group.ri}"):
        assert [name for name in ("Capp", "Clamp", "Cgone", "") if is_meant(work, {"acor": [entry]}, name)] == ["Capp"]
    for other in ("cse-in/none", "cse-in/Clamp", "/id-mn/group"):
        assert not is_meant(work, {"acor": [other]})


def test_a_role_means_those_whose_request_has_it(work: Work) -> None:
    rule = {"acor": ["reader@cse.example"]}
    assert is_meant(work, rule, role_identifiers=("writer@cse.example", "reader@cse.example"))
    assert not is_meant(work, rule, role_identifiers=("writer@cse.example",))
    assert not is_meant(work, rule)


def test_a_rule_may_demand_that_the_originator_is_authenticated(work: Work) -> None:
    assert is_meant(work, {"acaf": True}, authenticated=True)
    assert not is_meant(work, {"acaf": True})
    assert is_meant(work, {"acaf": False})


@pytest.mark.parametrize(
    ("context", "fits"),
    [
        ({"actw": ["* * * * * * *"]}, True),
        ({"actw": ["* * * * * * 1999", "* * * 15 1 5 2027"]}, True),
        ({"actw": ["* * * * * * 1999"]}, False),
        ({"acip": {"ipv4": ["192.0.2.7"]}}, True),
        ({"acip": {"ipv4": ["198.51.100.1", "192.0.2.0/24"]}}, True),
        ({"acip": {"ipv6": ["2001:db8::/32"], "ipv4": ["192.0.2.1/24"]}}, True),
        ({"acip": {"ipv4": ["192.0.2.8"]}}, False),
        ({"acip": {"ipv6": ["::/0"]}}, False),
        ({"actw": ["* * * * * * *"], "acip": {"ipv4": ["0.0.0.0/0"]}}, True),
        ({"actw": ["* * * * * * 1999"], "acip": {"ipv4": ["0.0.0.0/0"]}}, False),
        ({"aclr": {"accr": [0, 0, 40_000_000]}}, False),
        ({"aclr": {"accc": ["DE"]}}, False),
        ({"actw": ["* * * * * * *"], "aclr": {"accc": ["DE"]}}, False),
    ],
)
def test_all_conditions_of_a_context_must_hold(work: Work, context: dict[str, Any], fits: bool) -> None:
    assert is_meant(work, {"acco": [context]}, sender="192.0.2.7") is fits
    assert is_meant(work, {"acco": [{"actw": ["* * * * * * 1999"]}, context]}, sender="192.0.2.7") is fits


MUNICH, BERLIN = (48.137, 11.575), (52.517, 13.389)


@pytest.mark.parametrize(
    ("region", "place", "fits"),
    [
        ({"accr": [*BERLIN, 505_000]}, {"position": MUNICH}, True),
        ({"accr": [*BERLIN, 500_000]}, {"position": MUNICH}, False),
        ({"accr": [*BERLIN, 0]}, {"position": BERLIN}, True),
        ({"accr": [0, 179.9, 30_000]}, {"position": (0.0, -179.9)}, True),
        ({"accr": [90, 0, 10]}, {"position": (90.0, 120.0)}, True),
        ({"accr": [0, 0, 40_000_000]}, {"country": "DE"}, False),
        ({"accc": ["AT", "DE"]}, {"country": "DE"}, True),
        ({"accc": ["AT"]}, {"country": "DE", "position": MUNICH}, False),
        ({"accc": ["AT"], "accr": [*MUNICH, 10]}, {"country": "DE", "position": MUNICH}, True),
        ({"accc": ["DE"]}, {}, False),
    ],
)
def test_who_is_in_a_region(work: Work, region: dict[str, Any], place: dict[str, Any], fits: bool) -> None:
    assert is_meant(work, {"acco": [{"aclr": region}]}, **place) is fits
    assert not is_meant(work, {"acco": [{"aclr": region, "actw": ["* * * * * * 1999"]}]}, **place)


@given(*[st.tuples(st.floats(-90, 90), st.floats(-180, 180))] * 2)
def test_distances_are_those_on_a_globe(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert distance(one, one) == 0
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert 0 <= distance(one, other) <= 20_016_000


@pytest.mark.parametrize(
    ("sender", "fits"),
    [("192.0.2.7", True), ("::ffff:192.0.2.7", True), ("2001:db8::7", False), ("", False), ("a device", False)],
)
def test_who_has_no_address_is_in_no_network(work: Work, sender: str, fits: bool) -> None:
    assert is_meant(work, {"acco": [{"acip": {"ipv4": ["192.0.2.0/24"]}}]}, sender=sender) is fits


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.0/33", "192.0.2.0/24 ", "::/129", "house", "192.0.2.1-9"])
def test_what_is_no_network_is_refused(text: str) -> None:
    for version in (4, 6, None):
        with pytest.raises(BadRequest, match=r"^ipv4 in pv must be "):
            parse_network(text, version, "ipv4 in pv")


def test_networks_have_their_version() -> None:
    assert parse_network("192.0.2.1/24", 4) == ipaddress.ip_network("192.0.2.0/24")
    for text, version in (("192.0.2.1", 6), ("::1", 4)):
        with pytest.raises(BadRequest):
            parse_network(text, version)


ORIGINATORS = {
    "Capp": {"all", "Capp", "/id-in/Capp", "C*", "*", "//cse.example"},
    "Clamp": {"all", "C*", "*", "//cse.example"},
    "/id-mn": {"all", "/id-mn", "//cse.example/id-m*", "//cse.example"},
    "//other.example/id-x": {"all", "//other.example/*"},
}
ENTRIES = sorted(set().union(*ORIGINATORS.values()))
SENDERS = {"192.0.2.7": {"192.0.2.0/24"}, "::1": {"::/64"}, "": set[str]()}
TIMES = {"* * * * * * *": True, "* * * * * 1-5 2027": True, "* * 0 * * * *": False}
contexts = st.fixed_dictionaries(
    {},
    optional={
        "actw": st.lists(st.sampled_from(sorted(TIMES)), min_size=1, max_size=2),
        "acip": st.sampled_from([{"ipv4": ["192.0.2.0/24"]}, {"ipv6": ["::/64"]}]),
        "aclr": st.just({"accc": ["DE"]}),
    },
)
random_rules = st.fixed_dictionaries(
    {"acor": st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=3)},
    optional={"acaf": st.booleans(), "acco": st.lists(contexts, min_size=1, max_size=3)},
)


def naive(rule: dict[str, Any], originator: str, sender: str, authenticated: bool) -> bool:
    """The same said by tables."""

    def holds(context: dict[str, Any]) -> bool:
        conditions = [any(TIMES[entry] for entry in context.get("actw", TIMES)), "aclr" not in context]
        networks = {text for listed in context.get("acip", {}).values() for text in listed}
        return all(conditions) and (not networks or bool(networks & SENDERS[sender]))

    return (
        bool(ORIGINATORS[originator] & set(rule["acor"]))
        and (authenticated or not rule.get("acaf", False))
        and any(holds(context) for context in rule.get("acco", [{}]))
    )


def test_rules_are_read_as_a_naive_model_reads_them() -> None:
    with working() as work:
        assert work.now == NOW

        @given(random_rules, st.sampled_from(sorted(ORIGINATORS)), st.sampled_from(sorted(SENDERS)), st.booleans())
        def agree(rule: dict[str, Any], originator: str, sender: str, authenticated: bool) -> None:
            found = is_meant(work, rule, originator, sender=sender, authenticated=authenticated)
            assert found is naive(rule, originator, sender, authenticated)

        agree()
