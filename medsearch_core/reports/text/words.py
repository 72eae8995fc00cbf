"""Words of a report, with their offsets.

Belongs here: what a word is, and its folded form. Signs that say something are words too: `?` asks about what follows ("?
pneumonia"), `¿` about what it follows ("pneumonia?"), `>` and `<` compare sides; `⊖` denies what follows ("(-) edema"), `⊝`
what it follows ("edema (-)"), `⊕` ends both. A level of the spine is one word: `t12`. Shorthand
is read as the word that it means.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

from medsearch_core.reports.data_files import rows

WORD = re.compile(r"[CTLSctls]\d{1,2}(?![^\W_])|[^\W\d_]+|\d+|[?<>]")
ASKED_BEFORE = re.compile(r"[\w)(]")
HYPHENATED = re.compile(r"-[ \t]*\n[ \t]*")

SIGNS = frozenset("?¿<>⊖⊝⊕")

MARK = re.compile(
    r"[(\[][ \t]?(?P<boxed>[-+\u2013])(?:ve)?[ \t]?[)\]](?:ve\b)?|(?<![\w)\]-])(?P<very>[-+\u2013])[ \t]?ve\b"
    r"|(?<!\w)(?P<nought>[\u00d8\u00f8\u2205])(?=[ \t]+[^\W\d_])|(?<![\w)\]+])(?P<plus>\+)(?=[ \t]?[A-Za-z])"
    r"|(?<=,[ \t])(?P<minus>[-\u2013])(?=[ \t]?[A-Za-z])"
)
"""A plus or a minus that answers: "(-) edema", "effusion [+]", "-ve", "\u00d8 adenopathy", "+ edema, - effusion"."""

MAY_BE_MARKED = re.compile(r"[+\u00d8\u00f8\u2205]|[(\[][ \t]?[-\u2013]|[-\u2013][ \t]?ve\b")
WORD_AHEAD = re.compile(r"\s*\w")

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

BEFORE_UNIT = frozenset({"in", "per", "of", "x", "by", "the", "iv", "after"})
"""Words before a "CM" that is no cardiomegaly: "SIZE IN CM"."""

NO_COMMAS: frozenset[int] = frozenset()


class Sentence(NamedTuple):
    """The words of one sentence: folded forms for matching, and offsets into the report's text."""

    words: tuple[str, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    def text(self, text: str, first: int, last: int) -> str:
        """The report's text from one word to another, gaps included."""
        return text[self.begins[first] : self.ends[last]]

    def followed_by(self, other: Sentence) -> Sentence:
        """The words of both."""
        return Sentence(self.words + other.words, self.begins + other.begins, self.ends + other.ends)


BRITISH = re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|ing|ation)$)|(?<=[vm])our(?=(?:s|ed|ing|able)?$)")
AMERICAN = {"is": "iz", "our": "or"}


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word in lower case, spelled out, in the singular, as Americans spell it: "visualised" is "visualized"."""
    word = _singular(BRITISH.sub(lambda found: AMERICAN[found[0]], word.lower()))
    return _abbreviations().get(word, word)


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches")) else word[:-1]


@lru_cache
def _abbreviations() -> dict[str, str]:
    """Shorthand, folded → the word that it means."""
    return {_singular(row["short"]): row["word"] for row in rows("abbreviations.csv")}


def words_of(text: str, begin: int, end: int, known: Container[str] = ()) -> Sentence | None:
    """The words of `text[begin:end]`; None where there are only signs.

    A word that a line's end splits ("pneumo-\\nthorax") is one word where that one is `known`.
    """
    spans = [match.span() for match in WORD.finditer(text, begin, end)]
    words = [fold(text[b:e]) for b, e in spans]
    if (text.find("-", begin, end) >= 0 or text.find("+", begin, end) >= 0 or not text.isascii()) and (
        MAY_BE_MARKED.search(text, begin, end) is not None
    ):
        words, spans = _with_marks(text, begin, end, words, spans)
    if "cm" in words:
        words = _with_cardiomegaly(text, words, spans)
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


def _with_marks(
    text: str, begin: int, end: int, words: list[str], spans: list[tuple[int, int]]
) -> tuple[list[str], list[tuple[int, int]]]:
    """The words with the marks among them, each in the place of what it is made of."""
    marks = [*MARK.finditer(text, begin, end)]
    if not marks:
        return words, spans
    opens, closes = _begins(text, begin, marks[0].start()), not WORD_AHEAD.match(text, marks[-1].end(), end)
    signs = {}
    for mark in marks:
        is_ahead = bool(mark["nought"] or mark["plus"] or mark["minus"]) or _begins(text, begin, mark.start())
        is_behind = not is_ahead and (not WORD_AHEAD.match(text, mark.end(), end) or (closes and not opens))
        if (is_ahead or is_behind or opens or "+" in mark[0]) and not (mark["minus"] and len(marks) == 1):
            signs[mark.span()] = "⊕" if "+" in mark[0] else "⊝" if is_behind else "⊖"
    if not signs:
        return words, spans
    taken = {at for b, e in signs for at in range(b, e)}
    found = [(span, word) for span, word in zip(spans, words, strict=True) if span[0] not in taken]
    found = sorted([*found, *signs.items()])
    return [word for _, word in found], [span for span, _ in found]


def _begins(text: str, begin: int, at: int) -> bool:
    """Whether nothing but punctuation of a list stands before a mark; a mark in a phrase is none: "HER2 (-) cancer"."""
    before = text[max(begin, at - 4) : at].rstrip()
    return before[-1] in ",;:/." if before else at - begin <= 4


def _with_cardiomegaly(text: str, words: list[str], spans: list[tuple[int, int]]) -> list[str]:
    """The words with cardiomegaly for "CM" in capitals that is no unit of length."""
    return [
        "cardiomegaly"
        if word == "cm" and text[b:e] == "CM" and not (i and (words[i - 1][-1].isdigit() or words[i - 1] in BEFORE_UNIT))
        else word
        for i, (word, (b, e)) in enumerate(zip(words, spans, strict=True))
    ]


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
