"""Where the words of a query stand in a text: what an index found the text by, for a reader's eye."""

from __future__ import annotations

from typing import NamedTuple

from medsearch_core.search.tokens import compared, query_terms, tokenize


class Span(NamedTuple):
    """A part of a text: `text[begin:end]`, in Unicode code points."""

    begin: int
    end: int


def matching_spans(text: str, query: str) -> list[Span]:
    """Every word of a text that is one of the query's as the indexes compare them, in the order of the text.

    Raises:
        InvalidQuery: the query holds more than `MAX_WORDS` different words.
    """
    asked = {compared(word) for word in query_terms(query)}
    return [Span(word.begin, word.end) for word in tokenize(text) if compared(word.spelling) in asked]
