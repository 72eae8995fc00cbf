from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsearch_core.reports.text.sections import split_sections


def named(text: str) -> list[tuple[str, str]]:
    return [(s.name, " ".join(text[s.begin : s.end].split())) for s in split_sections(text)]


def test_every_kind_of_section_is_found_in_any_order_and_case() -> None:
    text = (
        "FINAL REPORT\nImpression: No change.\nEXAM: Chest.\nReason for exam: Cough.\nTECHNIQUE: PA.\n"
        "comparison: None.\nFINDINGS: Clear.\nADDENDUM: Added.\nWET READ: Early.\nNOTIFICATION: Called."
    )
    assert named(text) == [
        ("impression", "No change."),
        ("examination", "Chest."),
        ("indication", "Cough."),
        ("technique", "PA."),
        ("comparison", "None."),
        ("findings", "Clear."),
        ("addendum", "Added."),
        ("wet read", "Early."),
        ("notification", "Called."),
    ]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("STUDY", "examination"),
        ("HISTORY", "indication"),
        ("REASON FOR EXAMINATION", "indication"),
        ("CLINICAL INFORMATION", "indication"),
        ("Clinical  history", "indication"),
        ("CONCLUSION", "impression"),
        ("FINDINGS AND IMPRESSION", "findings and impression"),
        ("Findings/Impression", "findings and impression"),
        ("ADDENDUM (a day later)", "addendum"),
        ("ADDENDUM #2", "addendum"),
    ],
)
def test_a_header_is_known_by_any_of_its_names(header: str, name: str) -> None:
    assert named(f"{header}: No effusion.") == [(name, "No effusion.")]


def test_headers_in_capitals_split_a_single_line() -> None:
    assert named("INDICATION: Cough. FINDINGS: Clear. IMPRESSION: Normal.") == [
        ("indication", "Cough."),
        ("findings", "Clear."),
        ("impression", "Normal."),
    ]


def test_a_header_without_a_colon_may_stand_on_its_own_line() -> None:
    assert named("FINDINGS\r\nClear.\r\n  IMPRESSION  \r\nNormal.") == [("findings", "Clear."), ("impression", "Normal.")]


@pytest.mark.parametrize(
    "text",
    [
        "Findings: Clear. Impression: Normal.",
        "findings - Clear.\nimpression - Normal.",
        "FINDINGS Clear.\nIMPRESSION Normal.",
        "**Findings**: Clear.\n**Impression:** Normal.",
        "1. FINDINGS: Clear.\n2. IMPRESSION: Normal.",
        "Findings\nClear.\nImpression\nNormal.",
        "FINDINGS: Clear. IMPRESSION: Normal.",
    ],
)
def test_headers_are_known_in_the_forms_they_are_typed_in(text: str) -> None:
    assert named(text) == [("findings", "Clear."), ("impression", "Normal.")]


def test_two_reports_in_one_file_keep_their_sections_apart() -> None:
    one, other = "FINAL REPORT\nFINDINGS: Clear.\n", "FINAL REPORT\nHISTORY: ___.\nFINDINGS: Effusion.\n"
    assert named(one + "______\n" + other) == [
        ("findings", "Clear. ______"),
        ("indication", "___."),
        ("findings", "Effusion."),
    ]


def test_a_word_inside_a_sentence_is_not_a_header() -> None:
    text = "FINDINGS: In comparison with the old study the findings are stable. History is limited."
    assert [name for name, _ in named(text)] == ["findings"]


def test_a_report_without_headers_is_one_unnamed_section() -> None:
    assert named("The lungs are clear.") == [("", "The lungs are clear.")]


def test_prose_after_an_introductory_section_is_not_part_of_it() -> None:
    assert named("COMPARISON: None.\n\nThere is an effusion.\n\nIMPRESSION: Effusion.") == [
        ("comparison", "None."),
        ("", "There is an effusion."),
        ("impression", "Effusion."),
    ]


def test_a_long_indication_stays_whole_where_findings_have_a_header() -> None:
    assert named("INDICATION: Cough.\n\nPrior pneumonia.\n\nFINDINGS: Clear.") == [
        ("indication", "Cough. Prior pneumonia."),
        ("findings", "Clear."),
    ]


@given(st.text(st.sampled_from("FINDGSIMPREO: \n\t.()#a1"), max_size=200))
def test_sections_lie_in_order_and_do_not_overlap(text: str) -> None:
    sections = split_sections(text)
    assert all(0 <= s.begin < s.end <= len(text) for s in sections)
    assert all(a.end <= b.begin for a, b in pairwise(sections))


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        (
            "CLINICAL: Cough.\nThere is a consolidation.\nIMP: Pneumonia.",
            [("indication", "Cough."), ("", "There is a consolidation."), ("impression", "Pneumonia.")],
        ),
        ("TECHNIQUE: PA\nLungs are large.", [("technique", "PA"), ("", "Lungs are large.")]),
        ("Procedure: CT chest. The lungs are clear.", [("examination", "CT chest."), ("", "The lungs are clear.")]),
        (
            "HX: Known cancer of the\nleft lung.\nIMPR: Clear.",
            [("indication", "Known cancer of the left lung."), ("impression", "Clear.")],
        ),
        ("HX: Fever.\nEvaluate for pneumonia.", [("indication", "Fever. Evaluate for pneumonia.")]),
        ("HX: Fever. There is concern for pneumonia.", [("indication", "Fever. There is concern for pneumonia.")]),
        ("HX: Fever.\nPatchy opacity.\nFIND: Clear.", [("indication", "Fever. Patchy opacity."), ("findings", "Clear.")]),
    ],
)
def test_a_statement_of_what_is_seen_ends_an_introduction(text: str, sections: list[tuple[str, str]]) -> None:
    assert named(text) == sections
