"""The one door through which answers of devices come in, whatever network brings them."""

import os
from typing import Protocol, TypeVar

from tinydb import TinyDB

from cse.cluster.answers import KIND, Answer, Answers, answers_in, document_of
from cse.cluster.switchboard import Document, Switchboard
from cse.core import Core
from cse.errors import BadRequest
from cse.network import Discard
from cse.pieces import whole
from cse.primitive import Request, Response, is_content
from cse.protection import Protection
from cse.timing import Clock

NOBODYS = "answers that nobody waits for where the conductor is"
STATUS_CODES = range(1000, 10_000)

T = TypeVar("T", int, str)


class Receiver(Protocol):
    """Somebody who waits for answers to one request identifier."""

    def answer(self, originator: str, response: Response, network: str) -> None:
        """A device that states this originator has answered.

        `network` is "" for a notification: that answers what has come by another network, the last in which it went.
        """

    def discard(self, reason: Discard, count: int) -> None:
        """A network has dropped answers."""

    async def secure(self) -> None:
        """Return when the answers so far are durable, as far as they ever will be."""


def answer_in(request: Request, network: str = "") -> Answer:
    """The answer that a NOTIFY with m2m:rsp brings, by this network; BadRequest if it brings none."""
    content = request.content
    answer = content.get("m2m:rsp") if isinstance(content, dict) else None
    if not isinstance(answer, dict) or not isinstance(answer.get("rqi"), str) or type(answer.get("rsc")) is not int:
        raise BadRequest("the content must be m2m:rsp, with rqi (a string) and rsc (an integer)")
    response = Response(
        answer["rsc"],
        answer.get("pc"),
        content_status=_of(int, answer.get("cnst")),
        content_offset=_of(int, answer.get("cnot")),
        originating_timestamp=_of(str, answer.get("ot")),
        result_expiration=_of(str, answer.get("rset")),
    )
    return Answer(answer["rqi"], request.originator, response, network)


def _of(kind: type[T], value: object) -> T | None:
    return value if isinstance(value, kind) else None


class Carrier(Protocol):
    """Carries out a request on the tree (the dispatcher)."""

    async def handle(self, request: Request) -> Response:
        """The response; never raises CSEError."""

    def waits(self, request: Request) -> bool:
        """Whether the response may be long in coming because it waits for what others do."""


class Door:
    """What networks see of the server (`cse.network.Engine`)."""

    def __init__(self, core: Core, switchboard: Switchboard) -> None:
        self.clock: Clock = core.clock
        self.cse_id = core.model.naming.cse_id
        self.protection = Protection.load(self.cse_id, core.settings.keys, os.environ)
        self.strays = 0
        self.carrier: Carrier | None = None
        self._core = core
        self._receivers: dict[str, Receiver] = {}
        self._documents: dict[str, TinyDB] = {}
        self._answers = Answers(core, switchboard)
        self._switchboard = switchboard
        switchboard.answers(KIND, self._handed_on)
        switchboard.listens(NOBODYS, self._heard_of)

    def expect(self, request_identifier: str, receiver: Receiver) -> None:
        """Answers with this request identifier go to this receiver from now on."""
        self._receivers[request_identifier] = receiver

    def expects(self, request_identifier: str) -> bool:
        """Whether somebody waits for answers with this request identifier."""
        return request_identifier in self._receivers

    def forget(self, request_identifier: str) -> None:
        """Nobody waits for this request identifier any more."""
        self._receivers.pop(request_identifier, None)

    def answer(self, request_identifier: str, originator: str, response: Response, network: str) -> None:
        if self._take(Answer(request_identifier, originator, response, network)) is None:
            self.strays += 1

    async def accept(self, answer: Answer) -> None:
        """Take an answer that its sender forgets when this returns: whoever waits for it, in any process, has it."""
        receiver = self._take(answer)
        if receiver is not None:
            await receiver.secure()
        elif await self._switchboard.is_here():
            await self._nobodys([answer])
        else:
            await self._answers.hand_on(answer)

    def _take(self, answer: Answer) -> Receiver | None:
        """Hand it to who waits for it here, if anybody does."""
        receiver = self._receivers.get(answer.request_identifier)
        if receiver is not None and self._is_valid(answer.response):
            originator = self._core.model.naming.originator(answer.originator)
            receiver.answer(originator, answer.response, answer.network)
        elif receiver is not None:
            receiver.discard(Discard.MALFORMED, 1)
        return receiver

    async def _handed_on(self, document: Document) -> Document:
        """By another process, to this one, the conductor."""
        answers = answers_in(document)
        receivers = [self._take(answer) for answer in answers]
        for receiver in {id(receiver): receiver for receiver in receivers if receiver is not None}.values():
            await receiver.secure()
        await self._nobodys([answer for answer, taken in zip(answers, receivers, strict=True) if taken is None])
        return {}

    async def _nobodys(self, answers: list[Answer]) -> None:
        """Nobody waits for them here; a process that is not the conductor may, for that of a single entity."""
        self.strays += len(answers)
        if answers:
            await self._switchboard.tell(NOBODYS, document_of(answers))

    def _heard_of(self, document: Document) -> None:
        for answer in answers_in(document):
            self._take(answer)

    def discard(self, request_identifier: str, reason: Discard, count: int = 1) -> None:
        receiver = self._receivers.get(request_identifier)
        if receiver is None:
            self.strays += count
        else:
            receiver.discard(reason, count)

    async def request(self, request: Request) -> Response:
        if self.carrier is None:
            raise RuntimeError("the server is not running yet")
        return await whole(await self.carrier.handle(request))

    def documents(self, name: str) -> TinyDB:
        if name not in self._documents:
            self._documents[name] = TinyDB(storage=lambda: self._core.store.documents(name))
        return self._documents[name]

    def allows(self, address: str) -> bool:
        return self._core.allows(address)

    def _is_valid(self, response: Response) -> bool:
        content = response.content
        return response.status_code in STATUS_CODES and (
            content is None or is_content(content, self._core.settings.max_nesting)
        )

    def close(self) -> None:
        """Close the document stores."""
        for documents in self._documents.values():
            documents.close()
