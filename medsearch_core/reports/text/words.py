"""Words of a report, with their offsets.

Belongs here: what a word is, and its folded form. Signs that say something are words too: `?` asks about what follows ("?
pneumonia"), `¿` about what it follows ("pneumonia?"), `>` and `<` compare sides. A level of the spine is one word: `t12`.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

WORD = re.compile(r"[CTLSctls]\d{1,2}(?![^\W_])|[^\W\d_]+|\d+|[?<>]")
ASKED_BEFORE = re.compile(r"[\w)(]")
HYPHENATED = re.compile(r"-[ \t]*\n[ \t]*")

SIGNS = frozenset("?¿<>")

CONTRACTED = {
    **{
        f"{verb}n": verb
        for verb in ("is", "are", "was", "were", "has", "have", "had", "does", "did", "could", "would", "should")
    },
    **{"don": "do", "can": "can", "won": "will", "doesn": "does"},
}
"""What stands before the "t" of a contraction."""


SIDE_OF = {"l": "left", "lt": "left", "left": "left", "r": "right", "rt": "right", "right": "right"}
"""Folded word → the side of the body that it names."""

ONE_SIDE = frozenset(SIDE_OF)

NO_COMMAS: frozenset[int] = frozenset()


class Sentence(NamedTuple):
    """The words of one sentence: folded forms for matching, and offsets into the report's text."""

    words: tuple[str, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    def text(self, text: str, first: int, last: int) -> str:
        """The report's text from one word to another, gaps included."""
        return text[self.begins[first] : self.ends[last]]


BRITISH = re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|ing|ation)$)|(?<=[vm])our(?=(?:s|ed|ing|able)?$)")
AMERICAN = {"is": "iz", "our": "or"}


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word in lower case, without a regular plural ending, and as Americans spell it: "visualised" is "visualized"."""
    word = BRITISH.sub(lambda found: AMERICAN[found[0]], word.lower())
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches")) else word[:-1]


def words_of(text: str, begin: int, end: int, known: Container[str] = ()) -> Sentence | None:
    """The words of `text[begin:end]`; None where there are only signs.

    A word that a line's end splits ("pneumo-\\nthorax") is one word where that one is `known`.
    """
    spans = [match.span() for match in WORD.finditer(text, begin, end)]
    words = [fold(text[b:e]) for b, e in spans]
    if "?" in words:
        words = [_question(text, b, begin) if word == "?" else word for word, (b, _) in zip(words, spans, strict=True)]
    if "t" in words:
        words = _without_contractions(words)
    if SIGNS.issuperset(words):
        return None
    sentence = Sentence(tuple(words), *zip(*spans, strict=True))
    is_wrapped = known and text.find("\n", begin, end) >= 0
    return _joined(text, sentence, known) if is_wrapped and HYPHENATED.search(text, begin, end) else sentence


def commas(sentence: Sentence, text: str) -> frozenset[int]:
    """The words that follow a comma."""
    if text.find(",", sentence.begins[0], sentence.ends[-1]) < 0:
        return NO_COMMAS
    pairs = zip(sentence.ends, sentence.begins[1:], strict=False)
    return frozenset(i for i, (end, begin) in enumerate(pairs, 1) if end < begin and "," in text[end:begin])


def _question(text: str, at: int, begin: int) -> str:
    """Which way a question mark asks: back, where it stands at a word or in brackets behind one."""
    return "¿" if at > begin and ASKED_BEFORE.match(text, at - 1) else "?"


def _without_contractions(words: list[str]) -> list[str]:
    """The words of "isn't" as those of "is not"."""
    found = list(words)
    for i in range(1, len(words)):
        if words[i] == "t" and words[i - 1] in CONTRACTED:
            found[i - 1], found[i] = CONTRACTED[words[i - 1]], "not"
    return found


def _joined(text: str, sentence: Sentence, known: Container[str]) -> Sentence:
    words, begins, ends = [sentence.words[0]], [sentence.begins[0]], [sentence.ends[0]]
    for word, begin, end in zip(sentence.words[1:], sentence.begins[1:], sentence.ends[1:], strict=True):
        whole = fold(text[begins[-1] : ends[-1]] + text[begin:end])
        if HYPHENATED.fullmatch(text, ends[-1], begin) and whole in known:
            words[-1], ends[-1] = whole, end
        else:
            words.append(word)
            begins.append(begin)
            ends.append(end)
    return Sentence(tuple(words), tuple(begins), tuple(ends))
