"""notificationStatsInfo: what has been sent to each target, if notificationStatsEnable says so (Release 4)."""

from cse.attributes import IDENTIFIER, NON_NEGATIVE, list_of, record
from cse.store import Resource

STATISTICS = list_of(record(tg=IDENTIFIER, rqs=NON_NEGATIVE, rsr=NON_NEGATIVE, noec=NON_NEGATIVE))


def count(subscription: Resource, target: str, *, events: int = 0, sent: int = 0, answered: int = 0) -> bool:
    """Add to the counters of a target; whether there are any. The caller stores the subscription."""
    if not subscription.attributes.get("nse"):
        return False
    entries = {entry["tg"]: entry for entry in subscription.attributes.get("nsi", ())}
    before = entries.get(target, {"rqs": 0, "rsr": 0, "noec": 0})
    entries[target] = {
        "tg": target,
        "rqs": before["rqs"] + sent,
        "rsr": before["rsr"] + answered,
        "noec": before["noec"] + events,
    }
    subscription.attributes["nsi"] = list(entries.values())
    return True
