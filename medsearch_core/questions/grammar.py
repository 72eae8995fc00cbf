"""Operators, quotes, fields and brackets of a question, around runs of plain words.

Belongs here: the small grammar. `AND`, `OR` and `NOT` are operators in capitals only, for "and", "or" and "not" belong to what
is said. Nothing that a person types is an error: a bracket, a quote or an operator that lacks its other half is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from medsearch_core.questions.question import All, AnyOf, Not, Tree

MAX_DEPTH = 20
"""Brackets inside brackets; deeper ones are passed over."""

QUOTES = '"\u201c\u201d\u201e\u00ab\u00bb'

_TOKEN = re.compile(
    rf"""(?P<open>[(\uff08])|(?P<close>[)\uff09])
    |(?P<either>(?:OR(?![\w*:])|\|\|?))|(?P<also>(?:AND(?![\w*:])|&&?))
    |(?P<no>NOT(?![\w*:])\s*|(?<![^\s(])[-\u2212!](?=[\w({QUOTES}]))
    |[{QUOTES}](?P<phrase>[^{QUOTES}]*)[{QUOTES}]?
    |(?P<field>[A-Za-z_]+:(?:[{QUOTES}][^{QUOTES}]*[{QUOTES}]?|[^\s(){QUOTES}]+))
    |(?P<prefix>\w[\w-]*\*)
    |(?P<word>[^\s(){QUOTES}]+)|(?P<space>\s+)|(?P<other>.)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A token: its kind, and where its text stands in the question."""

    kind: str
    begin: int
    end: int


def tokens_of(words: str, is_field: Callable[[str], bool]) -> list[Token]:
    """The tokens of a question: operators, quoted phrases, fields, prefixes, and runs of plain words.

    Args:
        is_field: whether `name:` begins a field; otherwise it is a plain word.
    """
    found: list[Token] = []
    for match in _TOKEN.finditer(words):
        kind = match.lastgroup or "phrase"
        begin, end = match.span(kind)
        if kind in ("space", "other"):
            continue
        if kind == "field" and not is_field(match["field"].partition(":")[0].lower()):
            kind = "word"
        if kind == "word" and found and found[-1].kind == "run":
            found[-1] = Token("run", found[-1].begin, end)
        else:
            found.append(Token("run" if kind == "word" else kind, begin, end))
    return found


class Readers(NamedTuple):
    """What reads the parts that the grammar finds: each is given where they stand."""

    run: Callable[[int, int], list[Tree]]
    phrase: Callable[[int, int], Tree | None]
    prefix: Callable[[int, int], Tree | None]
    field: Callable[[int, int], Tree | None]


def parse(tokens: Sequence[Token], readers: Readers) -> Tree | None:
    """The tree of a question. AND binds more than OR; what stands side by side is asked for together."""
    return _Parser(tokens, readers).either(0)


class _Parser:
    def __init__(self, tokens: Sequence[Token], readers: Readers) -> None:
        self._tokens, self._readers = tokens, readers
        self._at = 0

    def either(self, depth: int) -> Tree | None:
        parts = [self.together(depth)]
        while self._is("either"):
            self._at += 1
            parts.append(self.together(depth))
        return joined(AnyOf, [part for part in parts if part is not None])

    def together(self, depth: int) -> Tree | None:
        parts: list[Tree] = []
        while self._at < len(self._tokens) and not self._is("either") and not (depth and self._is("close")):
            if self._is("also") or self._is("close"):
                self._at += 1
            else:
                parts += self._part(depth)
        return joined(All, parts)

    def _part(self, depth: int) -> list[Tree]:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "no":
            return self._denied(token, depth) if self._at < len(self._tokens) else []
        if token.kind == "open":
            inner = self.either(min(depth + 1, MAX_DEPTH)) if depth < MAX_DEPTH else None
            self._at += self._is("close")
            return [] if inner is None else [inner]
        return list(self._read(token))

    def _denied(self, no: Token, depth: int) -> list[Tree]:
        """What stands behind NOT or a minus: a bracket, a phrase, or the first thing that the words name."""
        if self._tokens[self._at].kind in ("either", "also", "close"):
            return []
        parts = self._part(depth)
        if not parts:
            return []
        first = parts[0]
        denied = first.part if isinstance(first, Not) else Not(begin=no.begin, end=first.end, part=first)
        return [denied, *parts[1:]]

    def _read(self, token: Token) -> Iterator[Tree]:
        if token.kind == "run":
            yield from self._readers.run(token.begin, token.end)
        else:
            found = getattr(self._readers, token.kind)(token.begin, token.end)
            if found is not None:
                yield found

    def _is(self, kind: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].kind == kind


def joined(how: type[All] | type[AnyOf], parts: Sequence[Tree]) -> Tree | None:
    """Parts joined, a single one as it is, those that are joined alike taken apart."""
    flat = _distinct(inner for part in parts for inner in (part.parts if isinstance(part, how) else (part,)))
    if len(flat) < 2:
        return flat[0] if flat else None
    return how(begin=min(part.begin for part in flat), end=max(part.end for part in flat), parts=tuple(flat))


def _distinct(parts: Iterable[Tree]) -> list[Tree]:
    """Parts without those that ask for the same as an earlier one."""
    found: dict[str, Tree] = {}
    for part in parts:
        found.setdefault(repr(replace(part, begin=0, end=0)), part)
    return list(found.values())
