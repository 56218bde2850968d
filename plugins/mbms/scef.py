"""Group message delivery by MBMS (3GPP TS 29.122 clause 5.7, resources of MB2): what we ask of the SCEF."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from cse.http.outgoing import open_session, read_body
from cse.timing import Clock
from plugins.mbms.settings import MbmsSettings

API = "3gpp-group-message-delivery-mb2/v1"
MOST = 65_536  # bytes of an answer


class ScefError(Exception):
    """The SCEF has not done it; `refused` if it has said so, and may not even have what the request was about."""

    def __init__(self, sentence: str, *, refused: bool = False) -> None:
        super().__init__(sentence)
        self.refused = refused


class Tmgi(NamedTuple):
    """A Temporary Mobile Group Identity, good until `expiration`, in seconds since 1970."""

    name: str
    expiration: float


class Scef:
    """One SCEF (or NEF). Every method raises ScefError."""

    def __init__(
        self, settings: MbmsSettings, clock: Clock, allows: Callable[[str], bool], tls: ssl.SSLContext
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._where = urlsplit(settings.api_root).netloc
        self._root = f"{settings.api_root.rstrip('/')}/{API}/{quote(settings.scs_as_id, safe='')}/tmgi-allocation"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout)
        self._session = open_session(allows, timeout, tls, force_close=True)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def allocate(self, external_group: str) -> Tmgi:
        """A new TMGI for this externalGroupID."""
        answer, location = await self._call("POST", "", self._allocation(external_group))
        name = answer.get("tmgi") or str(answer.get("self") or location).rpartition("/")[2]
        return self._tmgi(name, answer)

    async def renew(self, external_group: str, tmgi: str) -> Tmgi:
        """The same TMGI for a while longer."""
        answer, _ = await self._call("PUT", f"/{quote(tmgi, safe='')}", self._allocation(external_group))
        return self._tmgi(tmgi, answer)

    async def release(self, tmgi: str) -> None:
        """Give a TMGI back."""
        await self._call("DELETE", f"/{quote(tmgi, safe='')}")

    async def deliver(self, external_group: str, tmgi: str, payload: bytes, notify: str) -> None:
        """Have this sent to the group; whether it was, the SCEF says later at the URL `notify`."""
        message = {
            **self._allocation(external_group),
            "notificationDestination": notify,
            "groupMessagePayload": b64encode(payload).decode(),
        }
        await self._call("POST", f"/{quote(tmgi, safe='')}/delivery-via-mbms", message)

    def _allocation(self, external_group: str) -> dict[str, Any]:
        areas = list(self._settings.service_areas)
        return {"externalGroupId": external_group, **({"mbmsLocArea": {"mbmsServiceAreaId": areas}} if areas else {})}

    def _tmgi(self, name: object, answer: dict[str, Any]) -> Tmgi:
        try:
            expiration = datetime.fromisoformat(answer["tmgiExpiration"])
            expiration = expiration.replace(tzinfo=expiration.tzinfo or UTC)
        except (KeyError, TypeError, ValueError):
            raise ScefError(f"{self._where} has not said until when the TMGI is good (tmgiExpiration)") from None
        found = Tmgi(str(name), expiration.timestamp())
        if not found.name or found.expiration <= self._clock.now():
            raise ScefError(f"{self._where} has given no TMGI, or one that has expired")
        return found

    async def _call(self, method: str, path: str, content: Any = None) -> tuple[dict[str, Any], str]:
        """The object in the answer, empty for none, and the Location."""
        answers: list[tuple[int, bytes | None, str]] = []

        async def exchange() -> None:
            answers.append(await self._exchange(method, self._root + path, content))

        await self._clock.within(self._settings.request_timeout, exchange())
        if not answers:
            raise ScefError(f"no answer from {self._where} within {self._settings.request_timeout:g} seconds")
        status, body, location = answers[0]
        if not 200 <= status < 300:
            refused = 400 <= status < 500
            raise ScefError(f"{self._where} answers {method} with HTTP status {status}", refused=refused)
        return self._object(body), location

    async def _exchange(self, method: str, url: str, content: Any) -> tuple[int, bytes | None, str]:
        token = self._settings.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method,
                url,
                data=None if content is None else orjson.dumps(content),
                headers=headers,
                allow_redirects=False,
            ) as response:
                return response.status, await read_body(response, MOST), response.headers.get("Location", "")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ScefError(f"{self._where} cannot be asked: {error.__cause__ or error}") from None

    def _object(self, body: bytes | None) -> dict[str, Any]:
        try:
            found = {} if body == b"" else orjson.loads(body or b"?")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ScefError(f"{self._where} answers with what is no JSON object of {MOST} bytes at most")
        return found
