"""The aggregated response composed from rows."""

import pytest

from cse.fanout.aggregate import aggregate
from cse.primitive import Operation, Request
from cse.store import Row

REQUEST = Request(Operation.NOTIFY, "cse-in/city/fopt", "Cheadend", "r-42", release_version="3")


def row(state: str, reason: str = "", **values: object) -> Row:
    return Row(0, "cse-in/m0", "Cm0", "Cm0", state, reason)._replace(**values)  # type: ignore[arg-type]


def test_an_answer_names_its_member_and_the_original_request() -> None:
    answered = row("answered", status_code=2001, content=b'{"m2m:cin": {"con": "1"}}')
    assert aggregate(REQUEST, [answered])["m2m:agr"]["m2m:rsp"] == [
        {
            "rsc": 2001,
            "rqi": "r-42",
            "fr": "cse-in/m0",
            "to": "Cheadend",
            "rvi": "3",
            "pc": {"m2m:cin": {"con": "1"}},
        }
    ]


def test_without_content_and_release_there_are_no_such_parameters() -> None:
    (item,) = aggregate(REQUEST.derive(release_version=None), [row("answered", status_code=2004)])["m2m:agr"]["m2m:rsp"]
    assert set(item) == {"rsc", "rqi", "fr", "to"}


@pytest.mark.parametrize(
    ("state", "reason", "codes"),
    [
        ("unreachable", "NO_POA", [5103]),
        ("unreachable", "OFFLINE", [5103]),
        ("failed", "REFUSED", [5103]),
        ("failed", "ERROR", [5103]),
        ("failed", "SILENT", []),
        ("failed", "EXPIRED", []),
        ("failed", "CANCELLED", []),
        ("failed", "SUPERSEDED", []),
        ("waiting", "", []),
    ],
)
def test_who_has_not_answered(state: str, reason: str, codes: list[int]) -> None:
    items = aggregate(REQUEST, [row(state, reason)])["m2m:agr"]["m2m:rsp"]
    assert [item["rsc"] for item in items] == codes
    assert all(reason in item["pc"]["m2m:dbg"] for item in items)
