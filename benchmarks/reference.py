"""The reference: a bare Starlette endpoint on uvicorn that parses a JSON body and answers a small one."""

import socket

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def endpoint(request: Request) -> Response:
    content = orjson.loads(await request.body())
    return Response(orjson.dumps({"members": len(content)}), 201, media_type="application/json")


def main() -> None:
    """Serve on a free port of the loopback interface and print the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    application = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    # As in `cse serve`.
    configuration = uvicorn.Config(application, log_level="warning", access_log=False, loop="uvloop", http="httptools")
    print("reference at http://{}:{}".format(*listener.getsockname()), flush=True)
    uvicorn.Server(configuration).run(sockets=[listener])


if __name__ == "__main__":
    main()
