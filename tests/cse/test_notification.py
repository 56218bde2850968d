"""A notification as a document, from which it can be made again."""

from hypothesis import given
from hypothesis import strategies as st

from cse.notification import Outgoing

OUTGOING = st.builds(
    Outgoing,
    target=st.sampled_from(["Capp", "http://here"]),
    content=st.sampled_from([None, {"m2m:sgn": {}}]),
    event_category=st.sampled_from([None, 4]),
    source=st.sampled_from(["", "sub1"]),
    queue=st.sampled_from(["", "to Capp"]),
    weight=st.integers(0, 3),
    created=st.floats(0, 2),
    reported=st.booleans(),
    returns=st.booleans(),
    identifier=st.sampled_from(["", "ntf1"]),
)


@given(OUTGOING)
def test_it_is_the_same_when_it_is_made_again(outgoing: Outgoing) -> None:
    assert Outgoing(**outgoing.as_document()) == outgoing


def test_what_goes_without_saying_is_left_out() -> None:
    assert Outgoing("Capp", "news").as_document() == {"target": "Capp", "content": "news"}
    assert Outgoing("Capp", None, reported=False).as_document() == {
        "target": "Capp",
        "content": None,
        "reported": False,
    }
