"""All queries of the schema."""

import strawberry

from medsearch_api.schema.lookups import Lookups
from medsearch_api.schema.searches import Searches


@strawberry.type(description="Everything that can be asked.")
class Query(Lookups, Searches):
    """Lookups and searches."""
