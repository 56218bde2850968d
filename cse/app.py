"""Puts a server together from settings and plugins, starts it, and stops it. The only place that knows all parts."""

from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pluggy
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from cse import registry
from cse.cluster.conductor import Conductor
from cse.cluster.handover import Campaigns
from cse.cluster.switchboard import Switchboard
from cse.config import ServerSettings, Settings
from cse.core import Core
from cse.deadlines import Deadlines
from cse.dispatch import Dispatcher
from cse.door import Door
from cse.events import (
    CAMPAIGN_CONTROLLED,
    EVERYWHERE,
    GROUP_CHANGED,
    HOST_CHANGED,
    INQUIRY,
    MEMBERSHIP_CHANGED,
    NEIGHBOURS_CHANGED,
    NOTIFICATION,
)
from cse.exchange import Exchange
from cse.fanout.service import FanOut
from cse.http.binding import HttpBinding
from cse.http.stopping import Stopping
from cse.inquiry import Inquiry
from cse.memberships import Memberships
from cse.network import Network
from cse.notify import Notifier
from cse.operator import PAGES, Operator
from cse.outbox.service import Outbox
from cse.performer import Performer
from cse.polling import PollingChannels
from cse.provision import provide_base
from cse.registrar import Registrar
from cse.requests import Requests
from cse.security.authentication import Authentication
from cse.security.cors import cors
from cse.security.credentials import Credentials
from cse.security.identity import Identities
from cse.serialization.formats import Serializations, available
from cse.sessions import Sessions
from cse.store import Effect, Store
from cse.store.filling import require_whole
from cse.store.opening import open_store
from cse.subgroups.network import SubGroups
from cse.timing import Clock, SystemClock
from cse.transit import Transit

EFFECTS = "effects"  # a topic: there are some that only the conductor carries out


class Server:
    """One CSE. `async with server.running():` starts and stops it; `asgi`, its application, is served in between."""

    def __init__(
        self,
        settings: Settings,
        *,
        manager: pluggy.PluginManager | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        networks: Iterable[Network] = (),
    ) -> None:
        manager = manager or registry.load_plugins()
        settings.check(registry.settings_sections(manager))
        model = registry.model(manager, settings.server)
        found = registry.networks(manager, settings) | {network.name: network for network in networks}
        self.core = Core(model, store or _store(settings.server), clock or SystemClock(), found)
        switchboard = Switchboard(self.core)
        self.switchboard = switchboard
        self.door = Door(self.core, switchboard)
        exchange = Exchange(self.core, self.door, switchboard)
        self._notifier = notifier = Notifier(self.core, exchange)
        self._sessions = Sessions(self.core)
        self._memberships = Memberships(self.core, switchboard)
        self._registrar = Registrar(self.core, exchange)
        handlers = {
            NOTIFICATION: notifier.send,
            GROUP_CHANGED: self._sessions.group_changed,
            MEMBERSHIP_CHANGED: self._memberships.changed,
            NEIGHBOURS_CHANGED: self._neighbours_changed,
        }
        self._outbox = Outbox(
            self.core, handlers, lambda: () if switchboard.conducts else EVERYWHERE, {NOTIFICATION: notifier.give_up}
        )
        inquiry = Inquiry(self.core, self.door)
        performer = Performer(self.core, notifier, self._outbox, self._memberships, inquiry)
        handlers[INQUIRY] = performer.inquire
        self.fan_out = FanOut(self.core, self.door, performer.perform, performer.carry_out)
        handlers[HOST_CHANGED] = self.fan_out.host_changed
        handlers[CAMPAIGN_CONTROLLED] = self.fan_out.controlled
        polling = PollingChannels(self.core, switchboard, self.door)
        found[polling.name] = polling
        if model.collective is not None and model.admission is not None:
            found[SubGroups.name] = SubGroups(self.core, model.collective, model.admission)
        transit = Transit(self.core, exchange)
        dispatcher = Dispatcher(self.core, self.door, self.fan_out, exchange, performer, polling, transit)
        self.requests = Requests(self.core, dispatcher, self.fan_out, switchboard)
        self.door.carrier = self.requests
        self.campaigns = Campaigns(self.core, switchboard, self.fan_out.plan, self.fan_out.cancel)
        self._deadlines = Deadlines(self.core)
        self.conductor = Conductor(self.core, switchboard, found)
        self.conductor.reserve()
        self._follow_others(switchboard)
        self._serializations = Serializations(available({kind.root: kind.attributes for kind in model.variants()}))
        self._identities = Identities(model)
        self.stopping = Stopping()
        self.load_credentials()
        self.asgi = self._application()

    async def _neighbours_changed(self, effect: Effect) -> None:
        await self._registrar.changed(effect)
        await self._sessions.neighbours_changed(effect)

    def _notifications(self) -> dict[str, int]:
        """For the operator: how many this process has to send, to how many targets in vain, and has dropped so far."""
        waiting, notifier = self._outbox.counts()[NOTIFICATION], self._notifier
        return {"waiting": waiting, "unreachable": notifier.unreachable, "dropped": notifier.dropped}

    def load_credentials(self) -> None:
        """Read the operator's file, again if it has changed; ConfigurationError if it is wrong, and nothing changes."""
        if self.core.settings.credentials:
            self._identities.credentials = Credentials.load(Path(self.core.settings.credentials))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        """From the opening of the store to its closing; what was under way at the last stop goes on."""
        core = self.core
        await core.store.open()
        try:
            await core.store.read(require_whole)
            await core.run(lambda work: provide_base(work, self._serializations.media_types))
            await self.conductor.start(self.door)
            core.start(self._deadlines.run(), "deadlines")
            core.start(core.stalls.watch(), "stalls")
            await self.conductor.conduct(self.door, self._begin)
            core.start(self._outbox.run(), "outbox")  # a fan-out that it begins must not be taken for an earlier one
            yield self
        finally:
            await core.stop_tasks()
            await self.conductor.stop()
            self.door.close()
            await core.store.close()

    async def _begin(self) -> None:
        """What only the conductor does, from where the last one was."""
        self.core.effects_added.set()
        self.core.start(self._registrar.run(), "registrar")
        await self._memberships.join_all()
        await self._sessions.prepare_all()
        await self.fan_out.resume()
        await self.requests.resume()

    async def _take_over_requests(self) -> None:
        """Another process has ended, perhaps while this one was beginning as the conductor."""
        if await self.switchboard.is_here():
            await self.requests.resume()

    def _follow_others(self, switchboard: Switchboard) -> None:
        """Hear of what other processes leave to this one."""
        core = self.core

        def wake_for(kinds: set[str]) -> None:
            if not (switchboard.conducts or kinds <= EVERYWHERE):
                switchboard.wake(EFFECTS)

        def departed(process: str) -> None:
            core.effects_added.set()
            core.due_at(core.clock.now())
            core.start(self._take_over_requests(), f"requests of process {process}")

        core.effects_for_others = wake_for
        switchboard.wakes(EFFECTS, lambda about: core.effects_added.set())
        switchboard.departures(departed)

    def _application(self) -> ASGIApp:
        """Starlette serves the operator's pages; other requests do not pass it."""
        core = self.core
        binding = HttpBinding(
            self.requests,
            core.settings,
            core.model.naming,
            core.clock,
            self._serializations,
            self._identities,
            self.stopping,
        )
        operator = Operator(self.core, self.door, self.fan_out, self.campaigns, self._identities, self._notifications)
        self.operator_routes = operator.routes()
        pages = Starlette(routes=[self.operator_routes])
        pages.router.default = binding

        def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            return (pages if scope["path"].startswith(PAGES) else binding)(scope, receive, send)

        return self._guarded(application)

    def _guarded(self, application: ASGIApp) -> ASGIApp:
        """Browsers ask whether they may send a credential before they do."""
        settings = self.core.settings
        guarded = Authentication(application, self._identities) if settings.credentials else application
        return cors(guarded, settings.cors_origins) if settings.cors_origins else guarded


def _store(settings: ServerSettings) -> Store:
    return open_store(settings.store, Path(settings.data_folder))
