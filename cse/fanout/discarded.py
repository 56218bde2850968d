"""Answers that change nothing: why, and how many there were."""

from collections.abc import Container

from cse.network import Discard
from cse.store import Campaign


def why_discarded(originator: str, hosts: Container[str], answered: Container[str]) -> Discard:
    """Why an answer to a campaign that went to these hosts, some of which have answered already, changes nothing."""
    if originator not in hosts:
        return Discard.STRAY
    return Discard.DUPLICATE if originator in answered else Discard.LATE


def count_discarded(campaign: Campaign, reason: Discard, count: int) -> None:
    """Count answers that change nothing in what the campaign's report shows."""
    totals = campaign.document.setdefault("discarded", {})
    totals[reason.value] = totals.get(reason.value, 0) + count
