"""The search indexes that the shared tests run on. Add another with a line in `PLACES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from medsearch_core.search.releases import ReleasedIndex


def _on_the_shared_node(_: Path) -> str:
    from tests.support.opensearch_node.shared import fresh_name, shared_url

    return f"{shared_url()}|{fresh_name()}"


PLACES: dict[str, Callable[[Path], str]] = {"embedded": str, "opensearch": _on_the_shared_node}
"""Implementation → the location of an index for `open_at`, used only by the test with this folder."""


def open_at(where: str) -> ReleasedIndex:
    """The index in a folder, or on OpenSearch for `http://host:port|name`."""
    if where.startswith("http://"):
        from medsearch_core.search.opensearch.index import open_opensearch
        from medsearch_core.search.opensearch.options import Access, IndexLayout

        url, name = where.split("|")
        return open_opensearch(Access(url=url), IndexLayout(replicas=0), name)
    from medsearch_core.search.embedded.index import open_embedded

    return open_embedded(where)
