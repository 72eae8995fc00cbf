"""An index of its own on the node that all tests share."""

from __future__ import annotations

from medsearch_core.search.opensearch.index import OpenSearchIndex, open_opensearch
from medsearch_core.search.opensearch.options import Access, IndexLayout
from tests.support.opensearch_node.shared import fresh_name, shared_url

ONE_NODE = IndexLayout(replicas=0)


def opened(url: str = "", layout: IndexLayout = ONE_NODE, name: str = "") -> OpenSearchIndex:
    return open_opensearch(Access(url=url or shared_url()), layout, name or fresh_name())
