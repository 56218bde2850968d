"""Whether those who are to be notified accept it (TS-0004 clause 7.4.8.2.1)."""

from collections.abc import Iterable

from cse.store import Resource
from cse.work import Work
from resources.notifications.content import verification


def verify(work: Work, subscription: Resource, targets: Iterable[str]) -> None:
    """Every new target but the originator itself must accept to be notified.

    A resource of this CSE that takes notifications sees for itself whose they are.
    """
    others = (target for target in dict.fromkeys(targets) if "://" in target or is_another(work, target))
    asked = [target for target in others if not _sees_for_itself(work, target)]
    work.ask([verification(work, subscription, target) for target in asked], identifier=subscription.ri)


def is_another(work: Work, target: str) -> bool:
    """Whether a target is an entity, and not the originator: neither its AE-ID nor any address of its AE."""
    if "://" in target:
        return False
    entity = work.resource(target)
    return work.model.naming.originator(target) != work.originator and (entity is None or entity.ri != work.originator)


def _sees_for_itself(work: Work, target: str) -> bool:
    entity = None if "://" in target else work.resource(target)
    return entity is not None and work.type_of(entity).takes_notifications
