"""The members of a group, each once, and what they stand for."""

from collections.abc import Iterable
from typing import NamedTuple

from cse.errors import NotFound
from cse.work import Work


class Member(NamedTuple):
    """`name` is the address as it stands in `mid`, `is_here` whether it is the address of something on this CSE.

    `place` is the address of the resource (here: its identifier), without a virtual child; `virtual` is the name of
    that child, or "", and `tail` what follows that. The resource itself is not held: there may be 100,000.
    """

    name: str
    is_here: bool
    place: str
    virtual: str
    tail: str = ""


def member_of(work: Work, name: str) -> Member:
    """What a member stands for; it is not here, too, if there is nothing here."""
    target = work.resolve(name)
    if target is not None:
        return Member(name, True, target.resource.ri, target.virtual.name if target.virtual else "", target.tail)
    segments = work.model.naming.originator(name).split("/")
    virtual = next((index for index, one in enumerate(segments) if one in work.model.virtual_names), len(segments))
    return Member(name, False, "/".join(segments[:virtual]), "".join(segments[virtual : virtual + 1]))


def distinct(work: Work, names: Iterable[str]) -> list[Member]:
    """Each member once, in the order of first mention, whatever the form of its address; NotFound if one is missing.

    Of a member on another CSE it is known only that absolute addresses and those without service provider are the same.
    """
    found: dict[tuple[str, ...], Member] = {}
    missing: list[str] = []
    for name in names:
        member = member_of(work, name)
        if not member.is_here and work.model.naming.local(name) is not None:
            missing.append(name)
        else:
            found.setdefault(_key(work, member), _as_kept(work, member))
    if missing:
        raise NotFound(f"mid names {len(missing)} resources that do not exist, such as {', '.join(missing[:5])}")
    return list(found.values())


def _as_kept(work: Work, member: Member) -> Member:
    """As it was stated; but the CSEBase, for which there are many more forms, by its resource identifier."""
    base = work.model.naming.base_identifier
    return member._replace(name=base) if member.is_here and member.place == base and not member.virtual else member


def _key(work: Work, member: Member) -> tuple[str, ...]:
    if not member.is_here:
        return (work.model.naming.originator(member.name),)
    return (member.place, member.virtual, member.tail)
