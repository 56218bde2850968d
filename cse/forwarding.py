"""The way to other CSEs: which of our neighbours carries a request that is not for us (TS-0001 clause 6.5, 8.3)."""

from collections.abc import Iterator
from dataclasses import replace

from cse.network import Host
from cse.store import Resource
from cse.timing import has_passed
from cse.work import Work


def carrier(work: Work, address: str) -> Resource | None:
    """The `<remoteCSE>` on the way to an address of another CSE; None if there is no way, or if the address is ours.

    That CSE itself, or else one that it is registered with over any number of others (descendantCSEs), or else our own
    registrar. BadRequest for text that is no address.
    """
    other = work.model.naming.other_cse(address)
    if other is None:
        return None
    return known(work, other) or registrar(work)


def known(work: Work, cse_id: str) -> Resource | None:
    """The same for a CSE-ID, but for CSEs only that are registered with us, directly or not, or that we are with."""
    direct = work.registrant(cse_id)
    if direct is not None and work.type_of(direct) is work.model.neighbour and _lives(work, direct):
        return direct
    kind = work.model.neighbour
    return next((other for other in neighbours(work) if kind and kind.leads_to(other, cse_id)), None)


def neighbours(work: Work) -> Iterator[Resource]:
    """What stands for the CSEs that are registered with us, and for our registrar."""
    kind = work.model.neighbour
    if kind is not None:
        found = work.transaction.resources.children(work.model.naming.base_identifier, kind.number)
        yield from (resource for resource in found if _lives(work, resource))


def registrar(work: Work) -> Resource | None:
    """What stands for the CSE that this one is registered with."""
    kind = work.model.neighbour
    return next((other for other in neighbours(work) if kind and kind.is_registrar(other)), None)


def remote_host(work: Work, to: str, member: str = "") -> Host | None:
    """The host behind an address of another CSE; None if there is no way to it.

    `to` is where the request goes, `member` the resource in `mid` that this comes from, if it does.
    """
    naming = work.model.naming
    resource = carrier(work, to)
    other = naming.other_cse(to)
    on_the_way = None if resource is None else work.type_of(resource).host(resource)
    if resource is None or other is None or on_the_way is None:
        return None
    host = replace(on_the_way, id=naming.originator(to), cse=other, member=member)
    return host if resource.creator == other else replace(host, multicast=0, external_group="")


def _lives(work: Work, resource: Resource) -> bool:
    return not has_passed(str(resource.attributes.get("et", "~")), work.now)
