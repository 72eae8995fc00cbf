"""Reports say what was drawn, in different words."""

import re

import pytest

from medsearch_pipeline.demo.cases import stream
from medsearch_pipeline.demo.landing import SEED
from medsearch_pipeline.demo.plan import plan_landing
from medsearch_pipeline.demo.reports import write_report

WORDS = {
    "pleural effusion": r"effusion",
    "pulmonary nodule": r"nodule",
    "cardiomegaly": r"cardiomegaly|enlarge",
    "pneumothorax": r"pneumothorax",
    "consolidation": r"consolidation",
}
DENIAL = r"\b(no|without|not)\b"
DOUBT = r"may represent|could represent|cannot be excluded|possible|suspicious for"
PASSED = r"resolved|cleared|resolution"

WRITTEN = [
    (study, write_report(study, patient.body, stream(SEED, "report", study.study_id)))
    for patient in plan_landing(64, SEED)
    for study in patient.studies
    if study.has_report
]
IDS = [study.study_id for study, _ in WRITTEN]


def sentences(report):
    """The sentences on what is seen, without the headings and the reason for the examination."""
    seen = re.split(r"FINDINGS:|IMPRESSION:", report.text)[1:] or [report.text]
    return [" ".join(s.split()) for part in seen for s in re.split(r"(?<=[a-z.])\.\s|\n \n| \d\. ", part)]


@pytest.mark.parametrize(("study", "report"), WRITTEN, ids=IDS)
def test_a_report_asserts_what_was_drawn_and_denies_the_rest(study, report):
    drawn, gone = {f.kind for f in study.findings}, {f.kind for f in study.resolved}
    stated = {kind for kind, assertion in report.mentions if assertion in {"present", "possible"}}
    assert stated == drawn
    assert {kind for kind, assertion in report.mentions if assertion == "historical"} == gone
    assert not {kind for kind, assertion in report.mentions if assertion == "absent"} & (drawn | gone)


@pytest.mark.parametrize(("study", "report"), WRITTEN, ids=IDS)
def test_the_wording_carries_the_assertion(study, report):
    said = sentences(report)
    for kind, word in WORDS.items():
        about = [s for s in said if re.search(word, s, re.IGNORECASE)]
        assertions = {assertion for k, assertion in report.mentions if k == kind} - {"hypothetical"}
        for sentence in about:
            if re.search(PASSED, sentence):
                assert "historical" in assertions, sentence
            elif re.search(DOUBT, sentence, re.IGNORECASE):
                assert "possible" in assertions, sentence
            elif re.search(rf"{DENIAL}[^.]*({word})", sentence, re.IGNORECASE):
                assert "absent" in assertions, sentence
            elif not re.search("document resolution", sentence):
                assert "present" in assertions, sentence
        assert bool(about) == bool(assertions), kind


def test_the_same_finding_is_said_in_many_ways():
    for kind, word in WORDS.items():
        ways = {s for _, report in WRITTEN for s in sentences(report) if re.search(word, s, re.IGNORECASE)}
        assert len(ways) >= 12, kind


def test_reports_come_in_several_forms():
    texts = [report.text for _, report in WRITTEN]
    assert all("FINAL REPORT" in text for text in texts)
    assert sum("FINDINGS:" in text for text in texts) > 0.5 * len(texts)
    assert sum("IMPRESSION:" in text and "FINDINGS:" not in text for text in texts) >= 5
    assert sum("IMPRESSION:" not in text for text in texts) >= 5
    assert sum("___" in text for text in texts) > 0.5 * len(texts)


def test_every_kind_of_assertion_occurs():
    assert {assertion for _, report in WRITTEN for _, assertion in report.mentions} == {
        "present", "absent", "possible", "historical", "hypothetical", "family",
    }  # fmt: skip


def test_the_demo_has_a_large_pleural_effusion_to_ask_for():
    assert any(study.images and "large" in r.text and ("pleural effusion", "present") in r.mentions for study, r in WRITTEN)
