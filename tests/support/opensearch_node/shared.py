"""One node for all tests of a run, whichever of its processes they are in, started when the first of them asks for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from uuid import uuid4

from tests.support.opensearch_node import node
from tests.support.shared import end_of_run, locked, shared_folder

CACHE = Path.home() / ".cache" / "medsearch" / "opensearch"


@cache
def shared_url() -> str:
    """The address of the run's node."""
    address = shared_folder() / "opensearch.address"
    with locked("opensearch"):
        if not address.exists():
            server = node.start(cache=CACHE, home=shared_folder() / "opensearch", until=end_of_run())
            address.write_text(server.url)
    return address.read_text()


def fresh_name() -> str:
    """A name for an index that nothing else uses."""
    return f"t{uuid4().hex[:12]}"
