"""request (TS-0001 clause 9.6.12): a non-blocking request and its result, to be polled or subscribed to."""

import dataclasses
from collections.abc import Container
from typing import Any

from cse.attributes import (
    DYNAMIC_POLICIES,
    IDENTIFIER,
    NON_NEGATIVE,
    NP,
    OBJECT,
    POLICY_IDS,
    TEXT,
    TIMESTAMP,
    UNIVERSAL,
    Attribute,
    list_of,
    one_of,
    table,
)
from cse.discovery.criteria import parse_filter
from cse.errors import RequestNotCancellable
from cse.events import announce
from cse.fanout.aggregate import aggregated_page, aggregated_response
from cse.notification import Event, EventType
from cse.primitive import Operation, Request, Response, ResultContent
from cse.resource import Access, RequestKeeper
from cse.store import Resource, Search
from cse.timing import timestamp
from cse.tree.create import add
from cse.tree.delete import remove
from cse.work import Work

COMPLETED, FAILED, PENDING, FORWARDED, PARTIALLY_COMPLETED = range(1, 6)
UNDER_WAY = (PENDING, FORWARDED, PARTIALLY_COMPLETED)
ACCEPTED = 1000
PAGING = {"lim", "ofst"}
MOST_ITEMS = 10_000  # of a page whose length is not stated
PARTIAL = 1  # m2m:contentStatus
ECHOED = ("rvi", "vsi")


class RequestResource(RequestKeeper):
    """`_request` is the primitive, `_accepted` when it came, `_process` which process carries it out.

    `_campaign` is the fan-out whose answers are the result.
    """

    number = 17
    name = "request"
    short_name = "req"
    parents = frozenset({5})
    access = Access.ORIGINATOR
    creatable = False
    updatable = False
    attributes = table(
        (dataclasses.replace(shared, create=NP) for shared in (*UNIVERSAL, POLICY_IDS, DYNAMIC_POLICIES)),
        Attribute("et", "expirationTime", TIMESTAMP, NP, NP, required=True),
        Attribute("lbl", "labels", list_of(TEXT), NP, NP),
        Attribute("op", "operation", one_of(1, 2, 3, 4, 5), NP, NP, required=True),
        Attribute("tg", "target", IDENTIFIER, NP, NP, required=True),
        Attribute("org", "originator", IDENTIFIER, NP, NP, required=True),
        Attribute("rid", "requestID", IDENTIFIER, NP, NP, required=True),
        Attribute("mi", "metaInformation", OBJECT, NP, NP, required=True),
        Attribute("pc", "primitiveContent", OBJECT, NP, NP),
        Attribute("rs", "requestStatus", NON_NEGATIVE, NP, NP, required=True),
        Attribute("ors", "operationResult", OBJECT, NP, NP, required=True),
    )

    def open(self, work: Work, request: Request, expires: float, process: str) -> Resource:
        base = work.target(work.model.naming.cse_name).resource
        originator = work.model.naming.originator(request.originator)
        attributes = {
            "et": timestamp(expires),
            "lbl": [originator],
            "op": int(request.operation),
            "tg": request.to,
            "org": request.originator,
            "rid": request.request_identifier,
            "mi": _meta_information(request),
            "rs": PENDING if work.model.naming.other_cse(request.to) is None else FORWARDED,
            "ors": {"rsc": ACCEPTED, "rqi": request.request_identifier},
            "_request": request.to_json().decode(),
            "_accepted": work.now,
            "_process": process,
        }
        if request.content is not None:
            attributes["pc"] = request.content
        return add(work, self, base, attributes, originator)

    def attach(self, work: Work, resource: Resource, campaign_id: str, report: Resource | None) -> None:
        resource.attributes["_campaign"] = campaign_id
        if report is not None:
            resource.attributes["_report"] = report.path
            resource.attributes["lbl"] = [*resource.attributes["lbl"], f"report:{report.path}"]
        resource.attributes.pop("_request", None)
        work.transaction.resources.update(resource)

    def progress(self, work: Work, resource: Resource) -> None:
        changed = ("ors",) if resource.attributes["rs"] == PARTIALLY_COMPLETED else ("rs", "ors")
        self._change(work, resource, PARTIALLY_COMPLETED, changed)

    def close(self, work: Work, resource: Resource, response: Response) -> None:
        status = COMPLETED if response.succeeded else FAILED
        if "_campaign" not in resource.attributes or not response.succeeded:
            resource.attributes["ors"] = _operation_result(resource, response)
        resource.attributes.pop("_request", None)
        self._change(work, resource, status, ("rs", "ors"))

    def waiting(self, resource: Resource) -> Request | None:
        stored = resource.attributes.get("_request")
        return None if stored is None else Request.from_json(stored.encode())

    def take_over(self, work: Work, process: str, alive: Container[str]) -> list[tuple[Resource, Request]]:
        taken = []
        for resource in work.transaction.resources.search(Search(work.model.naming.cse_name, [self.number], levels=1)):
            request = self.waiting(resource)
            if request is not None and resource.attributes.get("_process") not in alive:
                resource.attributes["_process"] = process
                work.transaction.resources.update(resource)
                taken.append((resource, request))
        return taken

    def compose(self, work: Work, resource: Resource) -> dict[str, Any]:
        attributes = super().compose(work, resource)
        campaign_id = resource.attributes.get("_campaign")
        page = _page(work)
        if campaign_id is not None and attributes["rs"] != FAILED and page is not None:
            attributes["ors"] = _page_of_result(work, resource, *page)
        elif campaign_id is not None and attributes["rs"] != FAILED:
            response = aggregated_response(work, campaign_id)
            if response is not None:
                attributes["ors"] = _operation_result(resource, response)
        return attributes

    def summary(self, work: Work, resource: Resource) -> dict[str, Any]:
        """Without the result, which may be that of 100,000 members: a subscriber who wants it retrieves it."""
        return {name: value for name, value in super().compose(work, resource).items() if name != "ors"}

    def deleting(self, work: Work, resource: Resource) -> None:
        if resource.attributes["rs"] in UNDER_WAY:
            report = resource.attributes.get("_report")
            remedy = f"set state of {report} to cancelled, then delete it" if report else "delete it when rs is 1 or 2"
            raise RequestNotCancellable(f"the request is under way: {remedy}")

    def deleted(self, work: Work, resource: Resource) -> None:
        if "_campaign" in resource.attributes:
            work.transaction.campaigns.remove(resource.attributes["_campaign"])
            report = work.transaction.resources.find(resource.attributes.get("_report", ""))
            if report is not None:
                remove(work, report)

    def _change(self, work: Work, resource: Resource, status: int, changed: tuple[str, ...]) -> None:
        resource.attributes["rs"] = status
        resource.attributes["lt"] = timestamp(work.now)
        work.transaction.resources.update(resource)
        announce(work, Event(EventType.UPDATED, resource, resource, changed))


def _page(work: Work) -> tuple[int, int] | None:
    """The first member and the number of members that a RETRIEVE of the result wants, if not all."""
    request = work.request
    if request is None or request.operation is not Operation.RETRIEVE or not PAGING & request.filters.keys():
        return None
    if request.result_content not in (None, ResultContent.ATTRIBUTES):
        return None
    criteria = parse_filter(request.filters, work.model.attribute_names)
    return criteria.offset, MOST_ITEMS if criteria.limit is None else criteria.limit


def _page_of_result(work: Work, resource: Resource, offset: int, limit: int) -> dict[str, Any]:
    """With contentStatus and contentOffset where there is more."""
    response, following = aggregated_page(work, resource.attributes["_campaign"], offset, limit)
    more = {} if following is None else {"cnst": PARTIAL, "cnot": following}
    return _operation_result(resource, response) | more


def _operation_result(resource: Resource, response: Response) -> dict[str, Any]:
    result = {
        "rsc": response.status_code,
        "rqi": resource.attributes["rid"],
        "to": resource.attributes["org"],
    }
    stated = resource.attributes["mi"]
    result |= {name: stated[name] for name in ECHOED if name in stated}
    if response.content is not None:
        result["pc"] = response.content
    return result


def _meta_information(request: Request) -> dict[str, Any]:
    """The parameters of the request that have no attribute of their own (m2m:metaInformation)."""
    response_type: dict[str, Any] = {"rtv": int(request.response_type)}
    if request.notification_uris is not None:
        response_type["nu"] = list(request.notification_uris)
    values = {
        "ty": request.resource_type,
        "ot": request.originating_timestamp,
        "rqet": request.request_expiration,
        "rset": request.result_expiration,
        "rt": response_type,
        "oet": request.execution_time,
        "rp": request.result_persistence,
        "rcn": None if request.result_content is None else int(request.result_content),
        "ec": request.event_category,
        "gid": request.group_request_identifier,
        "grtm": list(request.group_target_members) or None,
        "rvi": request.release_version,
        "vsi": request.vendor_information,
        "fc": request.filters or None,
    }
    return {name: value for name, value in values.items() if value is not None}
