"""Tables of an operator: what they can say, and how a mistake is reported when the server starts."""

from pathlib import Path

import pytest

from cse.attributes import NP, Attribute, M, O
from cse.config import ConfigurationError
from resources.flex_container import FlexContainer
from resources.specializations.data_types import KNOWN, DataTypes
from resources.specializations.tables import Specialization, read_specializations

HEAD = '["x:press"]\ntype = "flexContainer"\nname = "pressure"\n'
ROW = HEAD + '[ "x:press".attributes ]\n'


def read(folder: Path, text: str) -> Specialization:
    """The operator's only table."""
    (folder / "own.toml").write_text(text, encoding="utf-8")
    (found,) = (table for table in read_specializations(str(folder)) if table.place.startswith("own.toml"))
    return found


def row(folder: Path, definition: str) -> Attribute:
    return read(folder, f"{ROW}pres = {{ {definition} }}").attributes["pres"]


def test_a_table_says_what_is_special(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        [types]
        "x:unit" = { values = ["bar", "Pa"] }
        ["x:press"]
        type = "flexContainer"
        name = "pressure"
        definition = "org.example.pressure"
        parents = [2, 28]
        exclusive = [["pres", "fault"]]
        ["x:press".attributes]
        pres = { name = "pressure", type = "xs:float", minimum = 0, create = "M" }
        unit = { name = "unit", type = "x:unit", update = "NP", default = "Pa" }
        fault = { name = "fault", type = "xs:boolean" }
        zero = { name = "setToZero", type = "xs:boolean", reads_as = false }
        """,
    )
    assert (found.family, found.root, found.name) == ("flexContainer", "x:press", "pressure")
    assert (found.definition, found.parents) == ("org.example.pressure", {2, 28})
    assert found.exclusive == (frozenset({"pres", "fault"}),)
    assert found.triggers == {"zero": False}
    rows = found.attributes.values()
    assert [(each.short_name, each.create, each.update, each.required, each.default) for each in rows] == [
        ("pres", M, O, True, None),
        ("unit", O, NP, False, "Pa"),
        ("fault", O, O, False, None),
        ("zero", O, O, False, False),
    ]


@pytest.mark.parametrize(
    ("definition", "accepted", "refused"),
    [
        ('type = "xs:integer", minimum = -1, maximum = 1', [-1, 1], [-2, 2, 0.5]),
        ('type = "xs:float", maximum = 1.5', [-7, 1.5], [1.6, "1"]),
        ('type = "xs:string", pattern = "[a-c]+"', ["abc"], ["", "abcd", 1]),
        ('type = "list of xs:integer"', [[1, 2]], [[], 1, ["1"]]),
        ('type = "list of xs:integer", may_be_empty = true', [[]], [None]),
        ("values = [1, 2]", [1, 2], [3, "1", True]),
        ('members = { x = "xs:float", label = "xs:string?" }', [{"x": 1}, {"x": 1, "label": "a"}], [{}, {"y": 1}]),
        ('alternatives = ["xs:boolean", { values = [0, 9] }]', [True, 0, 9], [1, "0"]),
        ('type = "m2m:batteryStatus"', [7], [8]),
        ('type = "xs:date"', ["2026-01-31"], ["2026-02-30", 20260131]),
        ('type = "xs:dateTime"', ["2026-01-31T10:00:00"], ["10:00"]),
    ],
)
def test_a_definition_says_what_values_there_are(
    tmp_path: Path, definition: str, accepted: list[object], refused: list[object]
) -> None:
    kind = row(tmp_path, f'name = "pressure", {definition}').type
    assert [value for value in accepted if not kind.accepts(value)] == []
    assert [value for value in refused if kind.accepts(value)] == []


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ('type = "xs:string"', "name is missing"),
        ('name = "p"', "exactly one of"),
        ('name = "p", type = "xs:string", values = [1]', "exactly one of"),
        ('name = "p", type = "xs:sting"', "no data type 'xs:sting'.* xs:string"),
        ('name = "p", type = "list of xs:sting"', "xs:sting"),
        ('name = "p", type = "xs:string", minimum = 1', "minimum and maximum"),
        ('name = "p", type = "xs:integer", maximum = "ten"', "minimum and maximum"),
        ('name = "p", type = "xs:string", pattern = "("', "pattern is no regular expression"),
        ('name = "p", type = "xs:string", may_be_empty = true', "may_be_empty"),
        ('name = "p", values = []', "values must be"),
        ('name = "p", values = [1.5]', "values must be"),
        ('name = "p", members = ["x"]', "members must be"),
        ('name = "p", alternatives = "xs:string"', "alternatives must be"),
        ('name = "p", type = "xs:string", create = "X"', "create must be one of M, O, NP"),
        ('name = "p", type = "xs:string", unit = "bar"', "'unit' is unknown"),
        ('name = "p", type = "xs:integer", default = "a"', "'a', must be an integer"),
        ('name = "p", type = "xs:boolean", reads_as = 1', "reads_as must be"),
    ],
)
def test_a_mistake_in_a_row_is_named_with_file_and_attribute(tmp_path: Path, definition: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^own.toml: x:press, attribute pres.*{words}"):
        row(tmp_path, definition)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "cannot read .*own.toml"),
        ("x = 1", "own.toml: x must be a name with a prefix"),
        ('"x:press" = 1', "own.toml: x:press must be a table"),
        ('["x:press"]\nname = "p"', "own.toml: x:press: type is missing"),
        (
            '["x:press"]\ntype = "container"\nname = "p"',
            "own.toml: x:press: type must be one of mgmtObj, flexContainer",
        ),
        (f"{HEAD}colour = 1", "own.toml: x:press: 'colour' is unknown; it can have type, name"),
        (f'{HEAD}parents = ["AE"]', "own.toml: x:press: parents must be"),
        (f'{HEAD}exclusive = [["a", "b"]]', "own.toml: x:press: exclusive names 'a'"),
        (f'{ROW}a-b = {{ name = "a", type = "xs:string" }}', "own.toml: x:press, attribute a-b: a short name"),
        ("types = 1", "own.toml: types must be a table"),
        ('[types]\n"x:a" = { type = "x:b" }\n"x:b" = { type = "x:a" }', "own.toml: .*x:.* contains itself"),
        ('[types]\n"x:a" = { members = { b = "x:c" } }', "own.toml: data type x:a, member b: there is no .*x:c"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read(tmp_path, text)


def test_an_attribute_that_all_have_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path, f'{ROW}st = {{ name = "state", type = "xs:string" }}')
    with pytest.raises(ConfigurationError, match=r"own\.toml: x:press: every flexContainer has the attribute st"):
        FlexContainer([table])


def test_two_files_can_not_have_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"own\.toml and first\.toml both have x:press"):
        read(tmp_path, HEAD)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"specializations in \[server\] must be a folder"):
        read_specializations(str(tmp_path / "nowhere"))


def test_a_table_of_the_operator_replaces_ours(tmp_path: Path) -> None:
    found = read(tmp_path, '["m2m:bat"]\ntype = "mgmtObj"\nname = "battery"\ndefinition = 1006')
    assert not found.attributes
    assert len(read_specializations(str(tmp_path))) == len(read_specializations())


def test_every_data_type_that_has_a_name_can_be_used() -> None:
    assert DataTypes({}).all() == KNOWN
