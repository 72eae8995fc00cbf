"""Where a negation ends though no word says so: at a clause of its own, at a new noun phrase, at a statement of normality.

Belongs here: the ends of a forward negation's scope in one unit. "No effusion, pneumothorax or mass is seen" is one clause: its
verb speaks of all of them. "No effusion, cardiomegaly is stable", "no pneumothorax, small left effusion" and, dictated without
commas, "no effusion small left nodule" assert what comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from medsearch_core.reports.data_files import word_list
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit

VERBS = word_list("verbs")
OF_ALL = word_list("said of all")
SEEN = word_list("seen")
JOINING = frozenset({"or", "nor", "and"})
DISJOINING = frozenset({"or", "nor"})
MAX_CLAUSE_WORDS = 8
"""A clause of its own: a verb, not said of everything before it, and at most so many words between a comma and it."""

SIZES = word_list("sizes")
LOBES = word_list("lobes")
SIDES = word_list("sides")
ASSERTING = SIZES | word_list("asserting")
"""Words that begin a noun phrase of something seen, hardly ever of something denied."""

AFTER_COMMA = ASSERTING | word_list("asserting after a comma")
"""Those, and words that begin something denied as often where no comma stands before them."""

LINKS_TO_KNOWN = word_list("links to what is known")
LINKS = word_list("links to what is there")
TWO_WORD_LINKS = {"spite": "of", "associated": "with", "adjacent": "to", "due": "to", "secondary": "to"}
"""Words between what is denied and something that is there: "no complication of the pneumonia", "no edema despite effusion"."""

KNOWN = SIDES | word_list("known")
REMNANTS = word_list("remnants")
"""Words that deny with what they are of: "no residual of the pneumothorax"."""

MAX_PHRASE_WORDS = 6

PREDICATES = word_list("predicates")
PLACES = word_list("places")
IN_PLACE = PLACES | word_list("in place")
SAID_OF_ONE = VERBS | SEEN | PREDICATES
"""Words, one of which behind a mention says something of it alone, where nothing joins it to what was denied before."""
HEADS = word_list("heads")
SUBJECTS = word_list("subjects")

NORMAL = word_list("normal")
"""Words that end a statement of normality, as "heart size normal", and with it what was denied before."""


def clause_ends(unit: Unit, mentions: Sequence[Match[Any]], statements: Sequence[Match[Any]]) -> list[int]:
    """The positions after which a negation no longer holds: a mention that begins later is not denied by a cue before."""
    words, commas = unit.words, unit.commas
    last_or = max((i for i, word in enumerate(words) if word in DISJOINING), default=-1)
    found = {statement.last for statement in statements if words[statement.last] in NORMAL}
    found.update(_verbs(words, commas, last_or))
    found.update(_noun_phrases(words, commas, last_or))
    found.update(_run_on(unit, last_or, mentions))
    found.update(_known_things(words, commas, mentions))
    if last_or < 0:
        found.update(i for i, word in enumerate(words[:-1]) if word in HEADS and _begins_finding(unit, i, mentions))
    return sorted(found)


def _begins_finding(unit: Unit, i: int, mentions: Sequence[Match[Any]]) -> bool:
    """Whether a finding follows a noun that needs none, with a space alone: "no acute abnormality mild cardiomegaly"."""
    sentence = unit.sentence
    if not unit.text[sentence.ends[i] : sentence.begins[i + 1]].isspace():
        return False
    first = i + 1 + (unit.words[i + 1] in SIZES)
    return any(mention.first == first and mention.value.name for mention in mentions)


def _verbs(words: Sequence[str], commas: frozenset[int], last_or: int) -> Iterator[int]:
    for i, word in enumerate(words[:-1]):
        if word in SEEN and i + 1 in commas and i > last_or:
            yield i
        is_of_all = words[i + 1] != "again" and not OF_ALL.isdisjoint(words[i + 1 : i + 3])
        if word in VERBS and not is_of_all:
            first = next(
                (j for j in range(i - 1, max(i - MAX_CLAUSE_WORDS, 0), -1) if words[j] in JOINING or j in commas), None
            )
            if first is not None and first in commas and words[first] not in JOINING:
                yield first - 1
            elif first is not None and words[first] == "and" and not DISJOINING.intersection(words[first:i]):
                yield first


def _noun_phrases(words: Sequence[str], commas: frozenset[int], last_or: int) -> Iterator[int]:
    """The words before a comma or "and" where what follows is asserted, and is no item of a list that "or" goes on."""
    joints = {*commas, *(i + 1 for i, word in enumerate(words[:-1]) if word == "and")}
    for i in sorted(joints):
        first = i + 1 if words[i] == "and" and i in commas and i + 1 < len(words) else i
        begin = words[first : first + 3]
        if not begin or begin[0] in JOINING:
            continue
        is_sized = begin[0] in SIZES and not SIDES.isdisjoint(begin[1:])
        is_asserted = (
            begin[0] in (AFTER_COMMA if i in commas else ASSERTING) or (begin[0] in SIDES and i in commas) or begin[0].isdigit()
        )
        if is_sized or (is_asserted and last_or < first):
            yield i - 1


def _run_on(unit: Unit, last_or: int, mentions: Sequence[Match[Any]]) -> Iterator[int]:
    """The ends of mentions that another one follows without comma or conjunction, as something seen."""
    words, commas = unit.words, unit.commas
    for earlier, later in pairwise(mentions):
        between = range(earlier.last + 1, later.first)
        if later.first in commas:
            is_told = _is_placed(later) and not _is_placed(earlier)
            is_told = is_told or _has_predicate(words, later) or _is_sized(words, later) or _is_in_place(words, later)
            if is_told and DISJOINING.isdisjoint(words[later.first :]):
                yield earlier.last
            continue
        if any(words[i] in JOINING or i in commas for i in between):
            continue
        is_seen = bool(between) and last_or < later.first and _is_of_something_seen([words[i] for i in between])
        if is_seen or _has_predicate(words, later) or (words[later.first] in SUBJECTS and len(later.words) > 1):
            yield earlier.last
    if last_or < 0:
        yield from _unpunctuated(unit, mentions)


def _is_of_something_seen(between: Sequence[str]) -> bool:
    """Whether words before a mention begin a noun phrase of something seen: "small left", "new right", "bilateral"."""
    if between[0] == "new":
        return len(between) > 1 and between[1] in SIZES | SIDES
    return between[0] in ASSERTING | SIDES


def _unpunctuated(unit: Unit, mentions: Sequence[Match[Any]]) -> Iterator[int]:
    """The ends of mentions where nothing but a new subject ends what was denied: "no effusion emphysema present".

    Three findings in a row are a list: "no consolidation effusion pneumothorax seen"; so are those with a slash between them.
    """
    words = unit.words
    is_in_row = False
    for n, (earlier, later) in enumerate(pairwise(mentions)):
        between = range(earlier.last + 1, later.first)
        was_in_row, is_in_row = is_in_row, not between
        if not earlier.value.name or "/" in unit.span(earlier.last, later.first):
            continue
        following = mentions[n + 2].first if n + 2 < len(mentions) else len(words)
        is_device = _is_placed(later) and not _is_placed(earlier)
        is_subject = is_device or not SAID_OF_ONE.isdisjoint(words[later.last + 1 : following][:MAX_CLAUSE_WORDS])
        if (is_in_row and is_subject and not was_in_row) or _is_over([words[i] for i in between]):
            yield earlier.last


def _is_over(between: Sequence[str]) -> bool:
    """Whether what was denied ends with its verb: "no effusions are seen left atelectasis"."""
    rest = [word for word in between if word not in VERBS]
    return bool(rest) and rest[0] in SEEN and (ASSERTING | SIDES | LOBES).issuperset(rest[1:])


def _is_placed(mention: Match[Any]) -> bool:
    """Whether a mention is of a device that somebody placed."""
    return mention.value.category == "device" and mention.value.name != "foreign body"


def _is_sized(words: Sequence[str], mention: Match[Any]) -> bool:
    """Whether a size stands behind a mention: "pneumothorax tiny at the apex"."""
    return mention.last + 1 < len(words) and words[mention.last + 1] in SIZES


def _is_in_place(words: Sequence[str], mention: Match[Any]) -> bool:
    """Whether a mention is of a device that lies somewhere: "PICC present", "tube in place"."""
    return mention.value.category == "device" and not IN_PLACE.isdisjoint(words[mention.last + 1 : mention.last + 2])


def _has_predicate(words: Sequence[str], mention: Match[Any]) -> bool:
    """Whether something is said of a mention that nothing denied has: "is larger", "unchanged", "is present in the base"."""
    after = words[mention.last + 1 : mention.last + 4]
    if not after or after[0] in PREDICATES:
        return bool(after)
    return after[0] in VERBS and (OF_ALL.isdisjoint(after[1:2]) or not PLACES.isdisjoint(after[2:3]))


def _known_things(words: Sequence[str], commas: frozenset[int], mentions: Sequence[Match[Any]]) -> Iterator[int]:
    """The links before mentions of what is there: "no enlargement of the nodule", "no pneumothorax after PICC placement"."""
    for mention in mentions:
        for i in range(mention.first - 1, max(mention.first - MAX_PHRASE_WORDS, 0), -1):
            word = words[i]
            if word in JOINING or i + 1 in commas or word == "no":
                break
            is_known = word in LINKS_TO_KNOWN and not KNOWN.isdisjoint(words[i + 1 : mention.first])
            is_link = word in LINKS or (word == "post" and _is_placed(mention)) or TWO_WORD_LINKS.get(word) == words[i + 1]
            if is_link or is_known:
                if not (word == "of" and words[i - 1] in REMNANTS) and words[i - 1] != "the":
                    yield i
                break
