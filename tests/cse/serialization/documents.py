"""Documents that every serialisation can express."""

from hypothesis import strategies as st

from cse.serialization.limits import Limits

LIMITS = Limits(nesting=32, values=1000)
ROOMY = Limits(nesting=250, values=1000)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
