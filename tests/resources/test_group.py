import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.errors import BadRequest, GroupMemberTypeInconsistent
from cse.events import GROUP_CHANGED
from cse.tree.operations import perform
from cse.work import Work
from resources.group import Group
from tests.cse.works import add, creating, deleting, updating, working

TYPE = Group()


@given(
    st.lists(
        st.sampled_from(["a", "b", "c", "cse-in/a", "/id-in/b", "/other/x", "//cse.example/other/x", "/other/y"]),
        max_size=12,
    )
)
def test_members_are_kept_once_in_the_order_of_their_first_mention(written: list[str]) -> None:
    with working() as work:
        for name in "abc":
            add(work, f"cse-in/{name}", ri=name)
        meant = {"cse-in/a": "a", "/id-in/b": "b", "//cse.example/other/x": "/other/x"}
        first = {meant.get(member, member): member for member in reversed(written)}
        expected = sorted(first.values(), key=written.index)
        made = perform(work, creating("cse-in", 9, {"m2m:grp": {"mnm": 12, "mid": written}})).content["m2m:grp"]
        assert made["mid"] == expected
        assert made["cnm"] == len(expected)
        assert made["mtv"] is True


@pytest.mark.parametrize("stated", ["cse-in", "-", "id-in", "/id-in/-", "/id-in/cse-in", "//cse.example/id-in/cse-in"])
def test_the_csebase_is_kept_by_its_identifier(work: Work, stated: str) -> None:
    made = perform(work, creating("cse-in", 9, {"m2m:grp": {"mnm": 1, "mid": [stated]}})).content["m2m:grp"]
    assert made["mid"] == ["id-in"]


def test_the_members_are_rows_not_part_of_the_document(work: Work) -> None:
    add(work, "cse-in/a", ri="a")
    made = perform(work, creating("cse-in", 9, {"m2m:grp": {"rn": "g", "mnm": 5, "mid": ["a"]}})).content["m2m:grp"]
    assert "mid" not in work.target("cse-in/g").resource.attributes
    assert work.transaction.lists.items(made["ri"]) == [(0, "a", "a")]
    perform(work, updating("cse-in/g", {"m2m:grp": {"mid": []}}))
    assert "mid" not in work.target("cse-in/g").resource.attributes
    assert work.transaction.lists.items(made["ri"]) == []


def test_every_change_of_members_is_an_effect(work: Work) -> None:
    add(work, "cse-in/a", ri="a")
    made = perform(work, creating("cse-in", 9, {"m2m:grp": {"rn": "g", "mnm": 5, "mid": ["a"]}})).content["m2m:grp"]
    perform(work, updating("cse-in/g", {"m2m:grp": {"gn": "name"}}))
    perform(work, updating("cse-in/g", {"m2m:grp": {"mid": []}}))
    perform(work, deleting("cse-in/g"))
    effects = work.transaction.effects.pending()
    assert [(effect.kind, effect.document) for effect in effects] == [(GROUP_CHANGED, {"group": made["ri"]})] * 3


def test_what_a_member_may_end_in(work: Work) -> None:
    add(work, "cse-in/a", ri="a")
    perform(work, creating("cse-in", 9, {"m2m:grp": {"rn": "g", "mnm": 5, "mid": [], "mt": 3}}))
    content = {"mnm": 5, "mt": 3, "csy": 2, "mid": ["a", "cse-in/g/fopt"]}
    assert perform(work, creating("cse-in", 9, {"m2m:grp": content})).succeeded
    with pytest.raises(GroupMemberTypeInconsistent, match="cse-in/a/la"):
        perform(work, creating("cse-in", 9, {"m2m:grp": content | {"mid": ["cse-in/a/la"]}}))


@pytest.fixture
def house(work: Work) -> Work:
    """A node with a battery `bat` and a reboot `rbo`."""
    perform(work, creating("cse-in", 14, {"m2m:nod": {"rn": "node", "ni": "urn:node"}}))
    perform(work, creating("cse-in/node", 13, {"m2m:bat": {"rn": "bat", "mgd": 1006, "btl": 80, "bts": 1}}))
    perform(work, creating("cse-in/node", 13, {"m2m:rbo": {"rn": "rbo", "mgd": 1009}}))
    return work


def batteries(work: Work, *members: str, **attributes: object) -> dict[str, object]:
    content = {"mnm": 5, "mt": 13, "spty": {"mgd": 1006}, "mid": list(members)} | attributes
    return dict(perform(work, creating("cse-in", 9, {"m2m:grp": content})).content["m2m:grp"])


def test_members_are_of_one_specialization(house: Work) -> None:
    both = ("cse-in/node/bat", "cse-in/node/rbo")
    assert batteries(house, *both)["mid"] == ["cse-in/node/bat"]
    mixed = batteries(house, *both, csy=3)
    assert (mixed["mt"], mixed["mid"], "spty" in mixed) == (0, list(both), False)
    with pytest.raises(GroupMemberTypeInconsistent, match=r"rbo .* spty=.*1006"):
        batteries(house, *both, csy=2)


def test_a_group_of_the_same_specialization_is_a_member(house: Work) -> None:
    batteries(house, "cse-in/node/bat", rn="few")
    assert batteries(house, "cse-in/few/fopt", csy=2)["mtv"] is True
    with pytest.raises(GroupMemberTypeInconsistent):
        batteries(house, "cse-in/few/fopt", csy=2, spty={"mgd": 1009})


@pytest.mark.parametrize("wrong", [{"spty": {}}, {"spty": {"cnd": "x"}}, {"mt": 3}, {"mt": 0}])
def test_a_specialization_belongs_to_its_type(house: Work, wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="spty"):
        batteries(house, **wrong)
