"""What a report is of: the modality, the parts of the body, and the organ.

Belongs here: where a report says it, and what counts where the report does not. The words are data (`examinations.csv`), whose
rows are of a `kind`: `examination` names a modality, body parts or an organ; `view` names how radiographs are taken, which is
their modality where no other is named; `other` words stand in titles and say nothing; `never` words stand in none; `end` words
begin what no longer names the examination ("for line placement").

A report says it in its EXAMINATION section, else in a title, else in its TECHNIQUE section. A title is among the first lines
before the findings, or after any section before them. It reaches as far as a colon or a full stop and is made of words of
titles: "LEFT WRIST 3 VIEWS". What INDICATION and the findings speak of decides nothing. What the text leaves open is taken
from DICOM: Modality (0008,0060), StudyDescription (0008,1030) and BodyPartExamined (0018,0015) with the defined terms of PS3.16
Annex L. The description comes first, since BodyPartExamined is often a device's default (Güld et al. 2002, "Quality of DICOM
header information for image categorization": wrong in 15 % of images).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.words import fold

WORD = re.compile(r"[a-z]+|\d+")

TITLE_END = re.compile(r"[:;]\s|[:;]$|(?<=[A-Za-z)])\.(?=\s|$)")
"""Where a title ends within its line; no colon of a time of day."""

MAX_TITLE_LINES, MAX_TITLE_WORDS, MAX_TITLE_LENGTH = 3, 24, 240

MAX_UNKNOWN_SHARE = 1 / 3
"""The share of words that no title of the data file has, in a first line that names a modality or a view."""

MODALITIES = {code: code for code in ("CT", "MR", "US", "MG", "NM", "PT", "XA", "RF", "DX")}
MODALITIES |= {"CR": "DX", "DR": "DX", "RG": "DX", "MA": "MR", "ST": "NM", "PET": "PT", "MRI": "MR"}
"""DICOM's modalities of images that are reported, the retired ones and two common mistakes among them (PS3.3 C.7.3.1.1.1)."""

ORGANS = {"head": "brain"}
"""The organ of `organs.csv` that stands for a part of the body with another name; other parts are organs or none."""

CHEST_PARTS = frozenset({"chest", "heart", "whole body"})


@dataclass(frozen=True)
class Examination:
    """What was examined and how.

    `modality` is a defined term of DICOM, DX for any radiograph; `body_parts` are plain words of `examinations.csv`, in
    order of mention; `organ` is named where the examination is of one organ alone.
    """

    modality: str | None = None
    body_parts: tuple[str, ...] = ()
    organ: str | None = None


UNKNOWN = Examination()
"""An examination of which nothing is known."""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    modality: str | None
    body_parts: tuple[str, ...]
    organ: str | None


@dataclass(slots=True)
class _Named:
    """What a stretch of text names; None in `organs` stands for a part that is named as a whole."""

    modality: str | None = None
    view: str | None = None
    body_parts: dict[str, None] = field(default_factory=dict)
    organs: set[str | None] = field(default_factory=set)
    words: int = 0
    unknown: int = 0
    is_refused: bool = False

    def add(self, other: _Named) -> None:
        self.modality = self.modality or other.modality
        self.view = self.view or other.view
        self.body_parts.update(other.body_parts)
        self.organs |= other.organs

    def examination(self) -> Examination:
        organ = next(iter(self.organs)) if len(self.organs) == 1 else None
        return Examination(self.modality or self.view, tuple(self.body_parts), organ)

    def is_title(self, *, is_first: bool) -> bool:
        if self.is_refused or not (self.body_parts or self.modality or self.view):
            return False
        if is_first and (self.modality or self.view):
            return self.unknown <= MAX_UNKNOWN_SHARE * self.words
        return not self.unknown


def examination_of(
    text: str,
    sections: Sequence[Section],
    modality: str | None = None,
    body_part: str | None = None,
    description: str | None = None,
) -> Examination:
    """What a report with these sections is of; `Examination()` where nothing says it.

    `modality`, `body_part` and `description` are the values of DICOM's Modality, BodyPartExamined and StudyDescription.
    """
    found = Examination()
    for said in _sources(text, sections):
        found = _completed(found, said)
        if found.modality and found.body_parts:
            return found
    found = _completed(found, Examination(MODALITIES.get((modality or "").strip().upper())))
    for value in (description, body_part):
        if value:
            found = _completed(found, _read(WORD.findall(value.lower())).examination())
    if found.modality == "MG" and not found.body_parts:
        return Examination("MG", ("breast",), "breast")
    return found


def examined_organ(examination: Examination) -> str | None:
    """The organ that a term without one is of: the only one examined, or the one part of the body that was."""
    if examination.organ is not None or len(examination.body_parts) != 1:
        return examination.organ
    (part,) = examination.body_parts
    return ORGANS.get(part, part)


def is_chest(examination: Examination) -> bool:
    """Whether an examination is of the chest, among other parts or not, or of nobody knows what."""
    return not examination.body_parts or not CHEST_PARTS.isdisjoint(examination.body_parts)


def _completed(known: Examination, said: Examination) -> Examination:
    """What is known, with what it leaves open."""
    if known.body_parts or not said.body_parts:
        return Examination(known.modality or said.modality, known.body_parts, known.organ)
    return Examination(known.modality or said.modality, said.body_parts, said.organ)


def _sources(text: str, sections: Sequence[Section]) -> Iterator[Examination]:
    """What the report says it is of, the most reliable place first."""
    before = []
    for section in sections:
        if section.name.startswith(("findings", "impression")):
            break
        before.append(section)
    for section in sections:
        if section.name == "examination":
            yield _titles(text, section, is_named=True)
    for section in before:
        if not section.name:
            yield _titles(text, section, is_named=False)
    for section in sections:
        if section.name == "technique":
            yield _read(
                WORD.findall(text[section.begin : min(section.end, section.begin + MAX_TITLE_LENGTH)].lower())
            ).examination()


def _titles(text: str, section: Section, *, is_named: bool) -> Examination:
    """What the titles among the first lines of a section name together; its header `is_named` after what the first one is."""
    found = _Named()
    is_first = True
    for line in _first_lines(text, section):
        pieces = TITLE_END.split(line)
        for piece in pieces:
            named = _read(WORD.findall(piece.lower()))
            if not named.words:
                continue
            is_label = len(pieces) > 1 and not (named.modality or named.view)  # "Spine: degenerative" of a template
            if (is_named and is_first) or (not is_label and named.is_title(is_first=is_first)):
                found.add(named)
                is_first = False
            elif named.unknown or named.is_refused or named.body_parts:
                is_first = False
                break
    return found.examination()


def _first_lines(text: str, section: Section) -> Iterator[str]:
    """The first lines of a section that are not blank, cut where no title is as long."""
    begin, lines = section.begin, 0
    while begin < section.end and lines < MAX_TITLE_LINES:
        end = text.find("\n", begin, section.end)
        end = section.end if end < 0 else end
        line = text[begin : min(end, begin + MAX_TITLE_LENGTH)].strip()
        begin = end + 1
        if line:
            lines += 1
            yield line


def _read(words: list[str]) -> _Named:
    """What the words name, up to a word that ends a title."""
    phrases = _phrases()
    words = [fold(word) for word in words[:MAX_TITLE_WORDS]]
    named = _Named()
    i = 0
    while i < len(words):
        entry, length = _longest(phrases.get(words[i], ()), words, i)
        if entry is None:
            named.unknown += not words[i].isdigit()
        elif entry.kind == "end":
            break
        elif entry.kind == "never":
            named.is_refused = True
        elif entry.kind == "view":
            named.view = entry.modality
        elif entry.kind == "examination":
            named.modality = named.modality or entry.modality
            if entry.body_parts:
                named.body_parts.update(dict.fromkeys(entry.body_parts))
                named.organs.add(entry.organ)
        named.words += length
        i += length
    return named


def _longest(candidates: Iterable[tuple[tuple[str, ...], _Entry]], words: list[str], i: int) -> tuple[_Entry | None, int]:
    for phrase, entry in candidates:
        if len(phrase) == 1 or tuple(words[i : i + len(phrase)]) == phrase:
            return entry, len(phrase)
    return None, 1


@lru_cache
def _phrases() -> dict[str, list[tuple[tuple[str, ...], _Entry]]]:
    """The phrases by their first word, longer ones first."""
    found: dict[str, list[tuple[tuple[str, ...], _Entry]]] = {}
    for row in rows("examinations.csv"):
        parts = tuple(row["body_parts"].split("|")) if row["body_parts"] else ()
        entry = _Entry(row["kind"], row["modality"] or None, parts, row["organ"] or None)
        for phrase in row["phrases"].split("|"):
            words = tuple(fold(word) for word in phrase.split())
            found.setdefault(words[0], []).append((words, entry))
    for candidates in found.values():
        candidates.sort(key=lambda candidate: -len(candidate[0]))
    return found
