"""What the answer of a CSE says about its members: one item for each in an aggregate (m2m:agr), or one for all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cse.address import Naming
from cse.network import Host
from cse.primitive import Response

# Of one CSE: its hosts in a campaign by their addresses, with the tail of the request and without.
Directory = Mapping[str, str]


def directories(naming: Naming, hosts: Iterable[Host]) -> dict[str, dict[str, str]]:
    """By CSE-ID. Call it where it may take long: not in the event loop."""
    found: dict[str, dict[str, str]] = {}
    for host in hosts:
        if host.cse:
            directory = found.setdefault(host.cse, {})
            directory[host.id] = host.id
            directory.setdefault(naming.originator(host.member), host.id)
    return found


def items(response: Response) -> list[Any] | None:
    """Those of an aggregate; None if the response is none."""
    content = response.content
    aggregate = content.get("m2m:agr") if isinstance(content, dict) else None
    found = aggregate.get("m2m:rsp") if isinstance(aggregate, dict) else None
    return found if isinstance(found, list) else None


def responses(naming: Naming, cse: str, directory: Directory, found: Iterable[Any]) -> Iterator[tuple[str, Response]]:
    """For each item the host that it is from, "" for nobody that was asked, and its response."""
    for item in found:
        if not isinstance(item, dict) or type(item.get("rsc")) is not int:
            continue
        yield _host(naming, cse, directory, item.get("fr")), Response(item["rsc"], item.get("pc"))


def parts(
    naming: Naming, cse: str, directory: Directory, response: Response, is_asked: Callable[[str], bool]
) -> Iterable[tuple[str, Response]] | None:
    """Who has answered what, if a CSE has answered this: each item is for one host, an error for all that were asked.

    None for a success that nobody knows whose it is, because several were asked.
    """
    found = items(response)
    if found is not None:
        return responses(naming, cse, directory, found)
    asked = [host for host in set(directory.values()) if is_asked(host)]
    if response.succeeded and len(asked) > 1:
        return None
    return [(host, response) for host in asked or [cse]]


def _host(naming: Naming, cse: str, directory: Directory, stated: Any) -> str:
    """A CSE may write addresses absolute, SP-relative, or CSE-relative as they are valid there."""
    if not isinstance(stated, str):
        return ""
    return directory.get(naming.originator(stated) if stated.startswith("/") else f"{cse}/{stated}", "")
