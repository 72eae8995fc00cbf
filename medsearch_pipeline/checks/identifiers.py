"""Patient data that must never appear in Dagster's event log, and the search for it.

Belongs here: which values of a study are searched for, and the search, word by word. Not here: reading rows and events
(`patient_data`). A value is searched for unless the study's keys contain it (the contract allows keys), it is too short to
distinguish from a count, or it is a date of the run itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

MIN_CHARACTERS = 6
"""Of an identifier: shorter numbers match any count. Sex, age and time of day are not searched for."""
PHRASE = 5
"""Number of consecutive words that identify a report's text."""
DICOM_KEYWORDS = ("PatientName", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName", "OtherPatientIDs")
"""Attributes that only a header has, and no table."""
COLUMNS = ("patient_id", "study_instance_uid", "series_instance_uid", "study_id", "study_date", "study_description")
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """The words and numbers of a text, case-folded: `Doe^Jane` and `doe, JANE` give the same two."""
    return tuple(_WORD.findall(text.casefold()))


def spellings(name: str, value: str) -> Iterator[Words]:
    """Spellings of a value: a date with and without hyphens, a name with its parts in reverse order."""
    date = _DATE.fullmatch(value)
    if date:
        yield date.groups()
        yield ("".join(date.groups()),)
        return
    words = words_of(value)
    yield words
    if name.endswith("Name") and len(words) > 1:
        yield (*words[1:], words[0])
        yield (words[1], words[0])
        yield words[:2]


def phrases_of(report: str) -> Iterator[Words]:
    """Every `PHRASE` consecutive words of a report."""
    words = words_of(report)
    return (words[at : at + PHRASE] for at in range(len(words) - PHRASE + 1))


class Identifiers:
    """The identifying values of some studies, by their first word.

    Args:
        allowed: texts that may contain them: keys, and dates of the run.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = "\n".join(" ".join(("", *words_of(text), "")) for text in allowed)
        self._spelt = "\n".join(text.casefold() for text in allowed)
        self._by_first: dict[str, dict[Words, str]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._by_first.values()))

    def add(self, name: str, value: str) -> None:
        """Adds a value of the column or attribute `name`."""
        if value.casefold() in self._spelt:
            return
        for words in spellings(name, value):
            self._look_for(name, words)

    def add_report(self, text: str) -> None:
        """Adds a report's text."""
        for words in phrases_of(text):
            self._look_for("report", words)

    def find_names(self, texts: Iterable[str]) -> set[str]:
        """The columns and attributes whose values occur in the texts; never a value itself."""
        found: set[str] = set()
        for text in texts:
            words = words_of(text)
            for at, first in enumerate(words):
                for wanted, name in self._by_first.get(first, {}).items():
                    if words[at : at + len(wanted)] == wanted:
                        found.add(name)
        return found

    def _look_for(self, name: str, words: Words) -> None:
        is_word = len(words) == 1 and words[0].isalpha()
        if sum(map(len, words)) < MIN_CHARACTERS or is_word or f" {' '.join(words)} " in self._allowed:
            return
        self._by_first[words[0]].setdefault(words, name)


def texts_in(value: Any) -> Iterator[str]:
    """Every string in a JSON value, including names. Numbers are counts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield str(name)
            yield from texts_in(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from texts_in(each)


def values_of(row: Mapping[str, Any], columns: Collection[str]) -> Iterator[tuple[str, str]]:
    """The columns of a row that have a text, each with its text."""
    return ((name, row[name]) for name in columns if isinstance(row.get(name), str) and row[name])
