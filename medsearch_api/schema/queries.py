"""All queries of the schema."""

import strawberry

from medsearch_api.schema.lookups import Lookups
from medsearch_api.schema.searches import Searches
from medsearch_api.schema.uploads import Uploads


@strawberry.type(description="All queries.")
class Query(Lookups, Searches, Uploads):
    """Lookups, searches and uploads."""
