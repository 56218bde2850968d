"""What belongs to resources and goes with them: documents that name their resource in the field `ri`."""

from cse.store.tinydb.database import Database
from cse.store.tinydb.indexes import Index, Sorted


class Belongings:
    """A table of them. `by_resource` is in the order of ri and then of another field."""

    def __init__(self, database: Database, name: str, field: str, *indexes: Index) -> None:
        self.by_resource = Sorted(lambda document: [(document["ri"], document[field])])
        self.table = database.add(name, self.by_resource, *indexes)

    def forget(self, ri: str) -> None:
        """Remove what belongs to this resource."""
        self.table.remove(doc_ids=self.by_resource.numbers(ri))
