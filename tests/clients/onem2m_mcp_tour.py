"""What an agent does through the gateway of the package `onem2m-mcp`: BASE-URL PORT. Prints what it got."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mcp import Client

PATIENCE = 60

Call = Callable[..., Awaitable[Any]]


@contextmanager
def gateway(url: str, port: str) -> Iterator[str]:
    """The gateway as a program of its own, in front of a CSE."""
    environment = os.environ | {"ACME_MCP_CSE_URL": url, "ACME_MCP_PORT": port}
    process = subprocess.Popen([sys.executable, "-m", "onem2m_mcp.gateway"], env=environment, stdout=sys.stderr)
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait()


async def main(url: str, port: str) -> dict[str, Any]:
    with gateway(url, port) as endpoint:
        await listening(int(port))
        async with Client(endpoint) as client:
            return await tour(client)


async def listening(port: int) -> None:
    """Return as soon as somebody listens."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    return
            await asyncio.sleep(0.1)


async def tour(client: Client) -> dict[str, Any]:
    async def call(tool: str, **arguments: Any) -> Any:
        result = await client.call_tool(tool, arguments)
        return json.loads(result.content[0].text)

    workspace = (await call("agent_identity"))["workspace"]
    readings = f"{workspace}/readings"
    found = {
        "base": await call("cse_info"),
        "container": await call("create_container", parent_id=workspace, name="readings", max_instances=5),
        "watch": await call("watch_resource", resource_id=readings),
        "instance": await call("add_content", container_id=readings, content="21"),
        "latest": await call("get_latest_content", container_id=readings),
        "discovered": await call("discover_resources", resource_type="container", root=workspace),
        "foreign": await call("retrieve_resource", resource_id="cse-in/secret"),
        "other": await call("register_ae", name="other"),
        "again": await call("register_ae", name="other"),
    }
    return found | {
        "news": await news(call),
        "unwatched": await call("stop_watching", subscription_id=found["watch"]["subscription_id"]),
        "deleted": await call("delete_resource", resource_id=readings),
    }


async def news(call: Call) -> Any:
    """What the agent has been notified of, once there is something."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await call("get_notifications")
            if found["notifications"]:
                return found
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    json.dump(asyncio.run(main(*sys.argv[1:])), sys.stdout)
