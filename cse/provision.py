"""What is in the tree from the beginning: the CSEBase, and what resource types put below it at the first start."""

from collections.abc import Sequence

from cse.store import Resource
from cse.timing import timestamp
from cse.work import Work

BASE_TYPE = 5
CSE_TYPES = {"IN": 1, "MN": 2, "ASN": 3}  # m2m:cseTypeID
RELEASE_VERSIONS = ["2a", "3", "4", "5"]


def provide_base(work: Work, media_types: Sequence[str]) -> None:
    """Make the CSEBase at the first start, and bring it up to date at every other."""
    naming, settings, now = work.model.naming, work.model.settings, timestamp(work.now)
    attributes = {
        "ty": BASE_TYPE,
        "ri": naming.base_identifier,
        "pi": "",
        "rn": naming.cse_name,
        "ct": now,
        "lt": now,
        "cst": CSE_TYPES[settings.kind],
        "csi": naming.cse_id,
        "spi": f"//{naming.service_provider}",
        "srt": sorted(work.model.types),
        "srv": RELEASE_VERSIONS,
        "csz": list(media_types),
        "poa": list(settings.reachable_at),
    }
    if settings.kind == "IN":
        attributes["ici"] = naming.cse_id
    base = work.transaction.resources.get(naming.base_identifier)
    if base is not None:
        base.attributes |= attributes | {"ct": base.attributes["ct"]}
        work.transaction.resources.update(base)
        return
    base = Resource(naming.cse_name, settings.admin_originator, attributes)
    work.transaction.resources.insert(base)
    for _, kind in sorted(work.model.types.items()):
        kind.provide(work, base)
