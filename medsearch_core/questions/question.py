"""`Question`: what is asked for, as a value that page, service, index, export and log share.

Belongs here: the parts of a question and how they are combined. Offsets are into the words as they were typed, so that each
part can be shown over the very words that it was read from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

DIRECT = 1.0
"""The weight of a meaning that is what the words say, not something narrower."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a question, and where it stands: `words[begin:end]`."""

    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """A range of sizes in mm, both ends included; None is open."""

    min_mm: float | None = None
    max_mm: float | None = None


@dataclass(frozen=True, kw_only=True)
class FindingAsked(Part):
    """A finding that is asked for.

    Args:
        name: how it is called: a concept's name, or a term of the question's own such as "collapsed lung".
        meanings: concept → weight, 1 for what the words say, less for what is narrower or less likely meant.
        said: what reports have to say of it: present, absent, uncertain, hypothetical, historical, family or resolved.
        laterality: left, right or bilateral.
        severities: any of them.
        section: where it has to be said; None anywhere.
    """

    name: str
    meanings: dict[str, float]
    said: str = "present"
    laterality: str | None = None
    anatomy: str | None = None
    severities: tuple[str, ...] = ()
    change: str | None = None
    sizes: Sizes | None = None
    section: str | None = None


@dataclass(frozen=True, kw_only=True)
class NormalAsked(Part):
    """Something that is asked for as normal.

    Args:
        absent: the concepts that must not be there, such as those of the heart; empty for a study without any finding.
    """

    name: str
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class WordsAsked(Part):
    """Words that reports have to hold.

    Args:
        kind: `word`; `phrase`, one word after the other; `prefix`, the beginning of a word.
        section: where they have to stand: findings, impression or indication; None anywhere.
        is_needed: false for words beside a finding, which choose no report: those that hold them come first.
    """

    text: str
    kind: str = "word"
    section: str | None = None
    is_needed: bool = True


@dataclass(frozen=True, kw_only=True)
class FilterAsked(Part):
    """A value of the image, the patient or the study, not of the report.

    Args:
        name: of the filter, as in `Filters`: modalities, sexes, patients, view_positions, ...
        values: any of them.
        minimum, maximum: both included, for ages in years and dates `YYYY-MM-DD`.
    """

    name: str
    values: tuple[str, ...] = ()
    minimum: float | str | None = None
    maximum: float | str | None = None


@dataclass(frozen=True, kw_only=True)
class Not(Part):
    """What must not be said to be there."""

    part: Tree


@dataclass(frozen=True, kw_only=True)
class All(Part):
    """All of these, as far as there are any."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, kw_only=True)
class AnyOf(Part):
    """One of these."""

    parts: tuple[Tree, ...]


Leaf = FindingAsked | NormalAsked | WordsAsked | FilterAsked
Tree = Leaf | Not | All | AnyOf


@dataclass(frozen=True, kw_only=True)
class Correction(Part):
    """A word that stands in no report, and the one it was read as."""

    word: str
    read_as: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question as it was typed and as it was read.

    Args:
        words: as typed.
        asked: what is asked for; None for a question without any word that says something.
    """

    words: str
    asked: Tree | None = None
    corrections: tuple[Correction, ...] = field(default=())

    def leaves(self) -> Iterator[tuple[Leaf, bool]]:
        """Its parts in the order of the words, each with whether it is asked for; false for what must not be there."""
        yield from leaves_of(self.asked)


def leaves_of(tree: Tree | None, *, is_wanted: bool = True) -> Iterator[tuple[Leaf, bool]]:
    """The leaves of a tree, in order, each with whether it is asked for."""
    match tree:
        case None:
            return
        case Not():
            yield from leaves_of(tree.part, is_wanted=not is_wanted)
        case All() | AnyOf():
            for part in tree.parts:
                yield from leaves_of(part, is_wanted=is_wanted)
        case _:
            yield tree, is_wanted
