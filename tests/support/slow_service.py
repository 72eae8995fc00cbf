"""`medsearch-api` over an index that is slow, or fails, when asked to be.

"slowly" takes until there is the file that `GATE` names, "endlessly" takes an hour.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from medsearch_api.app import main
from medsearch_core.search.embedded.index import EmbeddedIndex
from medsearch_core.search.results import ReportPage

GATE = Path(os.environ.get("GATE", ""))
_text = EmbeddedIndex.text


def text(self: EmbeddedIndex, query: str, *args: Any) -> ReportPage:
    while "slowly" in query and not GATE.is_file():
        time.sleep(0.05)
    if "endlessly" in query:
        time.sleep(3600)
    if "broken" in query:
        raise RuntimeError("Jane Doe cannot be read\nfrom here")
    return _text(self, query, *args)


if __name__ == "__main__":
    setattr(EmbeddedIndex, "text", text)  # noqa: B010 - mypy takes no assignment to a method
    main()
