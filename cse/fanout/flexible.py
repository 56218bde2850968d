"""The answer to a fan-out with flexBlocking, when the originator has waited for long enough (TS-0001 clause 8.2.2)."""

from cse.primitive import OK, Response
from cse.tree.delete import remove
from cse.work import Work


def answer_so_far(work: Work, request_resource: str, uri: str, *, finished: bool) -> Response | None:
    """All of it, if it is finished: then the `<request>` is not needed any more; else the items that are there.

    These come with the address `uri` at which the others will be. None if there are none yet.
    """
    resource = work.transaction.resources.get(request_resource)
    result = {} if resource is None else work.type_of(resource).compose(work, resource)["ors"]
    content = result.get("pc")
    if resource is not None and finished:
        remove(work, resource)
        return Response(result["rsc"], content)
    return Response(OK, {"m2m:agr": content["m2m:agr"] | {"ri": uri}}) if content else None
