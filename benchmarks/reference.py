"""The reference: a bare Starlette endpoint on uvicorn that parses a JSON body and answers a small one.

`--bare` leaves out Starlette: what uvicorn and a callable of ASGI take by themselves.
"""

import argparse
import socket
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HEADERS = [(b"content-type", b"application/json")]


async def endpoint(request: Request) -> Response:
    content = orjson.loads(await request.body())
    return Response(orjson.dumps({"members": len(content)}), 201, media_type="application/json")


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The same without Starlette, for bodies that come in one piece."""
    message = await receive()
    body = orjson.dumps({"members": len(orjson.loads(message["body"]))})
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 201, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve on a free port of the loopback interface and print the address."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference", description=__doc__)
    parser.add_argument("--bare", action="store_true", help="without Starlette")
    starlette = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    application = bare if parser.parse_args().bare else starlette
    listener = socket.create_server(("127.0.0.1", 0))
    # As in `cse serve`.
    configuration = uvicorn.Config(
        application, log_level="warning", access_log=False, loop="uvloop", http="httptools", lifespan="off"
    )
    print("reference at http://{}:{}".format(*listener.getsockname()), flush=True)
    uvicorn.Server(configuration).run(sockets=[listener])


if __name__ == "__main__":
    main()
