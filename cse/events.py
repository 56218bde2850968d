"""What happened in the tree, handed to the resources that watch for it, in the same transaction."""

import re
import secrets
from collections.abc import Iterable

from cse.notification import Event, EventType, Outgoing
from cse.primitive import Operation
from cse.store import Resource, Search
from cse.work import Work

# Kinds of effects that units of work leave behind.
NOTIFICATION = "notification"
HOST_CHANGED = "host-changed"
CAMPAIGN_CONTROLLED = "campaign-controlled"
GROUP_CHANGED = "group-changed"
INQUIRY = "inquiry"
MEMBERSHIP_CHANGED = "membership-changed"
NEIGHBOURS_CHANGED = "neighbours-changed"

_REQUEST_IDENTIFIER = re.compile("ntf[0-9a-f]{16}")

EVERYWHERE = frozenset({NOTIFICATION, INQUIRY})  # every process carries these out; the others are for the conductor


def announce(work: Work, event: Event) -> bool:
    """Let every watcher of the resource react that heeds the event; whether there is one."""
    return tell(work, watchers_of(work, event.watched), event)


def watchers_of(work: Work, resource: Resource) -> list[Resource]:
    """Those who may want to hear of what happens to a resource; most have none, and nothing has to be announced."""
    children = work.transaction.resources.children
    return [watcher for number in work.model.watchers for watcher in children(resource.ri, number)]


def announce_deletion(work: Work, resource: Resource, operation: Operation | None = None) -> None:
    """The resource is about to go, with every watcher below it: each gets the deletion of what it watches."""
    announce(work, Event(EventType.DELETED, resource, resource, operation=operation))
    below = list(work.transaction.resources.search(Search(resource.path, work.model.leavers)))
    for watcher in (each for each in below if work.type_of(each).watches):
        watched = work.transaction.resources.get(watcher.pi)
        if watched is not None and watched.ri != resource.ri:
            tell(work, [watcher], Event(EventType.DELETED, watched, watched))
    for leaver in [resource, *below]:
        work.type_of(leaver).leaving(work, leaver)


def host_changed(work: Work, resource: Resource) -> None:
    """What stands behind a resource can be reached in another way: fan-outs that wait for it have to know."""
    work.later(HOST_CHANGED, {"resource": resource.ri})


def send_later(work: Work, outgoing: Outgoing, *, awaited: bool = False) -> None:
    """Put a notification into the outbox; the answer to the request under way waits for it, for a while, if it must."""
    document = outgoing.as_document()
    document["created"] = work.now
    document["identifier"] = outgoing.identifier or request_identifier()
    work.later(NOTIFICATION, document, awaited=awaited)


def request_identifier() -> str:
    """One for a request of this CSE by itself, which no other has or has had."""
    return "ntf" + secrets.token_hex(8)


def is_request_identifier(text: str) -> bool:
    """Whether it is of the form of these."""
    return _REQUEST_IDENTIFIER.fullmatch(text) is not None


def inquire_later(work: Work, resource: Resource) -> None:
    """Have `ResourceType.inquire` called in a unit of its own, which may ask others."""
    work.later(INQUIRY, {"target": resource.ri})


def tell(work: Work, watchers: Iterable[Resource], event: Event) -> bool:
    """Let each of these react that heeds the event; whether there is one. Its own creation is none for a watcher."""
    heeding = [
        watcher
        for watcher in watchers
        if watcher.ri != event.subject.ri and work.type_of(watcher).heeds(work, watcher, event)
    ]
    for watcher in heeding:
        work.require_writing()
        work.type_of(watcher).react(work, watcher, event)
    return bool(heeding)
