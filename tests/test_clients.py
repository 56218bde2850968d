"""Client packages that others wrote, from PyPI, as they are: small programs that use them against our server."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from cse.security.hashes import PasswordHash, hash_token
from tests.clients.environments import HERE, interpreter
from tests.servers import Listener, serving
from tests.web_servers import closed_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

PATIENCE = 120.0


async def tour(folder: Path, package: str, *arguments: str) -> dict[str, Any]:
    """What the program that uses this package has printed."""
    python = await asyncio.to_thread(interpreter, package)
    program = HERE / f"{package.replace('-', '_')}_tour.py"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(python, program, *arguments, cwd=folder, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(PATIENCE):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """The package om2m-client has `user:password` in X-M2M-Origin: the operator says who that is."""
    path = tmp_path / "credentials.toml"
    path.touch(0o600)
    password = PasswordHash.of("secret")
    path.write_text(
        f'[[credential]]\nuser = "admin"\npassword = "{password}"\noriginators = ["Csensor"]\noriginator = "Csensor"\n'
        f'[[credential]]\ntoken = "{hash_token("token")}"\noriginators = ["CAdmin"]\n'
    )
    return path


@pytest.mark.parametrize("serialization", ["json", "xml"])
async def test_om2m_client(tmp_path: Path, credentials: Path, listener: Listener, serialization: str) -> None:
    async with serving(credentials=str(credentials)) as cse:
        found = await tour(tmp_path, "om2m-client", cse.client.url, listener.url, serialization)
        verification = (await listener.next())["m2m:sgn"]
        changed = {"m2m:cnt": {"lbl": ["changed"]}}
        await cse.client.update("/cse-in/sensor/DATA", changed, Authorization="Bearer token")
        notification = (await listener.next())["m2m:sgn"]
    first, second = found["all"]["Instances"]
    assert [path.rpartition("/")[0] for path in found["locations"]] == [
        "/cse-in",
        "/cse-in/sensor",
        *["/cse-in/sensor/DATA"] * 3,
    ]
    assert (first["content"], second["content"]) == ({"temperature": 21}, {"temperature": 22})
    assert found["latest"]["m2m:cin"]["cnf"] == "application/json:0"
    assert [device["latest"]["content"] for device in found["devices"]] == [second["content"]]
    assert verification["vrq"] is True
    assert notification["nev"]["rep"]["m2m:cnt"]["lbl"] == ["changed"]


async def test_onem2m(tmp_path: Path, listener: Listener) -> None:
    async with serving() as cse:
        found = await tour(tmp_path, "onem2m", cse.client.url, listener.url)
    statuses = {"free": 404, "registered": 201, "taken": 200, "container": 201, "updated": 200, "deleted": 200}
    assert {name: found[name] for name in statuses} == statuses
    assert found["instances"] == [201, 201]
    assert found["last"] == {"value": 22}
    assert found["values"] == [{"value": 21}, {"value": 22}]
    device = found["device"]["m2m:ae"]
    assert (device["lbl"], device["poa"]) == (["thermometer"], [listener.url])
    assert {"nm": "Sthermometer", "typ": 2, "val": "cse-in/Sthermometer"} in found["applications"]


async def test_onem2m_mcp(tmp_path: Path) -> None:
    async with serving() as cse:
        found = await tour(tmp_path, "onem2m-mcp", cse.client.url, str(closed_port()))
    codes = {"base": 2000, "container": 2001, "watch": 2001, "instance": 2001, "latest": 2000, "discovered": 2000}
    codes |= {"foreign": 4004, "other": 2001, "again": 4105, "unwatched": 2002, "deleted": 2002}
    assert {name: found[name]["rsc"] for name in codes} == codes
    assert found["base"]["result"]["m2m:cb"]["csi"] == "/id-in"
    assert found["latest"]["result"] == found["instance"]["result"]
    assert found["discovered"]["result"] == {"m2m:uril": ["cse-in/mcpAgent/readings"]}
    (notification,) = found["news"]["notifications"]
    assert notification["subscription"] == found["watch"]["subscription_id"]
    assert (notification["eventType"], notification["content"]["m2m:cin"]["con"]) == (3, "21")
