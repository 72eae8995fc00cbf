"""Matching of phrases over words.

Belongs here: the small phrase notation of the data files, and one matcher for findings and context cues alike. Notation: words
apart by spaces; `a/b` either; `(a/b)` optional; `~3` up to three words of any kind.
Plurals are folded on both sides, so `effusion` also matches `effusions`. Time is linear in the text: a phrase has a bounded
number of words and gaps, and no regular expression runs over a phrase.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Generic, NamedTuple, TypeVar

from medsearch_core.reports.text.words import fold

T = TypeVar("T")


class Match(NamedTuple, Generic[T]):
    """A phrase found in a sentence: the positions of its words, gaps not included, and what the phrase means."""

    words: tuple[int, ...]
    value: T

    @property
    def first(self) -> int:
        """Position of its first word."""
        return self.words[0]

    @property
    def last(self) -> int:
        """Position of its last word."""
        return self.words[-1]


@dataclass(slots=True)
class _Node(Generic[T]):
    children: dict[str, _Node[T]] = field(default_factory=dict)
    gaps: dict[int, _Node[T]] = field(default_factory=dict)
    values: list[T] = field(default_factory=list)


class Matcher(Generic[T]):
    """All phrases of one kind, as a tree over words."""

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._root: _Node[T] = _Node()
        for phrase, value in phrases:
            for words in spellings(phrase):
                node = self._root
                for word in words:
                    if word.startswith("~"):
                        node = node.gaps.setdefault(int(word[1:]), _Node())
                    else:
                        node = node.children.setdefault(fold(word), _Node())
                if value not in node.values:
                    node.values.append(value)

    def find(self, words: Sequence[str]) -> list[Match[T]]:
        """Matches that share no word, in order of first word: those of more words win, then those closer together."""
        found = self.find_all(words)
        if len(found) < 2:
            return found
        found.sort(key=lambda match: (-len(match.words), match.last - match.first, match.first))
        taken: set[int] = set()
        kept: list[Match[T]] = []
        for match in found:
            if taken.isdisjoint(match.words):
                taken.update(match.words)
                kept.append(match)
        kept.sort(key=lambda match: match.first)
        return kept

    def find_all(self, words: Sequence[str]) -> list[Match[T]]:
        """Every match, in order of first word."""
        starts, found = self._root.children, []
        for i, word in enumerate(words):
            node = starts.get(word)
            if node is None:
                continue
            if node.gaps or (i + 1 < len(words) and words[i + 1] in node.children):
                found += self._from(words, i)
            else:
                found += [Match((i,), value) for value in node.values]
        return found

    def _from(self, words: Sequence[str], start: int) -> list[Match[T]]:
        found: list[Match[T]] = []
        ahead: list[tuple[_Node[T], tuple[int, ...]]] = [(self._root.children[words[start]], (start,))]
        while ahead:
            node, used = ahead.pop()
            found.extend(Match(used, value) for value in node.values)
            following = used[-1] + 1
            if following < len(words) and words[following] in node.children:
                ahead.append((node.children[words[following]], (*used, following)))
            for length, after in node.gaps.items():
                for i in range(following, min(following + length + 1, len(words))):
                    if words[i] in after.children:
                        ahead.append((after.children[words[i]], (*used, i)))
        return found


def spellings(phrase: str) -> Iterator[list[str]]:
    """Every sequence of words, and gaps as `~n`, that a phrase in the notation of the data files stands for."""
    choices = []
    for token in phrase.split():
        is_optional = token.startswith("(") and token.endswith(")")
        words = token.strip("()").split("/")
        choices.append([*words, ""] if is_optional else words)
    for spelling in product(*choices):
        yield [word for word in spelling if word]
