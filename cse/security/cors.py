"""Which web pages may call the server from a browser (CORS): those of the origins that the operator names."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

METHODS = ("GET", "POST", "PUT", "DELETE")
ECHOED = ("X-M2M-RI", "X-M2M-RVI", "X-M2M-OT", "X-M2M-RST", "X-M2M-EC", "X-M2M-VSI")
REQUEST_HEADERS = (
    *("Accept", "Authorization", "Content-Type", *ECHOED),
    *("X-M2M-Origin", "X-M2M-GID", "X-M2M-RTU", "X-M2M-RET", "X-M2M-OET", "X-M2M-AUS", "X-M2M-GTM"),
)
RESPONSE_HEADERS = (
    *("Content-Location", "ETag", "WWW-Authenticate", *ECHOED),
    *("X-M2M-RSC", "X-M2M-CTS", "X-M2M-CTO"),
)


def cors(application: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Answers what browsers ask beforehand (OPTIONS), and lets the pages see the headers of the responses."""
    return CORSMiddleware(
        application,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
    )
