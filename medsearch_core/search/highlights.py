"""The positions of a query's words in a text, for highlighting."""

from __future__ import annotations

from typing import NamedTuple

from medsearch_core.search.tokens import compared, query_terms, tokenize


class Span(NamedTuple):
    """A part of a text: `text[begin:end]`, in Unicode code points."""

    begin: int
    end: int


def matching_spans(text: str, query: str) -> list[Span]:
    """Every word of a text that the indexes treat as equal to a word of the query, in text order.

    Raises:
        InvalidQuery: the query has more than `MAX_WORDS` different words.
    """
    asked = {compared(word) for word in query_terms(query)}
    return [Span(word.begin, word.end) for word in tokenize(text) if compared(word.spelling) in asked]
