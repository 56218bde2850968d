"""Policies that go: no accessControlPolicyIDs must name them any more."""

from collections.abc import Iterator

from cse.store import Resource, Search
from cse.tree.update import change
from cse.work import Work


def forget_policies(work: Work, root: Resource) -> None:
    """Take the policies from here downwards out of the acpi of all others, before they are removed.

    A name that stayed there would give its rights to whoever makes the next policy of that name.
    """
    for policy in list(_policies(work, root)):
        names = set(addresses(work, policy))
        for governed in list(work.transaction.resources.governed_by(sorted(names))):
            left = [name for name in governed.attributes["acpi"] if name not in names]
            change(work, governed, {"acpi": left or None})


def _policies(work: Work, root: Resource) -> Iterator[Resource]:
    if root.ty in work.model.policies:
        yield root
    yield from work.transaction.resources.search(Search(root.path, types=work.model.policies))


def addresses(work: Work, resource: Resource) -> list[str]:
    """Every address that stands for a resource: in each scope, structured from each resource above, or not."""
    naming, names = work.model.naming, resource.path.split("/")
    starts = [(name, 1) for name in ("-", naming.base_identifier, naming.cse_name)]
    for length in range(2, len(names) + 1):
        above = work.transaction.resources.find("/".join(names[:length]))
        starts += [] if above is None else [(above.ri, length)]
    relative = ["/".join([start, *names[length:]]) for start, length in starts]
    scopes = ("", f"{naming.cse_id}/", f"//{naming.service_provider}{naming.cse_id}/")
    return [scope + address for scope in scopes for address in relative]
