import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.discovery.labels import parse_label_query
from cse.errors import BadRequest

RED = ["color:red", "size:big", "loud"]
RED_AND_BLUE = ["color:red", "color:blue"]
KEYS = st.sampled_from(["color", "size", "loud", "a.b", "EQUAL"])
VALUES = st.sampled_from(["red", "blue", "big", "a:b", "7"])
LABELS = st.lists(st.one_of(KEYS, st.tuples(KEYS, VALUES).map(":".join)), max_size=5)


@pytest.mark.parametrize(
    ("query", "labels", "fits"),
    [
        ("color", RED, True),
        ("loud", RED, True),
        ("red", RED, False),
        ("color", [], False),
        ("NT color", RED, False),
        ("NT loud", ["loudness"], True),
        ("NT color", [], True),
        ("color:red", RED, True),
        ("color:blue", RED, False),
        ("color EQ red", RED, True),
        ("color EQ blue", RED, False),
        ("loud EQ loud", RED, False),
        ("color NE blue", RED, True),
        ("color NE red", RED, False),
        ("color NE red", RED_AND_BLUE, False),
        ("color NE red", ["size:big"], False),
        ("loud NE red", RED, False),
        ("color IN (blue, red)", RED, True),
        ("color IN (blue,green)", RED, False),
        ("color NI (yellow, green)", RED, True),
        ("color NI ( blue )", RED_AND_BLUE, False),
        ("color EQ blue size EQ big", RED, True),
        ("color:blue NT loud", RED, False),
        ("color:blue NT quiet", RED, True),
        ("time EQ 10:30", ["time:10:30"], True),
    ],
)
def test_one_of_the_expressions_must_hold(query: str, labels: list[str], fits: bool) -> None:
    assert parse_label_query(query)(labels) is fits


@pytest.mark.parametrize(
    "query", ["", "EQ red", "color EQ", "color EQ (red)", "color IN red", "color IN (red", "color IN ()", "NT", "NT NT"]
)
def test_what_is_no_expression_is_refused(query: str) -> None:
    with pytest.raises(BadRequest, match=r"lbq has .* belongs"):
        parse_label_query(query)


def test_a_query_has_limited_length() -> None:
    with pytest.raises(BadRequest, match="shorten"):
        parse_label_query("x " * 201)


@given(KEYS, st.lists(VALUES, min_size=1, max_size=3), LABELS)
def test_sets_of_values_mean_what_single_values_mean(key: str, values: list[str], labels: list[str]) -> None:
    listed = ", ".join(values)
    among = parse_label_query(f"{key} IN ({listed})")(labels)
    assert among == any(f"{key}:{value}" in labels for value in values)
    assert among == any(parse_label_query(f"{key} EQ {value}")(labels) for value in values)
    apart = parse_label_query(f"{key} NI ({listed})")(labels)
    assert apart == (any(label.startswith(f"{key}:") for label in labels) and not among)
    assert parse_label_query(f"NT {key}")(labels) != parse_label_query(key)(labels)


@given(st.text("ab :(),EQNIT", max_size=30))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = parse_label_query(text)
    except BadRequest:
        return
    assert query(["a", "b:a"]) in (True, False)
