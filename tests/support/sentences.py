"""What tests check of sentences for people: their figures and the settings they name, so that the wording may change."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SETTING = re.compile(r"MEDSEARCH(?:_[A-Z0-9]+)+")
_FIGURE = re.compile(r"(?<![\w/.@-])\d[\d,]*(?![\w/]|\.\d)")


def figures(sentence: str) -> list[int]:
    """The whole numbers of a sentence, in order; digits of keys, ids and versions do not count."""
    return [int(figure.rstrip(",").replace(",", "")) for figure in _FIGURE.findall(sentence)]


def counts_of(names: Iterable[str], sentence: str) -> dict[str, int]:
    """Name → the number in front of it, for the names that the sentence counts."""
    found = ((name, re.search(rf"(\d+) {name}\b", sentence)) for name in names)
    return {name: int(match[1]) for name, match in found if match}


def settings_named_in(sentence: str) -> set[str]:
    """The settings that a sentence names."""
    return set(_SETTING.findall(sentence))
