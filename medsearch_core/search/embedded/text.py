"""Words and counts in the embedded index: BM25 and facets over one pinned version.

Belongs here: querying Lance's full-text index, and turning its results into exact pages and counts. Words become terms of match
queries, never a query language, and are tokenized like the words of reports (`tokens`): Lance itself only folds accents. Lance
finds every committed report, also those written after its index was last updated; such reports are scored with the statistics
of the indexed ones until the next compaction, after which scores are exactly BM25 (k1 1.2, b 0.75).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.query import BooleanQuery, MatchQuery, Occur

from medsearch_core.search.embedded.rows import WORDS
from medsearch_core.search.query import TextField
from medsearch_core.search.results import FacetCount

DECIMALS = 5


def matching_reports(
    table: Any, words: Sequence[str], fields: Sequence[TextField], condition: str, columns: Sequence[str]
) -> pa.Table:
    """Every matching report, unordered: the columns, `_rowid` and `_score`. All score 0 if there are no words."""
    if not words:
        everything = table.search().where(condition).select(list(columns)).with_row_id(True).limit(None).to_arrow()
        return everything.append_column("_score", pa.array(np.zeros(everything.num_rows)))
    matches = [MatchQuery(" ".join(words), WORDS[field.value]) for field in fields]  # type: ignore[call-arg]
    asked = matches[0] if len(matches) == 1 else BooleanQuery([(Occur.SHOULD, match) for match in matches])
    search = table.search(asked, query_type="fts").where(condition, prefilter=True)
    return search.select([*columns, "_score"]).with_row_id(True).limit(table.count_rows()).to_arrow()


def ranked(found: pa.Table) -> tuple[list[int], list[float]]:
    """Table rows and scores of reports with `report_id` and `study_key`, best first, ties by id."""
    scores = np.round(found["_score"].to_numpy().astype(float), DECIMALS)
    ordered = found.append_column("rounded", pa.array(scores))
    ordered = ordered.sort_by([("rounded", "descending"), ("report_id", "ascending"), ("study_key", "ascending")])
    return ordered["_rowid"].to_pylist(), ordered["rounded"].to_pylist()


def counted(column: pa.ChunkedArray, size: int) -> list[FacetCount]:
    """The most frequent values of a text or list column, by count, then value. A row counts once per value."""
    values = column.combine_chunks()
    if pa.types.is_list(values.type):
        pairs = pa.table({"row": pc.list_parent_indices(values), "value": pc.list_flatten(values)})
        values = pairs.group_by(["row", "value"]).aggregate([])["value"]
    found = pc.value_counts(values.drop_null())
    table = pa.table({"value": found.field("values"), "count": found.field("counts")})
    best = table.sort_by([("count", "descending"), ("value", "ascending")]).slice(0, size)
    return [FacetCount(**row) for row in best.to_pylist()]
