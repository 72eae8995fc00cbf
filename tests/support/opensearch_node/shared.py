"""One node for all tests of a session, started when the first of them asks for it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

from tests.support.opensearch_node import node

CACHE = Path.home() / ".cache" / "medsearch" / "opensearch"


@cache
def shared_url() -> str:
    """The address of the session's node."""
    home = Path(tempfile.mkdtemp(prefix="opensearch-"))
    server = node.start(cache=CACHE, home=home)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(server.stop)
    return server.url


def fresh_name() -> str:
    """A name for an index that nothing else uses."""
    return f"t{uuid4().hex[:12]}"
