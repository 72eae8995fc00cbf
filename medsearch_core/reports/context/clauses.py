"""Where a negation ends though no word says so: at a clause of its own, at a new noun phrase, at a statement of normality.

Belongs here: the ends of a forward negation's scope in one unit. "No effusion, pneumothorax or mass is seen" is one clause: its
verb speaks of all of them. "No effusion, cardiomegaly is stable", "no pneumothorax, small left effusion" and, dictated without
commas, "no effusion small left nodule" assert what comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from medsearch_core.reports.text.phrases import Match

VERBS = frozenset({"is", "are", "was", "were", "remain", "appear", "has", "have", "show", "demonstrate", "measure"})
OF_ALL = frozenset(
    {
        *("seen", "identified", "present", "noted", "evident", "visualized", "demonstrated", "appreciated", "visible"),
        *("detected", "found", "observed", "apparent", "suspected", "suggested", "not", "no", "longer"),
    }
)
SEEN = frozenset({"seen", "identified", "visualized", "demonstrated", "appreciated", "present", "noted", "evident", "visible"})
JOINING = frozenset({"or", "nor", "and"})
DISJOINING = frozenset({"or", "nor"})
MAX_CLAUSE_WORDS = 8
"""A clause of its own: a verb, not said of everything before it, and at most so many words between a comma and it."""

SIZES = frozenset({"small", "tiny", "trace", "minimal", "minimally", "mild", "mildly", "moderate", "moderately", "slight"})
SIDES = frozenset({"left", "right", "bilateral", "bibasilar", "biapical", "lt", "rt", "bibasal"})
ASSERTING = SIZES | {
    *(
        "stable",
        "unchanged",
        "residual",
        "persistent",
        "chronic",
        "old",
        "healed",
        "improved",
        "improving",
        "increased",
        "decreased",
    ),
    *("there", "normal", "borderline", "status", "postsurgical", "postoperative", "multiple", "several", "scattered", "known"),
    *("calcified", "degenerative", "mildly", "low", "interval", "again", "sternotomy", "severe", "continued", "nonspecific"),
}
"""Words that begin a noun phrase of something seen, hardly ever of something denied."""

AFTER_COMMA = ASSERTING | {"new", "large", "larger", "worse", "worsening", "only", "just", "marked", "evolving", "resolving"}
"""Those, and words that begin something denied as often where no comma stands before them."""

LINKS_TO_KNOWN = frozenset({"of", "in", "within", "for", "to"})
LINKS = frozenset(
    {"after", "following", "despite", "given", "explaining", "complicating", "from", "by", "around", "through", "considering"}
)
TWO_WORD_LINKS = {"spite": "of", "associated": "with", "adjacent": "to", "due": "to", "secondary": "to"}
"""Words between what is denied and something that is there: "no complication of the pneumonia", "no edema despite effusion"."""

KNOWN = SIDES | {
    *(
        "the",
        "this",
        "these",
        "that",
        "known",
        "existing",
        "his",
        "her",
        "rul",
        "rml",
        "rll",
        "lul",
        "lll",
        "upper",
        "lower",
        "previously",
    ),
    *("described", "patient", "aforementioned"),
}
REMNANTS = frozenset(
    {
        *(
            "evidence",
            "sign",
            "residual",
            "residuum",
            "recurrence",
            "reaccumulation",
            "remnant",
            "trace",
            "suggestion",
            "indication",
        ),
        *(
            "component",
            "part",
            "portion",
            "xxxx",
            "finding",
            "presence",
            "demonstration",
            "recurrent",
            "reappearance",
            "persistence",
            "redevelopment",
            "visualization",
        ),
    }
)
"""Words that deny with what they are of: "no residual of the pneumothorax"."""

MAX_PHRASE_WORDS = 6

PREDICATES = frozenset(
    {"remain", "increased", "decreased", "unchanged", "stable", "larger", "smaller", "worse", "worsened", "better", "improved"}
)
PLACES = frozenset({"in", "at", "on", "within"})
SUBJECTS = frozenset({"heart", "cardiac", "cardiomediastinal", "lung", "mediastinum", "aorta"})

NORMAL = frozenset({"normal", "clear", "unremarkable", "limit", "sharp", "intact"})
"""Words that end a statement of normality, as "heart size normal", and with it what was denied before."""


def clause_ends(
    words: Sequence[str], commas: frozenset[int], mentions: Sequence[Match[Any]], statements: Sequence[Match[Any]]
) -> list[int]:
    """The positions after which a negation no longer holds: a mention that begins later is not denied by a cue before."""
    last_or = max((i for i, word in enumerate(words) if word in DISJOINING), default=-1)
    found = {statement.last for statement in statements if words[statement.last] in NORMAL}
    found.update(_verbs(words, commas, last_or))
    found.update(_noun_phrases(words, commas, last_or))
    found.update(_run_on(words, commas, last_or, mentions))
    found.update(_known_things(words, commas, mentions))
    return sorted(found)


def _verbs(words: Sequence[str], commas: frozenset[int], last_or: int) -> Iterator[int]:
    for i, word in enumerate(words[:-1]):
        if word in SEEN and i + 1 in commas and i > last_or:
            yield i
        if word in VERBS and words[i + 1] not in OF_ALL and not OF_ALL.intersection(words[i + 2 : i + 3]):
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


def _run_on(words: Sequence[str], commas: frozenset[int], last_or: int, mentions: Sequence[Match[Any]]) -> Iterator[int]:
    """The ends of mentions that another one follows without comma or conjunction, as something seen."""
    for earlier, later in pairwise(mentions):
        between = range(earlier.last + 1, later.first)
        if later.first in commas:
            is_listed_device = later.value.category == "device" != earlier.value.category
            if (is_listed_device or _has_predicate(words, later)) and DISJOINING.isdisjoint(words[later.first :]):
                yield earlier.last
            continue
        if any(words[i] in JOINING or i in commas for i in between):
            continue
        is_seen = bool(between) and words[between[0]] in ASSERTING | SIDES and last_or < later.first
        if is_seen or _has_predicate(words, later) or (words[later.first] in SUBJECTS and len(later.words) > 1):
            yield earlier.last


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
            is_link = word in LINKS or TWO_WORD_LINKS.get(word) == words[i + 1]
            if is_link or is_known:
                if not (word == "of" and words[i - 1] in REMNANTS) and words[i - 1] != "the":
                    yield i
                break
