"""Tags that look like patient data: a name, a record number, a date. Everyone who can search sees tags, and logs may contain
them.

Belongs here: the judgment by spelling alone. It guards against mistakes but proves nothing: a name in lower case or with one
word passes, and a trial named after two people has to be confirmed.
"""

from __future__ import annotations

import re

MIN_DIGITS = 6
"""This many digits, adjacent or separated by single spaces, dots, slashes or hyphens, may be a record number or a date."""
MAX_WORDS = 4
TRIAL_ID = re.compile(r"(NCT\d{8}|ISRCTN\d{8}|EUCTR\d{4}-\d{6}-\d{2})", re.IGNORECASE)
"""Numbers of registered trials, which do not identify patients."""
UID = re.compile(r"\d+(\.\d+){3,}")
DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
DIGITS = re.compile(rf"\d(?:[ ./-]?\d){{{MIN_DIGITS - 1},}}")
YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
RECORD = re.compile(r"\b(mrn|pid|patient|accession|acc)\b\W*\d+", re.IGNORECASE)
_ORDINARY = """
    a an and arm bilateral case cases chest cohort conference consensus control course department discussion education exam
    examples file files film findings follow for group in interesting left lung lungs normal of on paper pediatric phase project
    protocol quality rare reading registry research resident residents review right rounds series set simulation study teaching
    test the training trial tumor unit up validation ward with
"""
ORDINARY = frozenset(_ORDINARY.split())
"""Words that occur in names of files, trials and rounds, but rarely in a person's name."""


def looks_like_person(tag: str) -> str | None:
    """What patient data a tag looks like, such as `a name`; None if it does not."""
    if TRIAL_ID.fullmatch(tag):
        return None
    if UID.search(tag):
        return "a UID"
    if DATE.search(tag):
        return "a date"
    if DIGITS.search(YEAR.sub("", tag)) or RECORD.search(tag):
        return "a record number"
    if "@" in tag:
        return "an address"
    return "a name" if _looks_like_name(tag) else None


def _looks_like_name(tag: str) -> bool:
    if "^" in tag:  # PS3.5 section 6.2.1.1: the separator in a person's name
        return True
    words = [word.rstrip(".") for word in tag.replace(",", " ").split()]
    is_wordy = 2 <= len(words) <= MAX_WORDS and all(re.sub(r"['’-]", "", word).isalpha() for word in words)
    if not is_wordy or not ORDINARY.isdisjoint(word.lower() for word in words):
        return False
    return "," in tag or all(word[0].isupper() for word in words)
