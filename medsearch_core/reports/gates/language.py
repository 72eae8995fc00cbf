"""The language that a report is written in.

Belongs here: the vote of words for a language, and what letters other than Latin ones say. The words are data
(`languages.csv`): function words and the commonest words of reports. `words` of a language stand in no English report
and count twice; `common` ones may stand in one, as a name, an abbreviation, Latin or a cognate, and count once. A word
counts once a report, however often it stands there. Diacritics are removed on both sides, since dictation loses them.

English is the default. Another language needs two votes and more than English has; without a single word of its own,
most words of the text have to be its words. Findings have Latin names in every language, so that "Kein Pneumothorax." is
decided by its first word. A vote on function words is as old as language identification (Ingle 1976; Grefenstette 1995,
"Comparing two language identification schemes"); why no statistical model is used is told in docs/adr/0024-report-language.md.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows

ENGLISH = "English"

OWN_VOTES = 2
"""The votes of a word that stands in no English report."""

MIN_VOTES = 2
"""What another language needs at least: one word that only it has, or two that English reports may hold as well."""

MIN_COMMON_LEAD, MIN_COMMON_SHARE = 2, 2 / 3
"""How far it has to be ahead of English, and of how many of the words, where none of them is its own: "Pas de fracture."."""

MIN_SCRIPT_LETTERS, MIN_SCRIPT_SHARE = 4, 0.25
"""How many letters of another script, and how many for each Latin one, make a report foreign: a name alone does not."""

WORD = re.compile(r"[a-z]+")

SPELLED_WORD = re.compile(r"[^\W\d_]+")

LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
"""Letters that have no decomposition in Unicode."""

MARKS = dict.fromkeys(range(0x300, 0x370))

SCRIPT = re.compile(
    r"(?P<Cyrillic>[\u0400-\u052f]+)|(?P<Greek>[\u0370-\u03ff\u1f00-\u1fff]+)|(?P<Hebrew>[\u0590-\u05ff]+)"
    r"|(?P<Arabic>[\u0600-\u06ff\u0750-\u077f]+)|(?P<Hindi>[\u0900-\u097f]+)|(?P<Thai>[\u0e00-\u0e7f]+)"
    r"|(?P<Korean>[\uac00-\ud7af\u1100-\u11ff]+)|(?P<Japanese>[\u3040-\u30ff]+)|(?P<Chinese>[\u3400-\u9fff]+)"
)
"""Letters of other scripts, each under the language, or the first of the languages, that is written in it."""

DISTINCTIVE = {
    "Cyrillic": (
        ("Ukrainian", frozenset("іїєґ")),
        ("Serbian", frozenset("јљњћђџ")),
        ("Russian", frozenset("ыэё")),
        ("Bulgarian", frozenset("ъ")),
    ),
    "Arabic": (("Urdu", frozenset("ٹڈڑےں")), ("Persian", frozenset("پچژگ"))),
}
"""Letters that only one of the languages of a script has, in the order in which they decide."""

DEFAULT = {"Cyrillic": "Russian"}


@dataclass(frozen=True, slots=True)
class _Votes:
    """What each word says: the languages it votes for, as positions in `names`, and how many votes it has.

    `spelled` has each language's words as they are written, with diacritics.
    """

    names: tuple[str, ...]
    words: dict[str, tuple[tuple[int, int], ...]]
    spelled: tuple[frozenset[str], ...]


def language_of(text: str) -> str:
    """The English name of the language of a text; "English" where nothing says otherwise. Time is linear in the text."""
    text = text.lower()
    if text.isascii():
        return _vote(text, text)
    return _language_of_script(text) or _vote(fold_letters(text), text)


def fold_letters(text: str) -> str:
    """A text in lower case with plain Latin letters: "größer" is "grosser"."""
    return unicodedata.normalize("NFKD", text.translate(LETTERS)).translate(MARKS)


def _vote(text: str, as_written: str) -> str:
    votes = _votes()
    counts = [0] * len(votes.names)
    own = [False] * len(votes.names)
    words = set(WORD.findall(text))
    for word in words & votes.words.keys():
        for language, weight in votes.words[word]:
            counts[language] += weight
            own[language] |= weight == OWN_VOTES
    most = max(counts[1:])
    if most < MIN_VOTES or most <= counts[0]:
        return ENGLISH
    best = [language for language, count in enumerate(counts) if count == most]
    is_own = any(own[language] for language in best)
    if not is_own and (most < counts[0] + MIN_COMMON_LEAD or most < MIN_COMMON_SHARE * len(words)):
        return ENGLISH
    if len(best) > 1:  # "ausencia" is Spanish, "ausência" is Portuguese
        written = set(SPELLED_WORD.findall(as_written))
        best.sort(key=lambda language: -len(written & votes.spelled[language]))
    return votes.names[best[0]]


@lru_cache
def _votes() -> _Votes:
    languages = rows("languages.csv")
    words: dict[str, dict[int, int]] = {}
    for language, row in enumerate(languages):
        for weight, column in ((1, "common"), (OWN_VOTES, "words")):
            for word in row[column].lower().split():
                spellings = {fold_letters(word)}
                if row["language"] == "German":  # dictated or typed without umlauts
                    spellings.add(fold_letters(word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")))
                for spelling in spellings:
                    words.setdefault(spelling, {})[language] = weight
    names = tuple(row["language"] for row in languages)
    spelled = tuple(frozenset(f"{row['words']} {row['common']}".lower().split()) for row in languages)
    return _Votes(names, {word: tuple(votes.items()) for word, votes in words.items()}, spelled)


def _language_of_script(text: str) -> str | None:
    """The language whose script a good part of a text is written in; None where that is the Latin one."""
    letters: dict[str, int] = {}
    for match in SCRIPT.finditer(text):
        script = match.lastgroup or ""
        letters[script] = letters.get(script, 0) + match.end() - match.start()
    if not letters:
        return None
    foreign = sum(letters.values())
    latin = len(re.findall("[a-z]", text))
    if latin and (foreign < MIN_SCRIPT_LETTERS or foreign < MIN_SCRIPT_SHARE * latin):
        return None
    if "Japanese" in letters:  # kana stand in no other language, characters in both
        return "Japanese"
    script = max(letters, key=letters.__getitem__)
    for language, distinctive in DISTINCTIVE.get(script, ()):
        if not distinctive.isdisjoint(text):
            return language
    return DEFAULT.get(script, script)
