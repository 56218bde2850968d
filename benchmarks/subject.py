"""What is measured: a CSE as an application entity of its own sees it, so that access control takes part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import JSON, NO_HEADERS, Address, Requests, once

ADMINISTRATOR = "CAdmin"  # of our own server
POLICY, AE, CONTAINER, INSTANCE, GROUP, SUBSCRIPTION = 1, 2, 3, 4, 9, 23
ALL_RIGHTS = 63
READING: dict[str, Any] = {"m2m:cin": {"con": '{"energy": 1234.5, "unit": "kWh"}'}}


@dataclass(frozen=True, slots=True)
class Subject:
    """Where it listens, and how it wants to be addressed.

    `base` is the path of its CSEBase, `name` that of the AE that everything else belongs to, `prefix` what AE-IDs begin
    with, `headers` what requests have beside or instead of the usual headers. `process` is None if it is not known.
    """

    address: Address
    base: str = "/cse-in"
    name: str = "benchmark"
    prefix: str = "C"
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    process: int | None = None

    @property
    def originator(self) -> str:
        """The AE-ID of the application."""
        return self.prefix + self.name

    @property
    def home(self) -> str:
        """The path of the application."""
        return f"{self.base}/{self.name}"

    def creation(
        self, parent: str, ty: int, content: dict[str, Any], *, originator: str = "", status: int = 201
    ) -> Requests:
        """A CREATE, by the application if nobody else is named."""
        return self.request("POST", parent, content, ty=ty, originator=originator, status=status)

    def retrieval(self, path: str) -> Requests:
        """A RETRIEVE by the application."""
        return self.request("GET", path)

    def request(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        ty: int | None = None,
        status: int = 200,
        originator: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Requests:
        """Any request, by the application if nobody else is named."""
        return Requests(
            method,
            path,
            originator or self.originator,
            content,
            ty=ty,
            status=status,
            headers={**self.headers, **headers},
            media_type=self.media_type,
        )

    async def once(self, requests: Requests) -> Any:
        """The content of the answer to a request."""
        return await once(self.address, requests)

    async def create(self, parent: str, ty: int, content: dict[str, Any]) -> None:
        """Create a resource."""
        await self.once(self.creation(parent, ty, content))

    async def register(self) -> None:
        """Make the application."""
        entity = {"rn": self.name, "api": "N.example.benchmark", "rr": False, "srv": ["3"]}
        await self.create(self.base, AE, {"m2m:ae": entity})

    async def let_in(self, others: str) -> str:
        """The structured address of a policy by which the application, and others by a pattern, may do everything."""
        rules = {"acr": [{"acor": [self.originator, others], "acop": ALL_RIGHTS}]}
        name = f"policy-{others.strip('*')}"
        await self.create(self.home, POLICY, {"m2m:acp": {"rn": name, "pv": rules, "pvs": rules}})
        return f"{self.home[1:]}/{name}"
