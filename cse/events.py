"""What happened in the tree, handed to the resources that watch for it, in the same transaction."""

from cse.resource import Event, EventType, Outgoing, Work
from cse.store import Resource, Search

# Kinds of effects that units of work leave behind.
NOTIFICATION = "notification"
GROUP_CHANGED = "group-changed"


def announce(work: Work, event: Event) -> None:
    """Let every watcher of the resource say what is to be sent because of this event; its own creation is none."""
    for number in work.model.watchers:
        for watcher in list(work.transaction.resources.children(event.watched.ri, number)):
            if watcher.ri == event.subject.ri:
                continue
            for outgoing in work.type_of(watcher).notifications(work, watcher, event):
                send_later(work, outgoing)


def announce_deletion(work: Work, resource: Resource) -> None:
    """The resource is about to go, with every watcher below it: each gets the deletion of what it watches."""
    announce(work, Event(EventType.DELETED, resource, resource))
    for watcher in list(work.transaction.resources.search(Search(resource.path, work.model.watchers))):
        watched = work.transaction.resources.get(watcher.pi)
        if watched is not None and watched.ri != resource.ri:
            event = Event(EventType.DELETED, watched, watched)
            for outgoing in work.type_of(watcher).notifications(work, watcher, event):
                send_later(work, outgoing)


def send_later(work: Work, outgoing: Outgoing) -> None:
    """Put a notification into the outbox."""
    document = {"target": outgoing.target, "content": outgoing.content, "event_category": outgoing.event_category}
    work.later(NOTIFICATION, document)
