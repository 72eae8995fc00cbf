"""Misspelt words of a vocabulary, one edit away from it.

Belongs here: which word of a vocabulary a misspelling stands for. An edit is a letter too many, missing or wrong, or two that
changed places: 80 % of misspellings are one (Damerau 1964, "A technique for computer detection and correction of spelling
errors"). Words are the folded ones of `words.py`.

A word is corrected where all of this holds; else it stays as it is, since a finding that nobody reported is worse than one
that is not read:

- it has `MIN_LETTERS` or more, as the vocabulary's word has, and is neither in the vocabulary nor otherwise known;
- the first letters agree, as they do in nearly all misspellings (Yannakoudakis and Fawthrop 1983), and as "atypical" and
  "typical" do not; a silent p may be missing ("neumothorax") and a British o be there ("oesophageal");
- it is no other form of that word: "parenchyma" and "parenchymal", "extubate" and "extubated" (`ENDINGS`);
- one word of the vocabulary alone is one edit away, or one that is much more frequent there than the others;
- it does not look like a name (`is_name`).

Time for a known word is one look-up. Others are looked up by what is left of them with one letter deleted, as are the
vocabulary's (deletion neighborhoods: Mor and Fraenkel 1982; Garbe's SymSpell 2012), and remembered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache

MIN_LETTERS = 7

MIN_RATIO = 3
"""How many times more frequent than any other the word must be that is chosen among several."""

ENDINGS = (("a", "al"), ("a", "ae"), ("ia", "ic"), ("is", "ic"), ("us", "um"), ("e", "ed"), ("ed", "er"))
"""Pairs of endings by which words of one family differ that do not mean the same."""

TITLES = ("dr.", "mr.", "ms.", "mrs.", "prof.")
"""What stands before a name and ends no sentence."""


class SpellingIndex:
    """Corrections towards the words of a vocabulary, with how often each stands there.

    `known` words are never corrected: correct words of the language that resemble one of the vocabulary.
    """

    def __init__(self, frequencies: Mapping[str, int], known: Collection[str] = ()) -> None:
        self._frequencies = frequencies
        self._known = frozenset(frequencies) | frozenset(known)
        self._max_letters = max(map(len, frequencies), default=0) + 1
        self._neighborhoods: dict[str, list[str]] = defaultdict(list)
        for word in sorted(frequencies):
            if len(word) >= MIN_LETTERS:
                for rest in {word, *_deletions(word)}:
                    self._neighborhoods[rest].append(word)
        self._cached = lru_cache(maxsize=65536)(self._correct)

    def corrections(self, words: Sequence[str], is_name: Callable[[int], bool] | None = None) -> dict[int, str]:
        """The vocabulary's word for each misspelt one of these folded words, by its position.

        `is_name` is asked for the positions of misspelt words alone.
        """
        found = {}
        for i, word in enumerate(words):
            if word in self._known or not MIN_LETTERS <= len(word) <= self._max_letters:
                continue
            corrected = self._cached(word)
            if corrected and not (is_name and is_name(i)):
                found[i] = corrected
        return found

    def neighbors(self, word: str) -> list[str]:
        """The vocabulary's words that are one edit away from a word, whether or not it is known."""
        near: set[str] = set()
        for rest in {word, *_deletions(word)}:
            near.update(self._neighborhoods.get(rest, ()))
        return sorted(other for other in near if _is_misspelling(word, other))

    def _correct(self, word: str) -> str | None:
        near = sorted(self.neighbors(word), key=lambda other: -self._frequencies[other])
        if not near:
            return None
        if len(near) > 1 and self._frequencies[near[0]] < MIN_RATIO * self._frequencies[near[1]]:
            return None
        return near[0]


def is_name(text: str, begin: int, end: int) -> bool:
    """Whether a word of a text looks like a name: capitalised, and not where a sentence or a line begins."""
    if not (text[begin].isupper() and text[begin + 1 : end].islower()):
        return False
    before = text[max(0, begin - 8) : begin].rstrip(" \t*-•>()[]\"'")
    return before.lower().endswith(TITLES) or (bool(before) and before[-1] not in ".:;!?\n|")


def _deletions(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def _is_one_edit(word: str, other: str) -> bool:
    if word == other:
        return False
    short, long = sorted((word, other), key=len)
    i = 0
    while i < len(short) and short[i] == long[i]:
        i += 1
    if len(short) == len(long):
        swapped = short[:i] + short[i : i + 2][::-1] + short[i + 2 :]
        return short[i + 1 :] == long[i + 1 :] or swapped == long
    return len(long) == len(short) + 1 and short[i:] == long[i + 1 :]


def _is_misspelling(word: str, other: str) -> bool:
    if not _is_one_edit(word, other):
        return False
    if word[0] != other[0]:
        return (other.startswith("pn") and other[1:] == word) or (word.startswith("oe") and word[1:] == other)
    return not any(_differ_by(word, other, *pair) or _differ_by(other, word, *pair) for pair in ENDINGS)


def _differ_by(word: str, other: str, ending: str, other_ending: str) -> bool:
    return word.endswith(ending) and other.endswith(other_ending) and word[: -len(ending)] == other[: -len(other_ending)]
