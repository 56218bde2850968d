"""A web server that notifications are sent to."""

import json
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from conformance.standard import HTTP_STATUS

TIMEOUT = 10.0  # seconds to wait for something that must come
PAUSE = 0.05  # seconds


@dataclass(frozen=True)
class Notification:
    """What was received."""

    headers: Mapping[str, str]
    content: Any

    @property
    def signal(self) -> dict[str, Any]:
        """The m2m:sgn."""
        signal = self.content["m2m:sgn"]
        assert isinstance(signal, dict)
        return signal

    @property
    def signals(self) -> list[dict[str, Any]]:
        """Those of an aggregated notification, m2m:agn."""
        return list(self.content["m2m:agn"]["m2m:sgn"])

    @property
    def verifies(self) -> bool:
        return bool(self.content.get("m2m:sgn", {}).get("vrq"))


@dataclass
class Receiver:
    """Takes notifications; verification requests are kept apart. Each kind has its response status code."""

    url: str = ""
    verdict: int = 2000
    response: int = 2000
    events: "queue.Queue[Notification]" = field(default_factory=queue.Queue)
    verifications: "queue.Queue[Notification]" = field(default_factory=queue.Queue)

    def event(self) -> Notification:
        """The next notification that is no verification request."""
        return self.events.get(timeout=TIMEOUT)

    def representation(self) -> Any:
        """What the next notification says of a resource, below its root."""
        ((_, attributes),) = self.event().signal["nev"]["rep"].items()
        return attributes

    def verification(self) -> Notification:
        return self.verifications.get(timeout=TIMEOUT)

    def take(self, notification: Notification) -> int:
        """Keep a notification and return the response status code."""
        if notification.verifies:
            self.verifications.put(notification)
            return self.verdict
        self.events.put(notification)
        return self.response


@contextmanager
def receiving(host: str) -> Iterator[Receiver]:
    """A receiver on a free port of this machine's address `host`."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            code = receiver.take(Notification(headers, json.loads(body)))
            self.send_response(HTTP_STATUS[code])
            self.send_header("X-M2M-RSC", str(code))
            self.send_header("X-M2M-RI", headers.get("x-m2m-ri", ""))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Handler) as server:
        receiver.url = f"http://{host}:{server.server_port}/"
        thread = Thread(target=server.serve_forever, args=(PAUSE,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def eventually(look: Callable[[], Any], wanted: Any) -> bool:
    """Whether something becomes what is wanted: a CSE may do what follows from a request after its response."""
    deadline = time.monotonic() + TIMEOUT
    while (found := look()) != wanted and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return bool(found == wanted)
