"""How other CSEs are brought to listen for a group, and no longer."""

import pytest

from cse.multicast.inviter import Outcome
from tests.cse.multicast.kit import ONE, REFUSAL, SILENCE, THREE, TWO, scene


async def test_two_are_told_where_and_for_whom_to_listen() -> None:
    async with scene() as one:
        await one.change(TWO)
        assert one.joined == one.others.listening == TWO
        (group,) = one.others.groups["/id-b"].values()
        segment = one.record.segment
        expected = {
            "rn": segment,
            "mgft": f"/id-in/{segment}",
            "rstt": "/id-in",
            "rstw": "PT1S",
            "mli": [*TWO["/id-b"]],
        }
        assert group == expected | {"mad": one.record.address.ip}
        creations = [request for request in one.engine.requests if request.to == "/id-b/-"]
        assert [(request.originator, request.resource_type) for request in creations] == [("/id-in", 45)]


async def test_a_port_of_its_own_is_stated() -> None:
    async with scene(group_port=7000) as one:
        await one.change(TWO)
        (group,) = one.others.groups["/id-a"].values()
        assert group["mad"] == f"{one.record.address.ip}:7000"


async def test_one_alone_is_not_even_asked() -> None:
    async with scene() as one:
        await one.change(ONE)
        assert (one.others.log, list(one.records)) == ([], [])


@pytest.mark.parametrize("trouble", [SILENCE, REFUSAL])
async def test_if_only_one_listens_it_is_told_to_stop_and_not_asked_in_vain(trouble: int) -> None:
    async with scene() as one:
        one.others.trouble["/id-b"] = trouble
        await one.change(TWO)
        assert (one.others.listening, one.joined) == ({}, {})
        await one.later(6)
        assert one.others.log == [("CREATE" if trouble == REFUSAL else "UPDATE", "/id-b")]
        one.others.trouble.clear()
        await one.later(11)
        assert one.others.listening == one.joined == TWO


@pytest.mark.parametrize("trouble", [SILENCE, REFUSAL])
async def test_those_who_cannot_are_left_out_until_they_can(trouble: int) -> None:
    async with scene() as one:
        one.others.trouble["/id-c"] = trouble
        await one.change(THREE)
        assert one.joined == one.others.listening == TWO
        one.others.trouble.clear()
        await one.later(6)
        assert one.joined == one.others.listening == THREE


async def test_only_differences_are_told() -> None:
    async with scene() as one:
        await one.change(THREE)
        await one.change({**TWO, "/id-a": ("/id-a/x", "/id-a/z")})
        assert sorted(one.others.log) == [("DELETE", "/id-c"), ("UPDATE", "/id-a")]
        assert one.others.listening == {**TWO, "/id-a": ("/id-a/x", "/id-a/z")}
        await one.change({**TWO, "/id-a": ("/id-a/x", "/id-a/z")})
        assert one.others.log == []
        await one.change({})
        assert (one.others.listening, list(one.records)) == ({}, [])


async def test_who_may_still_listen_is_left_behind_with_another_segment() -> None:
    async with scene() as one:
        await one.change(THREE)
        segment = one.record.segment
        one.others.trouble["/id-c"] = SILENCE
        await one.change(TWO)
        assert one.record.segment != segment
        assert one.joined == TWO
        assert {cse: len(groups) for cse, groups in one.others.groups.items()} == {"/id-a": 1, "/id-b": 1, "/id-c": 1}
        one.others.trouble.clear()
        await one.later(6)
        assert one.others.log == [("DELETE", "/id-c")]
        assert one.others.listening == TWO


async def test_what_somebody_refuses_to_give_up_is_forgotten() -> None:
    async with scene() as one:
        await one.change(THREE)
        one.others.trouble["/id-c"] = 4103
        await one.change(TWO)
        assert one.joined == TWO
        await one.later(600)
        assert ("DELETE", "/id-c") not in one.others.log


async def test_a_longer_window_is_told_to_all() -> None:
    async with scene(answers_per_second=1, min_window=1.0) as one:
        await one.change(TWO)
        await one.change(THREE)
        windows = {group["rstw"] for groups in one.others.groups.values() for group in groups.values()}
        assert windows == {"PT4S"}
        assert one.record.window == 4.0


async def test_they_are_told_again_now_and_then_and_after_a_restart() -> None:
    async with scene() as one:
        await one.change(TWO)
        one.others.groups["/id-a"].clear()  # its time was over
        await one.later(999)
        assert one.others.log == []
        await one.later(2)
        assert one.others.listening == TWO
        one.others.groups["/id-b"].clear()
        await one.restart()
        assert one.joined == TWO
        await one.change(TWO)
        assert one.others.listening == TWO
        assert one.inviter.outcomes == {Outcome.DONE: 2}


async def test_what_a_restart_has_interrupted_is_taken_up() -> None:
    async with scene() as one:
        one.others.trouble["/id-a"] = SILENCE
        await one.change(TWO)
        segment = one.record.segment
        one.others.groups["/id-a"][segment] = {"mli": ["/id-a/x"], "rn": segment}  # it had heard it all the same
        one.others.trouble.clear()
        await one.restart()
        await one.change({})
        assert (one.others.listening, list(one.records)) == ({}, [])
