"""Wakes resources at their alarms, and removes them when their time is over, from two queues in order of time."""

import logging
import math

from cse.core import Core
from cse.timing import parse_timestamp, precise_timestamp
from cse.tree.delete import remove
from cse.work import Work

log = logging.getLogger(__name__)

BATCH = 20  # of each queue in one unit, so that it keeps others waiting for a few milliseconds only
LONGEST_SLEEP = 60.0  # seconds; somebody may set the clock of the machine meanwhile
PAUSE = 1.0  # seconds after which a round that has failed, or had nothing of what is due, is tried again


class Deadlines:
    """One worker for all resources. It sleeps until the next moment, and hears of units that set an earlier one."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def run(self) -> None:
        """Wait and act, for ever."""
        core = self._core
        while True:
            core.next_deadline = math.inf  # whatever is set during the round, the round may have missed
            due = await self._round()
            core.next_deadline = min(core.next_deadline, due)
            core.deadline_moved.clear()
            seconds = min(due - core.clock.now(), LONGEST_SLEEP)
            if seconds > 0:
                await core.clock.within(seconds, core.deadline_moved.wait())

    async def _round(self) -> float:
        """Do what is due; the next moment at which something will be. What goes wrong must not stop it for ever."""
        try:
            return await self._core.run(_act)
        except Exception:
            log.exception("a round of deadlines failed; next attempt in %g s", PAUSE)
            return self._core.clock.now() + PAUSE


def _act(work: Work) -> float:
    """Some of what is due; when to act again. What is due and not to be had is in the hands of somebody else."""
    expired = work.transaction.resources.expired(precise_timestamp(work.now), BATCH)
    for resource in expired:
        if work.transaction.resources.get(resource.ri) is not None:  # it may have gone with its parent
            remove(work, resource)
    alarms = work.transaction.alarms.due(work.now, BATCH)
    for alarm in alarms:
        work.transaction.alarms.cancel(alarm.ri, alarm.name)
        _ring(work, alarm.ri, alarm.name)
    due = _next(work)
    return work.now + PAUSE if due <= work.now and not (expired or alarms) else due


def _ring(work: Work, ri: str, name: str) -> None:
    """An alarm that fails is lost, and harms nobody else."""
    resource = work.transaction.resources.get(ri)
    if resource is None:
        return
    try:
        with work.transaction.savepoint():
            work.type_of(resource).alarm(work, resource, name)
    except Exception:
        log.exception("alarm %s of %s failed", name, ri)


def _next(work: Work) -> float:
    expiration = work.transaction.resources.next_expiration()
    moments = [work.transaction.alarms.next(), None if expiration is None else parse_timestamp(expiration)]
    return min((moment for moment in moments if moment is not None), default=math.inf)
