"""Opens a deployment's search index."""

from __future__ import annotations

from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.settings import Deployment


def open_index(deployment: Deployment) -> ReleasedIndex:
    """The search index. Nothing is read or written yet; it need not exist.

    Raises:
        ConfigurationError: the settings are inconsistent.
    """
    if deployment.index.startswith(("http://", "https://")):
        from medsearch_core.search.opensearch.index import open_opensearch

        return open_opensearch(deployment.index_access, deployment.index_layout, deployment.index_name)
    from medsearch_core.search.embedded.index import open_embedded

    return open_embedded(deployment.index)
