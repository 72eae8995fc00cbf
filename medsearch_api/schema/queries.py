"""All queries of the schema."""

import strawberry

from medsearch_api.schema.lookups import Lookups
from medsearch_api.schema.searches import Searches
from medsearch_api.schema.uploads import Uploads


@strawberry.type(description="Everything that can be asked.")
class Query(Lookups, Searches, Uploads):
    """Lookups, searches, and files to search by."""
