"""Counts that add up after every batch of rows, however they come."""

from hypothesis import given
from hypothesis import strategies as st

from cse.fanout.tally import Tally
from cse.store import Campaign, Row

ENDS = [
    ("answered", "", 2000),
    ("answered", "", 4000),
    ("failed", "SILENT", 0),
    ("failed", "ABORTED", 0),
    ("unreachable", "NO_POA", 0),
]


def row(position: int, state: str = "waiting", reason: str = "", code: int = 0, network: str = "") -> Row:
    return Row(position, f"m{position}", "t", f"C{position}", state, reason, code, network=network)


def campaign(**document: object) -> Campaign:
    return Campaign("cmp1", 1, "g", b"{}", "req1", 0.0, 100.0, "running", document=dict(document))


@given(ends=st.lists(st.sampled_from(ENDS), max_size=30), waiting=st.integers(0, 5), asleep=st.integers(0, 5))
def test_members_are_counted_once_each(ends: list[tuple[str, str, int]], waiting: int, asleep: int) -> None:
    total = len(ends) + waiting + asleep
    tally = Tally(total)
    tally.add([row(position, network="air") for position in range(total)])
    for position, (state, reason, code) in enumerate(ends):
        tally.add([row(position, "waiting", "WAITING_FOR_DEVICE")])
        tally.add([row(position, state, reason, code, "air")])
    tally.add([row(len(ends) + number, "waiting", "WAITING_FOR_DEVICE") for number in range(asleep)])
    values = tally.values(campaign())
    assert values["total"] == total
    assert values["waiting"] == waiting + asleep
    assert values["succeeded"] == ends.count(ENDS[0])
    for state in ("answered", "failed", "unreachable"):
        assert values[state] == sum(end[0] == state for end in ends)
    reasons = [reason for _, reason, _ in ends if reason] + ["WAITING_FOR_DEVICE"] * asleep
    assert values["reasons"] == {reason: reasons.count(reason) for reason in set(reasons)}
    assert sum(network["members"] for network in values["networks"].values()) == len(ends)


def test_what_the_document_says_is_in_the_report() -> None:
    tally = Tally(2)
    tally.add([row(0, "answered", code=2000, network="air")])
    ended = campaign(
        networks={"air": {"transmissions": 3, "airtimeMs": 1.5, "repaired": 1, "seconds": 2.0}},
        canary={"hosts": ["C0"], "until": 30.0, "succeeded": 1, "passed": True},
        why="too many failures",
        plan={"members": 2, "unserved": 0, "cost": 3, "unicastCost": 4, "transmissions": [], "signatures": [1]},
    )
    ended.state, ended.finished_at = "aborted", 7.0
    values = tally.values(ended)
    assert values["networks"] == {
        "air": {
            "members": 1,
            "answered": 1,
            "failed": 0,
            "transmissions": 3,
            "airtimeMs": 1.5,
            "repaired": 1,
            "seconds": 2.0,
        }
    }
    assert values["canary"] == {"members": 1, "succeeded": 1, "passed": True}
    assert (values["state"], values["end"], values["why"]) == ("aborted", "19700101T000007", "too many failures")
    assert "signatures" not in values["plan"]
