"""How right is the reader, against reports whose findings are known? Precision, recall and F1 per finding, with intervals.

Belongs here: the counting, pure and without files. A gold standard says of each report which findings it has
(`findings.csv` names their concepts); a finding is predicted where one of its concepts is resolved to present. Intervals are
the middle 95 % of a bootstrap over reports (Efron 1979), with one seed, so that they repeat. A finding that no report of the
gold standard has, has no recall: it is shown, and left out of the averages. The ablations answer what a rule is worth: each
one reads the same mentions without it; "probable is uncertain" counts what is probable as any other doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medsearch_core.records import EntityRecord
from medsearch_core.reports.data_files import read_rows
from medsearch_core.reports.evaluation.texts import ReadText
from medsearch_core.reports.resolve import is_implied, resolve_concepts
from medsearch_core.reports.text.units import read_units

RESAMPLES = 1000

FINDINGS = Path(__file__).with_name("findings.csv")

Interval = tuple[float, float]
Change = Callable[[list[EntityRecord]], list[EntityRecord]]


@dataclass(frozen=True)
class Score:
    """How well one finding, or all of them, is predicted; each ratio with its interval, NaN where it has no denominator."""

    finding: str
    hits: int
    false_alarms: int
    misses: int
    precision: float
    recall: float
    f1: float
    precision_interval: Interval
    recall_interval: Interval
    f1_interval: Interval


@dataclass(frozen=True)
class Confusion:
    """One report whose prediction differs from the gold standard; a missed finding that nothing mentions has no mention."""

    report: str
    finding: str
    kind: str
    mention: str
    sentence: str
    section: str
    assertion: str
    cue: str | None


def _without(assertion: str) -> Change:
    def changed(entities: list[EntityRecord]) -> list[EntityRecord]:
        named = [e for e in entities if not is_implied(e)]
        return [replace(e, assertion="present") if e.assertion == assertion else e for e in named]

    return changed


def _without_probable(entities: list[EntityRecord]) -> list[EntityRecord]:
    return [replace(e, certainty=None) if e.certainty == "probable" else e for e in entities]


ABLATIONS: dict[str, Change] = {
    "all rules": lambda entities: entities,
    "probable is uncertain": _without_probable,
    "no negation": _without("absent"),
    "no uncertainty": _without("uncertain"),
    "no assertion": lambda entities: [replace(e, assertion="present") for e in entities if not is_implied(e)],
}
"""How the rules are applied → what that makes of a report's mentions."""


@lru_cache
def concepts_of_findings() -> dict[str, frozenset[str]]:
    """Label of a gold standard → the concepts that are it."""
    return {row["finding"]: frozenset(row["concepts"].split("|")) for row in read_rows(FINDINGS)}


def predict(read: ReadText, findings: Sequence[str], change: Change = ABLATIONS["all rules"]) -> list[bool]:
    """Whether each finding is present in a report."""
    resolved = resolve_concepts(change(read.entities), read.sections)
    present = {concept for concept, (status, _) in resolved.items() if status == "present"}
    return [not concepts_of_findings()[finding].isdisjoint(present) for finding in findings]


def score(gold: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_], findings: Sequence[str]) -> list[Score]:
    """One score a finding, then `micro` and `macro`; `gold` and `predicted` are reports x findings."""
    counts = np.stack([gold & predicted, ~gold & predicted, gold & ~predicted]).astype(np.int64)
    chance = np.random.default_rng(0)
    weights = chance.multinomial(len(gold), np.full(len(gold), 1 / max(len(gold), 1)), RESAMPLES)
    resampled = np.einsum("sr,krf->skf", weights, counts)
    known = gold.any(axis=0)
    once, often = counts.sum(axis=1), resampled
    scores = [_score(f, once[:, i], _ratios(once[:, i]), _ratios(often[:, :, i].T)) for i, f in enumerate(findings)]
    micro_once, micro_often = once[:, known].sum(axis=1), often[:, :, known].sum(axis=2)
    scores.append(_score("micro", micro_once, _ratios(micro_once), _ratios(micro_often.T)))
    with np.errstate(invalid="ignore"):
        macro_once = np.nan_to_num(_ratios(once[:, known])).mean(axis=1)
        macro_often = np.nan_to_num(_ratios(often[:, :, known].transpose(1, 0, 2))).mean(axis=2)
    scores.append(_score("macro", micro_once, macro_once, macro_often))
    return scores


def _ratios(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Precision, recall and F1 (first axis) of hits, false alarms and misses (first axis)."""
    hits, alarms, misses = counts.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([hits / (hits + alarms), hits / (hits + misses), 2 * hits / (2 * hits + alarms + misses)])


def _score(
    finding: str, counts: npt.NDArray[np.int64], ratios: npt.NDArray[np.float64], resampled: npt.NDArray[np.float64]
) -> Score:
    precisions, recalls, f1s = resampled
    intervals = _interval(precisions), _interval(recalls), _interval(f1s)
    hits, false_alarms, misses = map(int, counts)
    precision, recall, f1 = map(float, ratios)
    return Score(finding, hits, false_alarms, misses, precision, recall, f1, *intervals)


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def confusions(
    read: Mapping[str, ReadText], gold: Mapping[str, Mapping[str, bool]], findings: Sequence[str]
) -> Iterator[Confusion]:
    """Every false alarm and every miss, each mention of the finding in a row of its own with its sentence and its cue."""
    for name, report in read.items():
        for finding, is_predicted in zip(findings, predict(report, findings), strict=True):
            if is_predicted == gold[name][finding]:
                continue
            kind = "false alarm" if is_predicted else "miss"
            concepts = concepts_of_findings()[finding]
            mentions = [e for e in report.entities if e.concept in concepts]
            for e in mentions:
                sentence = _sentence(report, e)
                yield Confusion(name, finding, kind, e.text, sentence, e.section, e.assertion, e.cue)
            if not mentions:
                yield Confusion(name, finding, kind, "", "", "", "", None)


def _sentence(report: ReadText, entity: EntityRecord) -> str:
    for section in report.sections:
        if section.begin <= entity.begin < section.end:
            for at, unit in read_units(report.text, section.begin, section.end):
                if at + unit.sentence.begins[0] <= entity.begin < at + unit.sentence.ends[-1]:
                    return " ".join(unit.span(0, -1).split())
    return entity.text
