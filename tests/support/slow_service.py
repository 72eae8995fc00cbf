"""`medsearch-api` over an index that is slow, or fails, when asked to be: "slowly" takes 3 seconds, "endlessly" a minute."""

from __future__ import annotations

import time
from typing import Any

from medsearch_api.app import main
from medsearch_core.search.embedded.index import EmbeddedIndex
from medsearch_core.search.results import ReportPage

SECONDS = {"slowly": 3.0, "endlessly": 60.0}
_text = EmbeddedIndex.text


def text(self: EmbeddedIndex, query: str, *args: Any) -> ReportPage:
    time.sleep(sum(seconds for word, seconds in SECONDS.items() if word in query))
    if "broken" in query:
        raise RuntimeError("Jane Doe cannot be read\nfrom here")
    return _text(self, query, *args)


if __name__ == "__main__":
    setattr(EmbeddedIndex, "text", text)  # noqa: B010 - mypy takes no assignment to a method
    main()
