from cse.coap.target import Endpoint
from cse.protection import Protection
from cse.testing.clock import ManualClock
from plugins.udp_multicast.exchanges import Exchanges
from plugins.udp_multicast.invitation import Inviter, Outcome, Progress
from plugins.udp_multicast.refresh import Refresher
from plugins.udp_multicast.sealing import Sealer
from plugins.udp_multicast.sessions import Member, Session, State

GROUP, HERE = Endpoint("239.192.0.1", 5683), Endpoint("127.7.0.1", 5683)


class Scripted(Inviter):
    """Devices whose name begins with D decline; all others agree."""

    def __init__(self) -> None:
        clock = ManualClock()
        sealer = Sealer(Protection("/id-in"), encrypts=False)
        super().__init__(Exchanges(clock, lambda datagram, endpoint: None, 2.0, 4), "/id-in", clock, sealer)
        self.asked: list[str] = []

    async def ask(self, session: Session, device: str, member: Member, progress: Progress) -> Outcome:
        self.asked.append(device)
        return Outcome.REFUSED if device.startswith("D") else Outcome.DONE


async def test_only_joined_members_are_told_and_decliners_are_dropped() -> None:
    inviter = Scripted()
    refresher = Refresher(inviter, parallel=2)
    await refresher.settled()
    states = {"Ca": State.JOINED, "Da": State.JOINED, "Cinvited": State.INVITED}
    session = Session("g", GROUP, 1.0, members={device: Member(HERE, state) for device, state in states.items()})
    for device in ("Ca", "Ca", "Da", "Cinvited", "Cunknown"):
        refresher.refresh(session, device)
    await refresher.settled()
    assert inviter.asked == ["Ca", "Da"]
    assert list(session.members) == ["Ca", "Cinvited"]
    refresher.refresh(session, "Ca")
    await refresher.stop()
    assert inviter.asked == ["Ca", "Da"]
