"""Requests as notes in a folder: whoever keeps the pigeons takes them from there and brings answers back.

A request to `pigeon://<loft>` becomes `<folder>/<loft>/<unique>.note`, an answer comes back as
`<folder>/answers/<unique>.answer`. Both are JSON: {"rqi", "ot", "pc"} and {"rqi", "fr", "rsc", "pc"}.
"""

import asyncio
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import orjson

from cse.config import Settings, setting
from cse.hookspecs import hookimpl
from cse.network import (
    Delivery,
    DeliveryFailed,
    Discard,
    Engine,
    Host,
    Network,
    Offer,
    Reach,
    Reason,
    Unreachable,
    Way,
    addresses,
)
from cse.primitive import Request, Response
from cse.slices import in_slices

LOFT = re.compile(r"pigeon://([a-z0-9]{1,32})", re.ASCII)
ANSWERS = "answers"
HEAVIEST_NOTE = 1000


@dataclass(frozen=True)
class PigeonSettings:
    """Section `[pigeon]`."""

    section: ClassVar[str] = "pigeon"

    folder: str = setting("pigeons", "folder that notes are put into")
    look_every: float = setting(1.0, "seconds between two looks for answers")


class Pigeons(Network):
    """One pigeon per request. A loft whose folder is missing cannot be flown to."""

    name = "pigeon"

    def __init__(self, settings: PigeonSettings) -> None:
        self._folder = Path(settings.folder)
        self._look_every = settings.look_every

    async def start(self, engine: Engine) -> None:
        self._engine = engine
        (self._folder / ANSWERS).mkdir(parents=True, exist_ok=True)
        self._watch = asyncio.create_task(self._look_for_answers())

    async def stop(self) -> None:
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    async def offers(self, hosts: Sequence[Host], request: Request, group: str) -> list[Reach]:
        payload = len(note(request))
        offer = Offer(
            self.name,
            self.name,
            broadcast=False,
            fixed=0,
            per_member=500,
            loss_ppm=50_000,
            latency_ms=2000,
            max_payload=HEAVIEST_NOTE,
            payload=payload,
        )
        return [[self._reach(host, offer)] async for host in in_slices(hosts)]

    def _reach(self, host: Host, offer: Offer) -> Way | Unreachable:
        for address in addresses(host, "pigeon"):
            if LOFT.fullmatch(address):
                return Way(offer, address)
        return Unreachable(self.name, Reason.NO_POA, "no point of access is pigeon:// with the name of a loft")

    async def deliver(self, delivery: Delivery) -> None:
        loft = delivery.address.removeprefix("pigeon://")
        try:
            put(self._folder / loft, "note", note(delivery.request))
        except FileNotFoundError:
            raise DeliveryFailed(f"there is no loft {loft} in {self._folder}") from None
        delivery.transmitted(1, 0.0)

    async def _look_for_answers(self) -> None:
        while True:
            for path in sorted((self._folder / ANSWERS).glob("*.answer")):
                self._take(path.read_bytes())
                path.unlink()
            await self._engine.clock.sleep(self._look_every)

    def _take(self, answer: bytes) -> None:
        try:
            content = orjson.loads(answer)
            response = Response(int(content["rsc"]), content.get("pc"))
            self._engine.answer(str(content["rqi"]), str(content["fr"]), response, self.name)
        except (AttributeError, KeyError, TypeError, ValueError):
            self._engine.discard("", Discard.MALFORMED)


def note(request: Request) -> bytes:
    """What a pigeon carries."""
    content = {"rqi": request.request_identifier, "ot": request.originating_timestamp, "pc": request.content}
    return orjson.dumps(content)


def put(folder: Path, kind: str, content: bytes) -> None:
    """Write a file that appears with all its content at once."""
    path = folder / uuid.uuid4().hex
    path.write_bytes(content)
    path.rename(path.with_suffix(f".{kind}"))


@hookimpl
def register_settings() -> list[type]:
    return [PigeonSettings]


@hookimpl
def register_networks(settings: Settings) -> list[Network]:
    return [Pigeons(settings.section(PigeonSettings))]
