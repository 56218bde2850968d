"""What a group makes of a request before its members get it: what they notify is collected there, for instance."""

from collections.abc import Awaitable, Callable

from cse.consent import Interruption
from cse.core import Core
from cse.fanout.entry import Members
from cse.primitive import Request
from cse.work import Work

Agree = Callable[[Callable[[Work], Request]], Awaitable[Request]]


class Adaptation:
    """`agree` runs a unit of work that may need others (`cse.performer`); few requests take that."""

    def __init__(self, core: Core, agree: Agree) -> None:
        self._core = core
        self._agree = agree

    async def of(self, request: Request, group: str, members: Members) -> Request:
        """What goes to the members of this group instead of the request; raises CSEError."""
        hosts = self._hosts(members)

        def unit(work: Work) -> Request:
            work.request = request
            resource = work.transaction.resources.get(group)
            return request if resource is None else work.type_of(resource).fanned_out(work, resource, request, hosts)

        try:
            return await self._core.read(unit)
        except Interruption:
            return await self._agree(unit)

    def _hosts(self, members: Members) -> set[str]:
        """The CSEs that host members, this one included if it does."""
        has_own = any(not row.host.startswith("/") for row in members.rows)
        return {*members.elsewhere, *([self._core.model.naming.cse_id] if has_own else ())}
