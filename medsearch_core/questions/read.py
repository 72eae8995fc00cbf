"""Words to a `Question`: the entry point of this package.

Belongs here: the order of the steps, and what a denial means. Reading never fails, whatever a person types.
"""

from __future__ import annotations

from dataclasses import replace

from medsearch_core.questions.fields import SECTIONS, filter_asked, is_field
from medsearch_core.questions.grammar import QUOTES, Readers, joined, parse, tokens_of
from medsearch_core.questions.question import (
    All,
    AnyOf,
    FilterAsked,
    FindingAsked,
    NormalAsked,
    Not,
    Question,
    Tree,
    WordsAsked,
    leaves_of,
)
from medsearch_core.questions.runs import RunReader
from medsearch_core.questions.spelling import Dictionary
from medsearch_core.questions.terms import named_with

MAX_CHARACTERS = 4000
"""What is longer is read up to here."""


def read_question(words: str, dictionary: Dictionary) -> Question:
    """What these words ask for.

    A denial beside something that is asked for means that reports do not say it is there; alone, that they deny it.
    """
    runs = RunReader(words[:MAX_CHARACTERS], dictionary)

    def read_phrase(begin: int, end: int) -> Tree | None:
        """A quoted phrase: the finding that it names where it names one and no more, else its very words."""
        corrected = len(runs.corrections)
        parts = runs.read(begin, end)
        if len(parts) == 1 and isinstance(parts[0], FindingAsked):
            return replace(parts[0], begin=begin, end=end)
        runs.forget(corrected)
        return WordsAsked(begin=begin, end=end, text=words[begin:end], kind="phrase") if words[begin:end].strip() else None

    def read_prefix(begin: int, end: int) -> Tree | None:
        """The beginning of a word: the findings whose names have such a word, else reports that do."""
        start = words[begin : end - 1].lower()
        meanings = named_with(start)
        if meanings:
            return FindingAsked(begin=begin, end=end, name=words[begin:end], meanings=meanings)
        return WordsAsked(begin=begin, end=end, text=start, kind="prefix")

    def read_field(begin: int, end: int) -> Tree | None:
        name, _, value = words[begin:end].partition(":")
        name, value = name.lower(), value.strip('"\u201c\u201d\u201e\u00ab\u00bb ')
        if name not in SECTIONS:
            return filter_asked(name, value, begin, end)
        at = begin + len(name) + 1
        is_quoted = words[at:end].startswith(tuple(QUOTES))
        inside = read_phrase(at + 1, at + 1 + len(value)) if is_quoted else joined(All, runs.read(at, end))
        return inside and _in_section(inside, SECTIONS[name])

    tokens = tokens_of(words[:MAX_CHARACTERS], is_field)
    asked = parse(tokens, Readers(runs.read, read_phrase, read_prefix, read_field))
    return Question(words=words, asked=_with_optional_words(_without_denials(asked)), corrections=tuple(runs.corrections))


def _in_section(tree: Tree, section: str) -> Tree:
    match tree:
        case FindingAsked() | WordsAsked():
            return replace(tree, section=section)
        case All() | AnyOf():
            return replace(tree, parts=tuple(_in_section(part, section) for part in tree.parts))
        case Not():
            return replace(tree, part=_in_section(tree.part, section))
        case _:
            return tree


def _without_denials(tree: Tree | None) -> Tree | None:
    """A tree whose denied findings must not be said to be there, where anything else is asked for."""
    leaves = list(leaves_of(tree))
    is_else_asked = any(
        is_wanted and not isinstance(leaf, FilterAsked) and not (isinstance(leaf, FindingAsked) and leaf.said == "absent")
        for leaf, is_wanted in leaves
    )
    return _turned(tree) if tree is not None and is_else_asked else tree


def _turned(tree: Tree) -> Tree:
    match tree:
        case FindingAsked(said="absent"):
            return Not(begin=tree.begin, end=tree.end, part=replace(tree, said="present"))
        case All() | AnyOf():
            return replace(tree, parts=tuple(map(_turned, tree.parts)))
        case _:
            return tree


def _with_optional_words(tree: Tree | None) -> Tree | None:
    """A tree whose plain words only order the reports, where a finding or a normal study is asked for as well."""
    if not isinstance(tree, All) or not any(isinstance(part, FindingAsked | NormalAsked | AnyOf) for part in tree.parts):
        return tree
    parts = (replace(p, is_needed=False) if isinstance(p, WordsAsked) and p.kind == "word" else p for p in tree.parts)
    return replace(tree, parts=tuple(parts))
