"""The counting of the evaluation, on reports small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medsearch_core.reports.evaluation.scores import ABLATIONS, confusions, predict, score
from medsearch_core.reports.evaluation.texts import read_texts

FINDINGS = ["Effusion", "Pneumonia"]
TEXTS = {
    "a": "Effusion.",
    "b": "FINDINGS: No effusion. Possible pneumonia.",
    "c": "Clear.",
    "d": "IMPRESSION: Possible small effusion.",
}


def test_a_finding_is_predicted_where_it_is_present() -> None:
    assert {name: predict(report, FINDINGS) for name, report in read_texts(TEXTS).items()} == {
        "a": [True, False],
        "b": [False, False],
        "c": [False, False],
        "d": [False, False],
    }


@pytest.mark.parametrize(
    ("rules", "of_b", "of_d"),
    [
        ("all rules", [False, False], [False, False]),
        ("no negation", [True, False], [False, False]),
        ("no uncertainty", [False, True], [True, False]),
        ("no assertion", [True, True], [True, False]),
    ],
)
def test_an_ablation_reads_without_its_rules(rules: str, of_b: list[bool], of_d: list[bool]) -> None:
    read = read_texts(TEXTS)
    assert predict(read["b"], FINDINGS, ABLATIONS[rules]) == of_b
    assert predict(read["d"], FINDINGS, ABLATIONS[rules]) == of_d


def test_what_is_probable_is_present_unless_it_is_counted_as_any_other_doubt() -> None:
    read = read_texts({"e": "Probable pneumonia."})["e"]
    assert predict(read, FINDINGS) == [False, True]
    assert predict(read, FINDINGS, ABLATIONS["probable is uncertain"]) == [False, False]


def test_scores_count_hits_false_alarms_and_misses() -> None:
    gold = np.array([[1, 0], [1, 0], [0, 0], [1, 0]], dtype=bool)
    predicted = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=bool)
    effusion, pneumonia, micro, macro = score(gold, predicted, FINDINGS)
    assert (effusion.hits, effusion.false_alarms, effusion.misses) == (2, 1, 1)
    assert (effusion.precision, effusion.recall, effusion.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (pneumonia.hits, pneumonia.false_alarms, pneumonia.misses, pneumonia.precision) == (0, 1, 0, 0.0)
    assert math.isnan(pneumonia.recall)
    assert (micro.f1, macro.f1) == pytest.approx((2 / 3, 2 / 3))


def test_intervals_hold_their_value_repeat_and_narrow_with_more_reports() -> None:
    chance = np.random.default_rng(1)
    gold = chance.random((400, 1)) < 0.5
    predicted = gold ^ (chance.random((400, 1)) < 0.1)
    few, many = (score(gold[:n], predicted[:n], ["Effusion"])[0] for n in (50, 400))
    for found in (few, many):
        assert found.f1_interval[0] < found.f1 < found.f1_interval[1]
    assert many.f1_interval[1] - many.f1_interval[0] < few.f1_interval[1] - few.f1_interval[0]
    assert score(gold, predicted, ["Effusion"])[0] == many


def test_a_confusion_names_the_sentence_and_the_cue_that_decided() -> None:
    gold = {name: {"Effusion": name == "d", "Pneumonia": name == "c"} for name in TEXTS}
    assert [
        (c.report, c.finding, c.kind, c.sentence, c.assertion, c.cue) for c in confusions(read_texts(TEXTS), gold, FINDINGS)
    ] == [
        ("a", "Effusion", "false alarm", "Effusion", "present", None),
        ("c", "Pneumonia", "miss", "", "", None),
        ("d", "Effusion", "miss", "Possible small effusion", "uncertain", "Possible"),
    ]
