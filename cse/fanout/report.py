"""How a campaign went, per network and per member, for the operator."""

from collections.abc import Sequence
from typing import Any

from cse.fanout.states import State
from cse.matching import Plan
from cse.network import Host
from cse.primitive import Response
from cse.store import Campaign, Row
from cse.timing import timestamp
from cse.work import Work


def find_campaign(work: Work, wanted: str) -> Campaign | None:
    """A campaign by its identifier or by that of its <request> resource."""
    campaigns = work.transaction.campaigns
    resource = work.resource(wanted)
    return campaigns.get(wanted if resource is None else resource.attributes.get("_campaign", ""))


def campaign_report(work: Work, campaign: Campaign) -> dict[str, Any]:
    """Totals that add up: members = waiting + answered + failed + unreachable. Airtime is in milliseconds.

    `succeeded` are those of the answered ones that did what was asked.
    """
    counts = work.transaction.campaigns.counts(campaign.id) or _not_stored(campaign)
    states = {state.value: 0 for state in State}
    reasons: dict[str, int] = {}
    networks: dict[str, dict[str, Any]] = {}
    for (network, state, reason), count in counts.items():
        states[state] += count
        if reason:
            reasons[reason] = reasons.get(reason, 0) + count
        row = networks.setdefault(network or "none", {"members": 0, "answered": 0, "failed": 0})
        row["members"] += count
        if state in (State.ANSWERED, State.FAILED):
            row[state] += count
    for network, totals in campaign.document.get("networks", {}).items():
        networks.setdefault(network, {"members": 0, "answered": 0, "failed": 0}).update(totals)
    ended = campaign.finished_at
    return {
        "campaign": campaign.id,
        "group": campaign.group,
        "request": campaign.request_resource,
        "state": campaign.state,
        "created": timestamp(campaign.created),
        "deadline": timestamp(campaign.deadline),
        "finished": timestamp(ended) if ended else None,
        "seconds": (ended or work.now) - campaign.created,
        "members": sum(counts.values()),
        "states": states,
        "succeeded": _succeeded(work, campaign),
        "reasons": reasons,
        "networks": networks,
        "discarded": campaign.document.get("discarded", {}),
        "plan": campaign.document.get("plan"),
    }


def _not_stored(campaign: Campaign) -> dict[tuple[str, str, str], int]:
    """The members of one that has no rows, as its originator waits for the answer: until that is there, they wait."""
    members = campaign.document.get("members", 0)
    return {("", State.WAITING.value, ""): members} if members else {}


def _succeeded(work: Work, campaign: Campaign) -> int:
    codes = work.transaction.campaigns.status_codes(campaign.id, State.ANSWERED)
    return sum(count for code, count in codes.items() if Response(code).succeeded)


def plan_document(plan: Plan, hosts: Sequence[Host]) -> dict[str, Any]:
    """The plan for people: examples are named."""
    document = plan.as_document()
    for signature in document["signatures"]:
        signature["examples"] = [hosts[index].id for index in signature["examples"]]
    return document


def member_page(
    work: Work, campaign: Campaign, state: str = "", reason: str = "", *, after: int, limit: int
) -> dict[str, Any]:
    """Members in the order of their positions; `next` is what to give as `after` for the next page, None at the end."""
    states, reasons = ((state,) if state else ()), ((reason,) if reason else ())
    campaigns = work.transaction.campaigns
    rows = campaigns.rows(campaign.id, states=states, reasons=reasons, after=after, limit=limit + 1)
    page, more = rows[:limit], len(rows) > limit
    return {"members": [_member(row) for row in page], "next": page[-1].position if page and more else None}


def _member(row: Row) -> dict[str, Any]:
    return {
        "position": row.position,
        "member": row.member,
        "host": row.host,
        "state": row.state,
        "reason": row.reason,
        "rsc": row.status_code,
        "network": row.network,
        "attempts": row.attempts,
        "answered": timestamp(row.answered_at) if row.answered_at else None,
    }
