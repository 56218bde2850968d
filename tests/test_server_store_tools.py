"""`cse store check`, `backup` and `convert` beside a server that works, and servers on what they have made."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.programs import CSE, Program, program
from tests.servers import Client, eventually

BOXES = [f"box{number}" for number in range(4)]
COMPLETED = 1  # of m2m:requestStatus
CLASS = "org.onem2m.common.moduleclass"
Content = dict[str, Any]
STORE = "sqlite:///data/cse.sqlite"


async def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `cse store`."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(CSE, "store", *arguments, cwd=folder, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def build(client: Client) -> None:
    """Something of every type that counts what it has."""
    await client.register("app", "loopback://app")
    for box in BOXES:
        await client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": box, "mni": 20}}, "Capp")
    await client.create("/cse-in/app", 29, {"m2m:ts": {"rn": "series", "mbs": 40}}, "Capp")
    switch: Content = {"rn": "switch", "cnd": f"{CLASS}.binarySwitch", "state": True, "fcied": True}
    assert (await client.create("/cse-in/app", 28, {"cod:binSh": switch}, "Capp", X_M2M_RVI="4")).rsc == 2001
    await client.create("/cse-in/app", 9, {"m2m:grp": {"rn": "city", "mnm": 5, "mid": ["Capp"]}}, "Capp")
    await client.create("/cse-in/app/box0", 23, {"m2m:sub": {"rn": "news", "nu": ["Capp"]}}, "Capp")
    content = {"m2m:sgn": {"nev": {"rep": {"m2m:cin": {"con": "hello"}}}}}
    answer = await client.request("POST", "/cse-in/app/city/fopt?rt=1", "Capp", content=content)
    assert answer.rsc == 1001
    request = f"/{answer.content['m2m:uri']}"
    await eventually(lambda: client.get(request, "Capp"), lambda found: found.content["m2m:req"]["rs"] == COMPLETED)


async def load(client: Client, acknowledged: list[str], stop: asyncio.Event) -> None:
    """Creates, updates and deletes, until it is to stop."""
    number = 0
    while not stop.is_set():
        number += 1
        box, name = BOXES[number % len(BOXES)], f"i{number}"
        answer = await client.create(f"/cse-in/app/{box}", 4, {"m2m:cin": {"rn": name, "con": "x" * number}}, "Capp")
        assert answer.rsc == 2001
        acknowledged.append(f"{box}/{name}")
        point = {"dgt": f"2026010{number % 7 + 1}T{number % 24:02}{number % 60:02}00,{number:06}", "con": str(number)}
        assert (await client.create("/cse-in/app/series", 30, {"m2m:tsi": point}, "Capp")).rsc == 2001
        state = {"cod:binSh": {"state": number % 2 == 0}}
        assert (await client.update("/cse-in/app/switch", state, "Capp", X_M2M_RVI="4")).rsc == 2004
        if number % 5 == 0:
            assert (await client.delete(f"/cse-in/app/{box}/ol", "Capp")).rsc == 2002


async def test_beside_a_server_that_is_busy(tmp_path: Path) -> None:
    async with program(tmp_path) as server:
        await build(server.client)
        stop, acknowledged = asyncio.Event(), list[str]()
        busy = asyncio.create_task(load(server.client, acknowledged, stop))
        code, output, errors = await run(tmp_path, "check", STORE, "--json")
        assert (code, errors) == (0, "")
        checked = json.loads(output)
        assert (checked["store"], checked["findings"]) == (STORE, [])
        assert checked["rows"]["resources"] > 10
        assert checked["rows"]["campaigns"] == 2  # with its member
        code, output, errors = await run(tmp_path, "backup", STORE, "monday/cse.sqlite")
        assert (code, errors) == (0, "")
        assert output.startswith(f"monday/cse.sqlite is a backup of {STORE}: serve it with")
        code, _, errors = await run(tmp_path, "convert", STORE, "tinydb:///new/cse.json")
        assert code == 1
        assert "another server has it open; stop that one" in errors
        stop.set()
        await busy
        assert acknowledged
    assert (await run(tmp_path, "check", "sqlite:///monday/cse.sqlite"))[0] == 0


async def tree(client: Client) -> Any:
    """What clients see of the tree, below the base, which each start writes anew."""
    answer = await client.get("/cse-in/app?rcn=4", "Capp")
    discovered = await client.get("/cse-in?fu=1&drt=2", "CAdmin")
    return answer.content, discovered.content


async def test_what_has_been_converted_and_backed_up_can_be_served(tmp_path: Path) -> None:
    async with program(tmp_path) as server:
        await build(server.client)
        before = await tree(server.client)
        assert (await run(tmp_path, "backup", STORE, "monday/cse.sqlite"))[0] == 0
        assert await tree(server.client) == before
    code, output, errors = await run(tmp_path, "convert", STORE, "tinydb:///new/cse.json")
    assert (code, errors) == (0, "")
    assert "resources" in output
    assert "networks remember: " in output
    for store, folder in (("tinydb:///new/cse.json", "new"), ("sqlite:///monday/cse.sqlite", "monday")):
        async with program(tmp_path, f"server.store={store}", f"server.data_folder={folder}") as server:
            assert await tree(server.client) == before
            await one_more(server)
        assert (await run(tmp_path, "check", store))[0] == 0


async def one_more(server: Program) -> None:
    """It goes on from there."""
    created = await server.client.create("/cse-in/app/box1", 4, {"m2m:cin": {"con": "more"}}, "Capp")
    assert created.rsc == 2001
    assert (await server.client.get("/cse-in/app/box1", "Capp")).content["m2m:cnt"]["cni"] == 1
