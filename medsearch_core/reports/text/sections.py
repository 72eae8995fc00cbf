"""Report text to sections, with exact offsets into the original text.

Belongs here: where a section begins and ends. The headers themselves are data (`headers.csv`). Nothing is dropped: text
before the first header, and a report without headers, is the section named "".

`FINDINGS AND IMPRESSION` is a section of its own that counts as both: its text fills both columns, its mentions rank as
those of an impression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows

_BODY = (
    r"(?i:ct\w*|cxr|mri?|us|x-?ray|lungs?|lungs and pleura|pleura\w*|heart|cardi\w+|mediastin\w+|bones?"
    r"|osseous|chest|head(?:/neck)?|neck"
    r"|lower chest|abdomen|pelvis|airways?|tubes?|lines?|devices?|support|liver|kidneys?|brain|spine|gallbladder"
    r"|bile ducts?|spleen|pancreas|adrenal\w*|bowel|bladder|uterus|vessels|thyroid)\b(?![ ]pain)[^:\n]{0,40}:"
)

SEEN = re.compile(
    r"(?:(?<=[.;:?])[ \t]+|\n[ \t]*)"
    r"(?=There[ ](?:is|are|has|have)\b(?![^.\n]{0,20}\b(?:concern|suspicion|question|history|clinical))"
    r"|(?:The[ ])?(?i:lungs?|heart|cardiac|cardiomediastinal|mediastin\w+|pleura\w*|bones|osseous|trachea|airways?)"
    r"[ ](?:\w+[ ]){0,2}(?:is|are|silhouette|contours?|clear|normal|enlarged|size)\b"
    r"|No[ ](?:evidence|acute|focal|pneumothorax|pleural|effusion|consolidation)\b"
    r"|(?:Chest|Lungs?|Heart|Pleura|Mediastinum|Bones|Abdomen|Pelvis|Liver|Kidneys?|Brain|Spine)[ ]?:[ ])"
)
"""A sentence behind a header's own that says what is seen: "Procedure: CT chest. The lungs are clear"."""

LINE = re.compile(
    r"\n[ \t]*(?=[A-Z])(?!(?i:evaluate|eval|assess|r/?o\b|rule|please|concern|question|query|\?|status|s/p|history|hx|h/o"
    r"|pt\b|patient|he\b|she\b|known|prior|previous|follow|f/?u\b|post|suspected|suspicion|possible|referred|referral|request|clinical"
    r"|chest pain|pain|cough|fever|shortness|dyspnea|sob\b|trauma|fall\b|ct\b|mri?\b|pa\b|ap\b|xr\b))(?=[^\n]*[.])"
    r"(?![^\n]*\b(?i:ago|yesterday|history|year|evaluate|rule out|last (?:week|month|year|night))\b)"
)
"""A line below a header's own that may begin the findings: a sentence, and no question, complaint or history."""

OPEN = re.compile(
    r"(?:[,:;/(-]|\b(?:a|an|the|of|to|in|on|at|by|for|from|with|without|and|or|no|not|is|versus|vs))\Z", re.IGNORECASE
)
"""What does not end a header's own line."""

MAX_FULL = 60
"""A line of so many characters that no full stop ends goes on in the next."""

INTRODUCTORY = {"examination", "indication", "technique", "comparison"}
"""Sections of one paragraph in reports that then go on without a header."""

PARAGRAPH = re.compile(r"\n[ \t\r\f]*\n(?=\s*\w)")

BODY_LABEL = re.compile(rf"\n(?=[ \t]*{_BODY})")
"""A line that begins the findings though no header does: "Lungs: clear"."""

TITLE = re.compile(
    r"\s*(?=[^\n]*\b(?:CT|CTA|CTPA|MRI?|MRA|CXR|XR|X-?RAY|RADIOGRAPHS?|ULTRASOUND|US|PET|ANGIOGRAM|MAMMOGRAM)\b)"
    r"[A-Z0-9 ,/()&+-]{2,80}\s*"
)
"""A title in capitals above the first header: "CT CHEST FOR PE"."""

COMPARED = re.compile(
    r"\s*(?:none|no(?: relevant)? (?:prior|previous|comparison)[^.\n]{0,40}|not available|n/?a"
    r"|[^.\n]{0,60}?\d{1,4}[/-]\d{1,2}(?:[/-]\d{2,4})?)\.?(?=\s*\n|[ \t]+[A-Z])",
    re.IGNORECASE,
)
"""What a COMPARISON says in one sentence: nothing, or a date."""


@dataclass(frozen=True, slots=True)
class Section:
    """One stretch of a report: `text[begin:end]`, its header not included."""

    name: str
    begin: int
    end: int


@lru_cache
def _headers() -> tuple[re.Pattern[str], dict[str, str]]:
    names = {row["header"]: row["section"] for row in rows("headers.csv")}
    alternatives = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    any_name = alternatives.replace(r"\ ", r"[ \t]{1,3}")
    note = r"(?:[ \t]{0,4}\([^()\n]{0,40}\)|[ \t]{0,4}#?\d{1,2})?[ \t]{0,8}"
    starts = r"[ \t>*#_-]*(?:\d{1,2}[.)][ \t]{1,3})?"
    pattern = re.compile(
        r"^(?:(?=[^:\n]{0,400}[:\u2013-])"
        rf"{starts}(?P<line>(?i:{any_name})){note}(?:\*\*)?(?::(?:\*\*)?|[ \t]?[-\u2013](?=[ \t]))"
        rf"|[ \t*#]*(?P<alone>{any_name}|{_capitalised(names)})[ \t\r*]*$"
        rf"|[ \t]*(?P<bare>{any_name})(?=[ \t]{{1,4}}[A-Z][a-z]))"
        rf"|(?:(?<=paragraph )|(?<=line ))(?P<spoken>(?i:{any_name}))[ \t](?i:colon)\b"
        rf"|(?=[A-Z]{{2}})(?<![\w/-])(?<!ABSENT )(?<!NEGATIVE )(?<!POSITIVE )(?P<inside>{any_name}){note}:"
        rf"|(?=[ \t])(?<=[.!?])(?=[^:\n]{{0,100}}:)[ \t]{{1,4}}(?P<later>(?i:{any_name})){note}:",
        re.MULTILINE,
    )
    return pattern, names


def _capitalised(names: Iterable[str]) -> str:
    """The names as they stand in titles: the first letter of the first word, or of every word, is a capital."""
    return "|".join(
        re.escape(spelled) for name in sorted(names, key=len, reverse=True) for spelled in {name.capitalize(), name.title()}
    )


def split_sections(text: str) -> list[Section]:
    """The sections of a report in order, empty ones left out.

    A header is a known name, in any case, with a colon or a dash at the start of a line or with a colon after a sentence; in
    capitals also with a colon anywhere, or at the start of a line before a capitalised word; or capitalised, a line of its own.
    """
    pattern, names = _headers()
    sections: list[Section] = []
    name, begin = "", 0
    for match in pattern.finditer(text):
        sections.append(Section(name, begin, match.start()))
        header = next(filter(None, match.groups()))
        name, begin = names[" ".join(header.upper().split())], match.end()
    sections.append(Section(name, begin, len(text)))
    if len(sections) > 1 and TITLE.fullmatch(text, 0, sections[0].end):
        sections[0] = Section("examination", 0, sections[0].end)
    if not any(section.name.startswith("findings") for section in sections):
        is_last = [section.name not in INTRODUCTORY for section in sections[1:]] + [True]
        sections = [
            part
            for section, is_last_one in zip(sections, is_last, strict=True)
            for part in _without_body(text, section, is_last=is_last_one)
        ]
    return [section for section in sections if text[section.begin : section.end].strip()]


def _without_body(text: str, section: Section, *, is_last: bool) -> list[Section]:
    """An introductory section, and the unnamed paragraphs after it where the report has no FINDINGS header.

    Many reports read `COMPARISON: None.`, a blank line, and the findings without a header; those must not count as
    comparison. Without a blank line, the last introductory section (`is_last`) ends before a line or a sentence that says
    what is seen.
    """
    if section.name not in INTRODUCTORY:
        return [section]
    first_word = re.compile(r"\S").search(text, section.begin, section.end)
    if first_word is None:
        return [section]
    ends = [pattern.search(text, first_word.start(), section.end) for pattern in (PARAGRAPH, BODY_LABEL)]
    if section.name == "comparison":
        ends.append(COMPARED.match(text, section.begin, section.end))
    end = min((end for end in ends if end is not None), key=lambda end: end.end(), default=None)
    if is_last and end is None:
        end = _seen_from(text, first_word.start(), section)
    if end is None or not text[end.end() : section.end].strip():
        return [section]
    begin = end.start() if end.re is not COMPARED else end.end()
    return [Section(section.name, section.begin, begin), Section("", end.end(), section.end)]


def _seen_from(text: str, begin: int, section: Section) -> re.Match[str] | None:
    """What stands before the first line or sentence of a section that says what is seen."""
    ends = [SEEN.search(text, begin, section.end)]
    if section.name != "technique":
        ends.append(next((line for line in LINE.finditer(text, begin, section.end) if _is_over(text, begin, line)), None))
    return min((end for end in ends if end is not None), key=lambda end: end.end(), default=None)


def _is_over(text: str, begin: int, line: re.Match[str]) -> bool:
    """Whether the line above says all that it has to say."""
    above = text[max(text.rfind("\n", begin, line.start()) + 1, begin) : line.start()].rstrip()
    return above.endswith((".", "?", "!")) or (len(above) < MAX_FULL and not OPEN.search(above))


def section_text(text: str, sections: list[Section], *names: str) -> str | None:
    """The text of all sections of these names, whitespace collapsed; None where there is none."""
    words = [word for s in sections if s.name in names for word in text[s.begin : s.end].split()]
    return " ".join(words) or None
