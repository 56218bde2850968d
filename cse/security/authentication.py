"""Lets nobody through who has not proved a credential: HTTP status 401 instead of a response of the CSE."""

import logging

import orjson
from starlette.responses import Response as HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cse.security.identity import CREDENTIAL, Identities, sender

log = logging.getLogger(__name__)

SECURITY_ASSOCIATION_REQUIRED = "4107"
CHALLENGES = ('Bearer realm="cse"', 'Basic realm="cse", charset="UTF-8"')
SENTENCE = "a credential is missing or wrong: send a bearer token, a user and a password, or use a client certificate"
ECHOED = (b"x-m2m-ri", b"x-m2m-rvi")


class Authentication:
    """ASGI middleware around everything that needs to know who asks; leaves the credential in the scope's state."""

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self._app = app
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        credential = await self._identities.authenticate(scope)
        if credential is None:
            log.info("a request from %s without a valid credential was refused", sender(scope))
            await _challenge(scope)(scope, receive, send)
            return
        scope["state"][CREDENTIAL] = credential
        await self._app(scope, receive, send)


def _challenge(scope: Scope) -> HttpResponse:
    """Never says what was wrong: that would help only those who guess."""
    body = orjson.dumps({"m2m:dbg": SENTENCE})
    response = HttpResponse(body, 401, {"X-M2M-RSC": SECURITY_ASSOCIATION_REQUIRED}, "application/json")
    for challenge in CHALLENGES:
        response.headers.append("WWW-Authenticate", challenge)
    for name, value in scope["headers"]:
        if name in ECHOED and value.isascii():
            response.headers.append(name.decode(), value.decode())
    return response
