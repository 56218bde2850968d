"""Several of our servers that are registered with each other."""

from typing import Any

from tests.servers import Answer, Client, Running, eventually


def cse(name: str, **settings: Any) -> dict[str, Any]:
    """The settings of a server that is called so: CSE-ID `/id-name`, CSEBase `cse-name`."""
    return {"cse_id": f"/id-{name}", "cse_name": f"cse-{name}", **settings}


async def introduce(home: Running, name: str, *poa: str, **attributes: Any) -> Answer:
    """Register the CSE of that name at a server, as it would do itself."""
    content = {"rn": f"id-{name}", "cb": f"/id-{name}/cse-{name}", "rr": True, "srv": ["3"]}
    content |= {"poa": list(poa)} if poa else {}
    answer = await home.client.create("/-", 16, {"m2m:csr": content | attributes}, f"/id-{name}")
    assert answer.rsc == 2001, answer
    return answer


async def registered(home: Running, name: str, **attributes: Any) -> dict[str, Any]:
    """The remoteCSE of that name at a server, once it is there and has these attributes."""

    def is_there(answer: Answer) -> bool:
        return answer.rsc == 2000 and attributes.items() <= answer.resource.items()

    return (await eventually(lambda: home.client.get(f"/-/id-{name}"), is_there)).resource


async def register(client: Client, name: str, *poa: str, **attributes: Any) -> Answer:
    """Register an AE `Cname` with a server whatever its CSEBase is called."""
    content = {"rn": name, "api": "N.test", "rr": bool(poa), "srv": ["3"], **({"poa": list(poa)} if poa else {})}
    answer = await client.create("/-", 2, {"m2m:ae": content | attributes}, f"C{name}")
    assert answer.rsc == 2001, answer
    return answer


async def open_container(home: Running, name: str, *originators: str) -> None:
    """A container below the CSEBase in which these may do everything."""
    rules = {"acr": [{"acor": list(originators), "acop": 63}]}
    policy = await home.client.create("/-", 1, {"m2m:acp": {"pv": rules, "pvs": rules}})
    content = {"m2m:cnt": {"rn": name, "acpi": [policy.resource["ri"]]}}
    assert (await home.client.create("/-", 3, content)).rsc == 2001
