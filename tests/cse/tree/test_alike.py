"""One CREATE for many parents: what is worked out once holds for those that are alike only."""

from typing import Any

from cse.primitive import Operation
from tests.cse.fanout.scenario import Scenario, contents, items, scenario

OPEN = {"acr": [{"acor": ["Cguest"], "acop": 63}]}
CLOSED = {"acr": [{"acor": ["Cguest"], "acop": 2}]}


async def create_below(city: Scenario, *members: str, ty: int = 3, **content: Any) -> Any:
    """The answer to a CREATE by Cguest below all of these."""
    await city.group(members, macp=["cse-in/open"])
    return (await city.ask(Operation.CREATE, "cse-in/city/fopt", "Cguest", resource_type=ty, content=content)).content


async def policies(city: Scenario) -> None:
    for name, rules in (("open", OPEN), ("closed", CLOSED)):
        await city.create("cse-in", 1, "acp", rn=name, pv=rules, pvs=rules)


async def test_what_policies_say_is_asked_for_each_set_of_them() -> None:
    async with scenario() as city:
        await policies(city)
        names = {"a": "open", "b": "closed", "c": "open", "d": "closed"}
        for name, policy in names.items():
            await city.create("cse-in", 3, "cnt", rn=name, acpi=[f"cse-in/{policy}"])
        await city.create("cse-in", 3, "cnt", rn="theirs")
        answer = await create_below(city, *(f"cse-in/{name}" for name in (*names, "theirs")), **{"m2m:cnt": {}})
        assert list(items(answer).values()) == [2001, 4103, 2001, 4103, 4103]


async def test_types_of_parents_differ() -> None:
    async with scenario() as city:
        await policies(city)
        await city.create("cse-in", 3, "cnt", rn="box", acpi=["cse-in/open"])
        await city.create("cse-in", 9, "grp", rn="group", mnm=1, mid=[], acpi=["cse-in/open"])
        await city.create("cse-in", 3, "cnt", rn="other", acpi=["cse-in/open"])
        answer = await create_below(
            city, "cse-in/box", "cse-in/group", "cse-in/other", "cse-in/open", ty=4, **{"m2m:cin": {"con": "1"}}
        )
        assert list(items(answer).values()) == [2001, 4108, 2001, 4108]


async def test_what_a_parent_has_of_its_own_counts() -> None:
    async with scenario() as city:
        await policies(city)
        ends = {"a": city.in_seconds(100), "b": city.in_seconds(50), "c": city.in_seconds(1000)}
        for name, end in ends.items():
            await city.create("cse-in", 3, "cnt", rn=name, acpi=["cse-in/open"], et=end)
        await city.create("cse-in/b", 3, "cnt", rn="new")
        content = {"m2m:cnt": {"rn": "new", "et": city.in_seconds(500), "lbl": ["x"], "cr": None}}
        answer = await create_below(city, *(f"cse-in/{name}" for name in ends), **content)
        assert list(items(answer).values()) == [2001, 4105, 2001]
        made = contents(answer)
        first, last = made["cse-in/a"]["m2m:cnt"], made["cse-in/c"]["m2m:cnt"]
        assert (first["et"], last["et"]) == (ends["a"], city.in_seconds(500))
        assert first["ri"] != last["ri"]
        assert first["pi"] != last["pi"]
        assert (first["cr"], last["cr"]) == ("Cguest", "Cguest")
        for name in ("a", "c"):
            found = (await city.ask(Operation.RETRIEVE, f"cse-in/{name}/new", "Cguest")).content
            assert found == made[f"cse-in/{name}"]
