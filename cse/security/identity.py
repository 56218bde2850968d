"""Who a request comes from: what the client has proved decides whom it may speak for (TS-0003 clause 8, TS-0001 11.5).

`authenticate` finds the credential that a connection or a header proves. `admit` then compares the originator that the
request states with those that the credential covers.
"""

import base64
import ipaddress

from starlette.types import Scope

from cse.errors import OriginatorNotAuthenticated
from cse.primitive import Request
from cse.security.credentials import Credential, Credentials
from cse.wildcard import means
from cse.work import Model

CERTIFICATE = "peer_certificate"  # in the state of the scope: a PeerCertificate, or None
CREDENTIAL = "credential"  # in the state of the scope: a Credential
LEFT_TO_THE_CSE = ("", "C", "S")  # From of a registration whose AE-ID the CSE assigns
NOT_COVERED = "X-M2M-Origin is not covered by the credential"


class Identities:
    """Without credentials (None) everybody is whom he says; what the operator's file says holds from then on."""

    def __init__(self, model: Model, credentials: Credentials | None = None) -> None:
        self.credentials = credentials
        self._model = model
        self._powerful = {model.naming.cse_id, model.settings.admin_originator}

    async def authenticate(self, scope: Scope) -> Credential | None:
        """The credential that a request proves, None for none or a wrong one."""
        credentials = self.credentials or Credentials()
        headers = dict(reversed(scope["headers"]))
        scheme, _, proof = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
        match scheme.lower():
            case "bearer":
                return credentials.by_token(proof.strip())
            case "basic":
                return await _by_password(credentials, _decoded(proof))
        certificate = scope["state"].get(CERTIFICATE)
        proved = None if certificate is None else credentials.by_certificate(certificate)
        return proved or await _by_origin(credentials, headers.get(b"x-m2m-origin", b"").decode("latin-1").strip())

    def admit(self, scope: Scope, request: Request) -> Request:
        """The request with its proved originator; OriginatorNotAuthenticated (4106) if that is another.

        A registration that leaves its AE-ID to the CSE gets one that the credential covers.
        """
        if self.credentials is None:
            return request
        credential: Credential = scope["state"][CREDENTIAL]
        if not set(request.role_identifiers) <= set(credential.roles):
            raise OriginatorNotAuthenticated(
                "roleIDs (rids) names a role that the credential does not cover: leave it out"
            )
        return request.derive(
            originator=self._originator(credential, request),
            authenticated=True,
            position=credential.position,
            country=credential.country,
        )

    def vouch(self, scope: Scope, originator: str) -> bool:
        """Whether a request is this originator's for sure: by its credential; without any, if made on this machine."""
        if self.credentials is None:
            return _is_loopback(sender(scope))
        credential: Credential = scope["state"][CREDENTIAL]
        return self._covers(credential, originator)

    def _originator(self, credential: Credential, request: Request) -> str:
        stated = request.originator
        if stated in LEFT_TO_THE_CSE and self._model.registers(request):
            return self._assigned(credential, stated)
        if not stated or self._covers(credential, stated):
            return stated
        if credential.originator and is_foreign(stated):
            return credential.originator
        raise OriginatorNotAuthenticated(f"{NOT_COVERED}: state one that is")

    def _covers(self, credential: Credential, originator: str) -> bool:
        """Patterns never mean the CSE or its administrator: who may be them is spelled out.

        Another CSE forwards what comes from its AEs: who is `/id-mn`, spelled out, covers `/id-mn/Cmeter`, too.
        """
        name = self._model.naming.originator(originator)
        patterns = list(map(self._model.naming.originator, credential.originators))
        if name in self._powerful:
            return name in patterns
        return any(means(pattern, name) for pattern in patterns) or name.rpartition("/")[0] in patterns

    def _assigned(self, credential: Credential, stem: str) -> str:
        """From of such a registration: the AE-ID that the credential names first, or a stem that the CSE completes."""
        for pattern in map(self._model.naming.originator, credential.originators):
            if pattern == "*":
                return stem
            if pattern[0] in "CS" and pattern.startswith(stem):
                if "*" not in pattern:
                    return pattern
                if len(pattern) == 2:
                    return pattern[0]
        raise OriginatorNotAuthenticated(f"{NOT_COVERED}, nor is an AE-ID that the CSE might assign: state one that is")


def sender(scope: Scope) -> str:
    """The IP address of the client's socket, "" if it is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_foreign(originator: str) -> bool:
    """Whether something in X-M2M-Origin is no identifier of an AE or CSE, but what older clients send instead."""
    return bool(originator) and (originator[0] not in "CS/" or ":" in originator)


async def _by_password(credentials: Credentials, pair: str) -> Credential | None:
    user, separator, password = pair.partition(":")
    return await credentials.by_password(user, password) if separator else None


async def _by_origin(credentials: Credentials, stated: str) -> Credential | None:
    """Older clients have `user:password` in X-M2M-Origin: good only where the operator says who that is."""
    found = await _by_password(credentials, stated) if is_foreign(stated) else None
    return found if found is not None and found.originator else None


def _decoded(proof: str) -> str:
    """`user:password` from a Basic header, "" if it is none."""
    try:
        return base64.b64decode(proof.strip(), validate=True).decode()
    except ValueError:
        return ""
