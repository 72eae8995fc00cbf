"""The places that a sentence names around a mention: "L4-5", "below the knee", "lower lobe".

Belongs here: whether two mentions of one concept speak of different places, so that one may be there and the other not.
"""

from __future__ import annotations

import re

from medsearch_core.records import EntityRecord

PLACE = re.compile(
    r"\b(?P<level>[CTLS]\d{1,2}(?:[ ]?[-/][ ]?[CTLS]?\d{1,2})?)\b"
    r"|\b(?P<part>(?:above|below)[ -](?:the[ ])?(?:knee|elbow|ankle|wrist|diaphragm)"
    r"|calf|thigh|femoral|popliteal|peroneal|tibial|subclavian|axillary|jugular|brachial|medial|lateral|anterior|posterior"
    r"|proximal|distal|ascending|descending|transverse|sigmoid|cervical|thoracic|lumbar|sacral|\d{1,2}(?:st|nd|rd|th)"
    r"|first|second|third|fourth|fifth)\b",
    re.IGNORECASE,
)
_BEGIN = re.compile(r"[.;]\s|\n")
_END = re.compile(r"[.;](?:\s|\Z)|\n")
MAX_CHARACTERS = 200
"""How far from a mention its sentence is looked at."""

HEIGHTS = {
    **dict.fromkeys(("upper lobe", "upper lung zone", "lung apex"), "upper"),
    **dict.fromkeys(("middle lobe", "lingula", "middle lung zone"), "middle"),
    **dict.fromkeys(("lower lobe", "lower lung zone", "lung base"), "lower"),
}


def places_of(entity: EntityRecord, text: str) -> frozenset[str]:
    """The places that a mention in a report's text is said of."""
    found = {place for match in PLACE.finditer(_sentence(entity, text)) for place in _named(match)}
    height = HEIGHTS.get(entity.anatomy or "")
    return frozenset(found | {height} if height else found)


def are_apart(places: frozenset[str], others: frozenset[str]) -> bool:
    """Whether two mentions speak of different places; not where one of them names none."""
    return bool(places) and bool(others) and places.isdisjoint(others)


def _named(match: re.Match[str]) -> set[str]:
    """The level as "l4-5", or the words of a part without "the"."""
    if match["level"]:
        return {re.sub(r"[ ]?[-/][ ]?[a-z]?", "-", match[0].lower())}
    return {re.sub(r"[ -](?:the )?", " ", match[0].lower())}


def _sentence(entity: EntityRecord, text: str) -> str:
    first = max(entity.begin - MAX_CHARACTERS, 0)
    before = [*_BEGIN.finditer(text, first, entity.begin)]
    after = _END.search(text, entity.end, entity.end + MAX_CHARACTERS)
    return text[before[-1].end() if before else first : after.start() if after else entity.end + MAX_CHARACTERS]
