import orjson
import pytest

from cse.errors import BadRequest, NotFound, NotImplementedByThisCSE
from cse.primitive import Operation, Request, ResultContent
from cse.representation import (
    ALLOWED,
    LARGEST_KEPT,
    rendered,
    represent,
    represent_created,
    represent_matches,
    represent_updated,
    represent_with_children,
    result_content,
)
from cse.store import Resource
from cse.work import Work
from tests.cse.works import add


def asking(operation: Operation, form: int | None = None, content: object = None, *, short: bool = False) -> Request:
    wanted = None if form is None else ResultContent(form)
    return Request(operation, "x", "Capp", "r", content=content, result_content=wanted, unstructured_identifiers=short)


@pytest.fixture
def box(work: Work) -> Resource:
    return add(work, "cse-in/box", mni=3, _secret=1)


@pytest.mark.parametrize("operation", sorted(ALLOWED))
def test_each_operation_has_its_forms_and_a_default(operation: Operation) -> None:
    assert result_content(asking(operation)) in ALLOWED[operation]
    for form in ResultContent:
        if form in ALLOWED[operation]:
            assert result_content(asking(operation, form)) is form
        else:
            with pytest.raises((BadRequest, NotImplementedByThisCSE), match=f"rcn {form.value}"):
                result_content(asking(operation, form))


@pytest.mark.parametrize("form", [ResultContent.SEMANTIC_CONTENT, ResultContent.PERMISSIONS])
def test_forms_of_features_that_are_not_there(form: ResultContent) -> None:
    with pytest.raises(NotImplementedByThisCSE):
        result_content(asking(Operation.RETRIEVE, form))
    with pytest.raises(BadRequest):
        result_content(asking(Operation.UPDATE, form))


def test_a_discovery_has_forms_of_its_own() -> None:
    def form(wanted: int | None) -> ResultContent:
        return result_content(asking(Operation.RETRIEVE, wanted), discovery=True)

    assert form(None) is form(11) is ResultContent.DISCOVERY_RESULT_REFERENCES
    assert form(6) is ResultContent.CHILD_REFERENCES
    for other in (1, 4, 5, 8):
        with pytest.raises(BadRequest, match="6, 11"):
            form(other)


def test_what_is_private_is_not_shown(work: Work, box: Resource) -> None:
    shown = represent(work, box)["m2m:cnt"]
    assert shown["mni"] == 3
    assert "_secret" not in shown


def test_single_attributes_are_those_of_the_type_that_are_there(work: Work, box: Resource) -> None:
    assert represent(work, box, ["mni", "rn"]) == {"m2m:cnt": {"mni": 3, "rn": "box"}}
    with pytest.raises(NotFound, match="mbs"):
        represent(work, box, ["mbs"])
    for name in ("_secret", "api"):
        with pytest.raises(BadRequest, match=name):
            represent(work, box, [name])


def test_the_forms_of_a_created_resource(work: Work, box: Resource) -> None:
    sent = {"m2m:cnt": {"mni": 3, "rn": "other"}}

    def answer(form: int) -> object:
        return represent_created(work, asking(Operation.CREATE, form, sent), ResultContent(form), box)

    assert answer(0) is None
    assert answer(1) == represent(work, box)
    assert answer(2) == {"m2m:uri": "cse-in/box"}
    assert answer(3) == {"m2m:rce": {"uri": "cse-in/box", **represent(work, box)}}
    added = answer(9)
    assert isinstance(added, dict)
    assert added["m2m:cnt"]["rn"] == "box"
    assert "mni" not in added["m2m:cnt"]


def test_the_forms_of_an_updated_resource(work: Work, box: Resource) -> None:
    before = represent(work, box)["m2m:cnt"]
    box.attributes |= {"mni": 4, "mbs": 10}

    def answer(form: int) -> object:
        return represent_updated(work, asking(Operation.UPDATE, form, {"m2m:cnt": {"mni": 4}}), box, before)

    assert answer(0) is None
    assert answer(1) == represent(work, box)
    assert answer(9) == {"m2m:cnt": {"mbs": 10}}


def test_modified_attributes_are_those_that_are_not_as_sent(work: Work, box: Resource) -> None:
    before = represent(work, box)["m2m:cnt"] | {"mia": 9}
    box.attributes |= {"mbs": 5}
    sent = {"m2m:cnt": {"mbs": 7, "mni": None, "or": "x"}}
    answer = represent_updated(work, asking(Operation.UPDATE, 9, sent), box, before)
    assert answer == {"m2m:cnt": {"mni": 3, "mbs": 5, "mia": None, "or": None}}
    created = represent_created(
        work, asking(Operation.CREATE, 9, {"m2m:cnt": {"or": "x", "cr": None}}), ResultContent.MODIFIED_ATTRIBUTES, box
    )
    assert created["m2m:cnt"]["or"] is None
    assert "cr" not in created["m2m:cnt"]


def test_the_forms_with_children(work: Work, box: Resource) -> None:
    inner = add(work, "cse-in/box/inner")
    instance = add(work, "cse-in/box/inner/one", "cin", con="1", cs=1)

    def answer(form: int, *, short: bool = False) -> object:
        request = asking(Operation.RETRIEVE, form, short=short)
        return represent_with_children(work, request, ResultContent(form), box, [inner, instance])

    nested = {"m2m:cnt": [represent(work, inner)["m2m:cnt"] | {"m2m:cin": [represent(work, instance)["m2m:cin"]]}]}
    assert answer(4) == {"m2m:cnt": represent(work, box)["m2m:cnt"] | nested}
    assert answer(8) == {"m2m:cnt": nested}
    references = [
        {"nm": "inner", "typ": 3, "val": "cse-in/box/inner"},
        {"nm": "one", "typ": 4, "val": "cse-in/box/inner/one"},
    ]
    assert answer(5) == {"m2m:cnt": represent(work, box)["m2m:cnt"] | {"ch": references}}
    assert answer(6) == {"m2m:rrl": {"rrf": references}}
    short = answer(6, short=True)
    assert isinstance(short, dict)
    assert [reference["val"] for reference in short["m2m:rrl"]["rrf"]] == [inner.ri, instance.ri]


def test_children_are_put_where_the_nearest_resource_above_is_shown(work: Work, box: Resource) -> None:
    inner = add(work, "cse-in/box/inner")
    deep = add(work, "cse-in/box/inner/deep")
    instances = [add(work, f"{above.path}/one", "cin", con="1", cs=1) for above in (box, inner, deep)]
    elsewhere = add(work, "cse-in/box2", "cnt")
    request = asking(Operation.RETRIEVE, 8)
    whole = represent_with_children(work, request, ResultContent.CHILD_RESOURCES, box, [inner, *instances, elsewhere])
    shown = whole["m2m:cnt"]
    assert [item["ri"] for item in shown["m2m:cnt"]] == [inner.ri, elsewhere.ri]
    assert [item["pi"] for item in shown["m2m:cin"]] == [box.ri]
    assert [item["pi"] for item in shown["m2m:cnt"][0]["m2m:cin"]] == [inner.ri, deep.ri]


def test_the_forms_of_a_discovery(work: Work, box: Resource) -> None:
    def answer(form: int, *, short: bool = False) -> object:
        return represent_matches(work, asking(Operation.RETRIEVE, form, short=short), ResultContent(form), [box])

    assert answer(11) == {"m2m:uril": ["cse-in/box"]}
    assert answer(11, short=True) == {"m2m:uril": [box.ri]}
    assert answer(6) == {"m2m:rrl": {"rrf": [{"nm": "box", "typ": 3, "val": "cse-in/box"}]}}
    assert represent_matches(work, asking(Operation.RETRIEVE, 11), ResultContent(11), []) == {"m2m:uril": []}


def test_references_name_the_specialisation(work: Work, box: Resource) -> None:
    box.attributes["cnd"] = "org.example.lamp"
    answer = represent_matches(work, asking(Operation.RETRIEVE, 6), ResultContent(6), [box])
    ((reference,),) = answer["m2m:rrl"].values()
    assert reference["spid"] == "org.example.lamp"


def test_a_shared_resource_is_rendered_once_for_each_release(work: Work, box: Resource) -> None:
    work.reads_only = True
    for release in ("3", "4"):
        work.request = asking(Operation.RETRIEVE).derive(release_version=release)
        first = rendered(work, box)
        assert first.content == represent(work, box)
        assert first.json == orjson.dumps(first.content)
        assert rendered(work, box) is first
    changed = Resource(box.path, box.creator, box.attributes | {"mni": 4})
    assert rendered(work, changed).content == represent(work, changed) != first.content


def test_what_a_unit_may_change_is_rendered_each_time(work: Work, box: Resource) -> None:
    assert rendered(work, box).json is None
    box.attributes["mni"] = 5
    assert rendered(work, box).content["m2m:cnt"]["mni"] == 5


def test_what_does_not_follow_from_the_resource_alone_is_rendered_each_time(work: Work) -> None:
    group = add(work, "cse-in/group", "grp", mt=0)
    work.reads_only = True
    for members in (["cse-in/a"], ["cse-in/b"]):
        work.transaction.lists.replace(group.ri, [(member, None) for member in members])
        assert rendered(work, group).content["m2m:grp"]["mid"] == members
    assert group.memo == {}


def test_what_is_large_is_not_kept(work: Work) -> None:
    large = add(work, "cse-in/large", lbl=["x" * LARGEST_KEPT])
    work.reads_only = True
    json = rendered(work, large).json
    assert json == orjson.dumps(represent(work, large))
    assert large.memo == {}
