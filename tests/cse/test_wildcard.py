import re

from hypothesis import given
from hypothesis import strategies as st

from cse.wildcard import matches

texts = st.text("ab*/.\n", max_size=12)


@given(texts, texts)
def test_a_star_stands_for_any_run_of_characters(value: str, pattern: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(value, pattern) is bool(re.fullmatch(expression, value, re.DOTALL))


@given(st.lists(texts.map(lambda text: text.replace("*", "")), min_size=1, max_size=5), texts)
def test_what_is_filled_in_for_stars_matches(parts: list[str], filling: str) -> None:
    assert matches(filling.join(parts), "*".join(parts))


def test_many_stars_take_no_time() -> None:
    assert not matches("a" * 100_000, "*a" * 500 + "b")
