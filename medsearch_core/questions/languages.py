"""Questions in other languages: the names of the main findings, and the words of place and denial beside them.

Belongs here: `languages.csv`, and how its phrases are found: by stem, with accents folded, so that inflected forms match; in
Chinese the longest run of characters. What is found becomes English words where it stood, and everything else reads these.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import snowballstemmer

from medsearch_core.questions.terms import FOLDER
from medsearch_core.reports.data_files import read_rows
from medsearch_core.reports.text.words import Sentence, fold

STEMMERS = {
    "es": "spanish",
    "de": "german",
    "fr": "french",
    "pt": "portuguese",
    "it": "italian",
    "ru": "russian",
}
CHINESE = "zh"
MAX_PHRASE_WORDS = 6
MIN_LETTERS = 3
"""Letters by which a language is worth trying."""
GRAMMAR = frozenset({"no", "without", "with", "and", "or", "of", "left", "right", "bilateral", "small", "large", "new"})
"""English words of the table that say nothing alone: "y" and "la" are read beside a finding's name only."""

HAN = re.compile(r"[\u3400-\u9fff]+")
WORD = re.compile(r"[^\W\d_]+")


class Translated(NamedTuple):
    """English words for some of a sentence's: where these stand, first and last, and the language."""

    first: int
    last: int
    english: str
    language: str


@lru_cache
def _phrases() -> dict[str, dict[tuple[str, ...], str]]:
    """Language → the stems of a phrase → English."""
    found: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
    for row in read_rows(FOLDER / "languages.csv"):
        language = row["language"]
        words = [row["phrase"]] if language == CHINESE else [_stem(language, word) for word in WORD.findall(row["phrase"])]
        found[language].setdefault(tuple(words), row["english"])
    return dict(found)


@lru_cache
def _firsts() -> dict[str, list[str]]:
    """How a phrase may begin → the languages that have one: few words are worth stemming in six languages."""
    found: dict[str, set[str]] = defaultdict(set)
    for language, phrases in _phrases().items():
        for words, english in phrases.items():
            if language != CHINESE and english not in GRAMMAR:
                found[words[0][:MIN_LETTERS]].add(language)
    return {begin: sorted(languages) for begin, languages in found.items()}


def translations(words: Sequence[str], is_english: Sequence[bool]) -> list[Translated]:
    """What words of other languages mean, all of one language: that which names most; the longest phrase wins.

    Words that English has too, such as "fracture", make no question French: one that it lacks has to be among them.
    """
    best: list[Translated] = []
    for language in sorted({language for word in words for language in _firsts().get(plain(word)[:MIN_LETTERS], ())}):
        found = _in_language(language, words)
        is_foreign = any(not is_english[i] for t in found if t.english not in GRAMMAR for i in range(t.first, t.last + 1))
        if is_foreign and _named(found) > _named(best):
            best = found
    return best


def _named(found: Sequence[Translated]) -> int:
    """How many words the names of findings cover; words of grammar alone are none."""
    return sum(t.last - t.first + 1 for t in found if t.english not in GRAMMAR)


def _in_language(language: str, words: Sequence[str]) -> list[Translated]:
    phrases = _phrases()[language]
    stems = [_stem(language, word) for word in words]
    found: list[Translated] = []
    at = 0
    while at < len(stems):
        for length in range(min(MAX_PHRASE_WORDS, len(stems) - at), 0, -1):
            english = phrases.get(tuple(stems[at : at + length]))
            if english is not None:
                found.append(Translated(at, at + length - 1, english, language))
                at += length
                break
        else:
            at += 1
    return found


@lru_cache(maxsize=16384)
def _stem(language: str, word: str) -> str:
    stem: str = _stemmer(language).stemWord(plain(word))
    return plain(stem)


@lru_cache
def _stemmer(language: str) -> Any:
    return snowballstemmer.stemmer(STEMMERS[language])


@lru_cache(maxsize=16384)
def plain(word: str) -> str:
    """A word in lower case without accents; ß is ss, œ is oe, ё is е; й stays, for it is a letter of its own."""
    lowered = word.lower().replace("ß", "ss").replace("œ", "oe").replace("ё", "е").replace("й", "\0")
    kept = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return kept.replace("\0", "й")


def in_english(sentence: Sentence, text: str, is_english: Callable[[str], bool]) -> Sentence:
    """A sentence with the words of other languages replaced by English ones, which stand where those stood.

    Args:
        is_english: whether a folded word is one of the vocabulary or of the reports.
    """
    sentence = _chinese(sentence, text)
    known = [is_english(word) for word in sentence.words]
    if all(known):
        return sentence
    spelled = [text[b:e] for b, e in zip(sentence.begins, sentence.ends, strict=True)]
    for translated in reversed(translations(spelled, known)):
        is_behind = translated.english == "no" and translated.last == len(spelled) - 1
        sentence = _replaced(sentence, translated.first, translated.last, "is absent" if is_behind else translated.english)
    return sentence


def _replaced(sentence: Sentence, first: int, last: int, english: str) -> Sentence:
    words = tuple(map(fold, english.split()))
    begin, end = sentence.begins[first], sentence.ends[last]
    return Sentence(
        sentence.words[:first] + words + sentence.words[last + 1 :],
        sentence.begins[:first] + (begin,) * len(words) + sentence.begins[last + 1 :],
        sentence.ends[:first] + (end,) * len(words) + sentence.ends[last + 1 :],
    )


def _chinese(sentence: Sentence, text: str) -> Sentence:
    """A sentence with runs of Chinese characters taken apart into the words of the table, in English."""
    if all(HAN.search(text, b, e) is None for b, e in zip(sentence.begins, sentence.ends, strict=True)):
        return sentence
    words: list[tuple[str, int, int]] = []
    for word, begin, end in zip(*sentence, strict=True):
        words += _parts(text, begin, end) if HAN.match(text, begin, end) else [(word, begin, end)]
    return Sentence(*map(tuple, zip(*words, strict=True))) if words else sentence


def _parts(text: str, begin: int, end: int) -> list[tuple[str, int, int]]:
    known = _phrases()[CHINESE]
    longest = max(len(phrase) for (phrase,) in known)
    found: list[tuple[str, int, int]] = []
    unknown = begin
    at = begin
    while at < end:
        length = next((n for n in range(min(longest, end - at), 0, -1) if (text[at : at + n],) in known), 0)
        if length:
            if unknown < at:
                found.append((text[unknown:at], unknown, at))
            found += [(fold(word), at, at + length) for word in known[text[at : at + length],].split()]
            at = unknown = at + length
        else:
            at += 1
    if unknown < end:
        found.append((text[unknown:end], unknown, end))
    return found
