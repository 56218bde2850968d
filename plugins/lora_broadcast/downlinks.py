"""Downlinks that the network server has been given and has not finished."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cse.network import DeliveryFailed
from plugins.lora_broadcast.network_server import Completed, Downlink, Dropped, Event, Offline, Queued, Sent


@dataclass(slots=True, eq=False)
class _Pending:
    transmitted: Callable[[int, float], None]
    outcome: asyncio.Future[str]


class Downlinks:
    """`send` passes a command on to the network server; its events come in at `learn`."""

    def __init__(self, send: Callable[[Downlink], None]) -> None:
        self._send = send
        self._pending: dict[str, _Pending] = {}

    async def carry_out(self, command: Downlink, transmitted: Callable[[int, float], None]) -> None:
        """Return when all gateways that could have sent it, or it waits for its device; DeliveryFailed when none could.

        Whoever stops waiting still has every transmission counted: the network server cannot take it back.
        """
        pending = _Pending(transmitted, asyncio.get_running_loop().create_future())
        self._pending[command.id] = pending
        self._send(command)
        if failure := await pending.outcome:
            raise DeliveryFailed(failure)

    def learn(self, event: Event) -> None:
        """Take in an event; those that are about no downlink are ignored."""
        match event:
            case Sent():
                if event.id in self._pending:
                    self._pending[event.id].transmitted(1, event.airtime_us / 1000)
            case Queued() if pending := self._pending.get(event.id):
                _settle(pending, "")
            case Completed():
                self._end(event.id, "")
            case Dropped():
                self._end(event.id, f"{event.reason.value}: {event.sentence}")
            case Offline():
                for downlink_id in list(self._pending):
                    self._end(downlink_id, event.sentence)

    def _end(self, downlink_id: str, failure: str) -> None:
        if pending := self._pending.pop(downlink_id, None):
            _settle(pending, failure)


def _settle(pending: _Pending, failure: str) -> None:
    if not pending.outcome.done():
        pending.outcome.set_result(failure)
