"""UPDATE of what is managed of devices, made through a group: each device carries it out, then the tree follows.

The device gets a device request whose representation is what the originator sent, with operationMonitor (om) beside it:
to manage something is to be told from being notified of it. The member's answer is that of the UPDATE in the tree, or
that of the device if it has refused. An UPDATE that the tree would refuse never gets to a device.
"""

from collections.abc import Iterator

from cse.access import Guard
from cse.errors import CSEError
from cse.network import Host
from cse.primitive import Content, Operation, Request
from cse.tree.update import prepare_update
from cse.work import Target, Work


def may_manage(work: Work, request: Request) -> bool:
    """Whether there are resources that devices manage and that this request could be about."""
    content = request.content if isinstance(request.content, dict) else {}
    is_update = request.operation is Operation.UPDATE
    return is_update and any(kind.manages and kind.root in content for kind in work.model.variants())


def device_of(work: Work, request: Request, guard: Guard, target: Target) -> Host | None:
    """The device that has to carry out the request first; None if the tree changes, or refuses, by itself."""
    kind = work.type_of(target.resource)
    if request.operation is not Operation.UPDATE or target.virtual is not None or not kind.manages:
        return None
    device = kind.device(work, target.resource)
    if device is None or device.id == guard.originator:
        return None
    try:
        prepare_update(work, request, target, guard)
    except CSEError:
        return None
    return device


def devices(work: Work, group: str) -> Iterator[Host]:
    """Those that the members of a group describe: all that an UPDATE of what is managed of them may go to."""
    for _, _, ri in work.transaction.lists.items(group):
        member = work.transaction.resources.get(ri) if ri else None
        device = None if member is None else work.type_of(member).device(work, member)
        if device is not None:
            yield device


def instruction(request: Request) -> Content:
    """What the device is notified of."""
    monitor = {"op": int(request.operation), "or": request.originator}
    return {"m2m:sgn": {"sur": request.to, "nev": {"rep": request.content, "om": monitor}}}
