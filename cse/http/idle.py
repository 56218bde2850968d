"""Connections that are kept for a while, in case their server is asked again."""

from collections import OrderedDict

from cse.http.channel import Channel
from cse.http.url import Origin
from cse.patience import Patience
from cse.timing import Clock

SECONDS = 4.0  # many servers close theirs after five
MOST = 256


class IdleChannels:
    """A bounded number of them; the one that has been idle for longest goes first."""

    def __init__(self, clock: Clock, patience: Patience) -> None:
        self._clock = clock
        self._patience = patience
        self._origins: OrderedDict[Channel, Origin] = OrderedDict()
        self._channels: dict[Origin, list[Channel]] = {}

    def take(self, origin: Origin) -> Channel | None:
        """One to this server; the one used last, which is the least likely to be closed."""
        channels = self._channels.get(origin)
        if not channels:
            return None
        channel = channels[-1]
        self.remove(channel)
        return channel if channel.is_free else None

    def add(self, channel: Channel, origin: Origin) -> None:
        """Keep it for a while."""
        self._origins[channel] = origin
        self._channels.setdefault(origin, []).append(channel)
        self._patience.hold(channel, self._clock.now() + SECONDS, channel.close)
        if len(self._origins) > MOST:
            oldest = next(iter(self._origins))
            self.remove(oldest)
            oldest.close()

    def remove(self, channel: Channel) -> None:
        """It is used again, or has been closed."""
        origin = self._origins.pop(channel, None)
        if origin is None:
            return
        self._patience.drop(channel)
        channels = self._channels[origin]
        channels.remove(channel)
        if not channels:
            del self._channels[origin]

    def close(self) -> None:
        """Close all."""
        for channel in [*self._origins]:
            self.remove(channel)
            channel.close()
