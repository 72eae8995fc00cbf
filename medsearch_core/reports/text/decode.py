"""Report bytes to text, or a named refusal.

Belongs here: which encodings a report may have and how text is told apart from noise. A guess that turns any bytes into
letters is worse than a refusal, so every fallback has to look like a report. Messages never hold report text.
"""

from __future__ import annotations

import codecs
import re

from medsearch_core.errors import BadInput

CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""C0 controls that no report holds; tab, line feed, form feed and carriage return are allowed."""

ASCII_SHARE = 0.75
"""Least share of ASCII characters in a text whose encoding was guessed: Western European prose has 0.9 and more."""


def decode_report(data: bytes) -> tuple[str, str]:
    """The text of a report and the name of the encoding it was read in.

    UTF-8 with or without a byte order mark; UTF-16 with one, or without where every other byte is zero; otherwise windows-1252.
    All but the first must read as mostly ASCII text, and none may hold control characters.

    Raises:
        BadInput: `empty_object`, `undecodable_text` or `empty_report`.
    """
    if not data:
        raise BadInput("empty_object", "the object has no bytes")
    text, encoding = _decode(data)
    if CONTROL.search(text):
        raise BadInput("undecodable_text", f"control characters in what would be {encoding} text")
    if encoding != "utf-8" and not _is_plausible(text):
        raise BadInput("undecodable_text", f"not text when read as {encoding}")
    if not any(character.isalnum() for character in text):
        raise BadInput("empty_report", "the report has no letter or digit")
    return text, encoding


def _decode(data: bytes) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strict(data, "utf-16"), "utf-16"
    if without_mark := _utf_16_without_mark(data):
        return _strict(data, without_mark), "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        return _strict(data, "utf-8-sig"), "utf-8"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _strict(data, "cp1252"), "windows-1252"


def _utf_16_without_mark(data: bytes) -> str | None:
    """The byte order of what is mostly ASCII text in UTF-16: the upper half of nearly every unit is zero, no lower half is."""
    if len(data) % 2:
        return None
    even, odd = data[::2].count(0), data[1::2].count(0)
    if not even and odd >= ASCII_SHARE * len(data) / 2:
        return "utf-16-le"
    return "utf-16-be" if not odd and even >= ASCII_SHARE * len(data) / 2 else None


def _strict(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise BadInput("undecodable_text", f"not valid {codec} at byte {error.start}") from None


def _is_plausible(text: str) -> bool:
    ascii_characters = sum(character.isascii() for character in text)
    return ascii_characters >= ASCII_SHARE * len(text) or not text.strip()
