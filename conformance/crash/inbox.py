"""A web server for everything that the CSE sends to others: notifications, and requests to members."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

PAUSE = 0.05  # seconds


class Received(NamedTuple):
    """A request of the CSE: where it went, its request identifier, and its content."""

    path: str
    identifier: str
    content: Any


Take = Callable[[Received], bool]  # whether it is answered; the connection is closed otherwise


class Web(ThreadingHTTPServer):
    """Many at a time, and none of them is waited for in the end."""

    daemon_threads = True
    request_queue_size = 512


@contextmanager
def listening(host: str, take: Take) -> Iterator[str]:
    """A web server on a free port of this machine's address; its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received = Received(self.path, self.headers["X-M2M-RI"], json.loads(body))
            if not take(received):
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("X-M2M-RSC", "2000")
            self.send_header("X-M2M-RI", received.identifier)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def handle_one_request(self) -> None:
            """A CSE that is killed breaks its connections off."""
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with Web((host, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(PAUSE,))
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
