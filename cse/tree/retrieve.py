"""RETRIEVE: one resource, with its children, or the addresses of a discovery (TS-0004 clause 7.3.3)."""

from cse.access import Guard, Right
from cse.discovery.criteria import parse_filter
from cse.errors import BadRequest, NotFound
from cse.events import announce, tell, watchers_of
from cse.notification import Event, EventType
from cse.primitive import OK, Request, Response, ResultContent, error_response
from cse.representation import (
    WITH_CHILDREN,
    Rendering,
    rendered,
    represent,
    represent_matches,
    represent_with_children,
    result_content,
)
from cse.tree.pages import descendants, matches, paged, require_fit
from cse.tree.target import live, tell_of_reading
from cse.work import Target, Work

ATTRIBUTE_LIST = "m2m:atrl"


def retrieve(work: Work, request: Request, target: Target, guard: Guard) -> Response:
    """Represent the target, or discover what is below it."""
    criteria = parse_filter(request.filters, work.model.attribute_names)
    form = result_content(request, discovery=criteria.discovers)
    names = _attribute_list(request, form)
    try:
        resource = live(work, target)
    except NotFound as error:
        return _nothing(work, target, guard, error)
    if target.virtual is None and (watchers := watchers_of(work, resource)):
        tell(work, watchers, Event(None, resource, resource, operation=request.operation))
    if criteria.discovers:
        guard.require(resource, Right.DISCOVERY)
        page = matches(work, resource, criteria, guard)
        return paged(OK, represent_matches(work, request, form, page.resources), page)
    guard.require(resource, Right.RETRIEVE, names=names or None)
    tell_of_reading(work, resource)
    if form in WITH_CHILDREN:
        page = descendants(work, resource, criteria, guard)
        response = paged(OK, represent_with_children(work, request, form, resource, page.resources), page)
    else:
        if criteria.demands:
            require_fit(work, resource, criteria, guard)
        rendering = Rendering(represent(work, resource, names)) if names else rendered(work, resource)
        response = Response(OK, rendering.content, json=rendering.json)
    work.type_of(resource).retrieved(work, resource)
    return response


def _nothing(work: Work, target: Target, guard: Guard, error: NotFound) -> Response:
    """A virtual child stands for no resource: those who want to hear of that do, and so the unit must not be undone."""
    empty = Event(EventType.RETRIEVED_WHILE_EMPTY, target.resource, target.resource)
    if target.virtual is not None and guard.permits(target.resource, Right.RETRIEVE) and announce(work, empty):
        return error_response(error.status_code, str(error))
    raise error


def _attribute_list(request: Request, form: ResultContent) -> tuple[str, ...]:
    """The attributes that a partial RETRIEVE names: in its address or query, or as its content (m2m:attributeList)."""
    names = request.attribute_list
    if not names and isinstance(request.content, dict) and ATTRIBUTE_LIST in request.content:
        listed = request.content[ATTRIBUTE_LIST]
        if not (isinstance(listed, list) and listed and all(isinstance(name, str) for name in listed)):
            raise BadRequest(f'{ATTRIBUTE_LIST} must be a list of attribute names such as ["ri", "lbl"]')
        names = tuple(listed)
    if names and form is not ResultContent.ATTRIBUTES:
        raise BadRequest(f"a list of attributes goes with rcn 1, not with {form.value}: leave one of them out")
    return names
