from __future__ import annotations

import hashlib
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.columns import table_of
from medsearch_core.errors import BadInput
from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports.read import NER_VERSION, read_report

REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  Woman with cough.  Evaluate for
 pneumonia.

 COMPARISON:  None.

 FINDINGS:

 The heart is mildly enlarged.  There is a small right pleural effusion. No
 pneumothorax.  The lungs are clear.

 IMPRESSION:

 1. Cardiomegaly.
 2. Possible pneumonia.
"""

PIECES = st.sampled_from(
    [
        "no ",
        "no large ",
        "new ",
        "left ",
        "endotracheal tube ",
        "tip above the carina ",
        "not ",
        "may represent ",
        "possible ",
        "old ",
        "effusion ",
        "effusions ",
        "pneumothorax ",
        "heart ",
        "lungs ",
        "are ",
        "clear ",
        "enlarged ",
        "but ",
        "versus ",
        "resolved ",
        "FINDINGS: ",
        "IMPRESSION: ",
        "INDICATION: ",
        "\n",
        "Comparison: ",
        ". ",
        ", ",
        "; ",
        "\r\n",
        "\n\n",
        "\n1. ",
        "é",
        "ß ",
        "\u2013",
        "İ ",
        "___ ",
        "rib fracture ",
        "right ",
        "nodule ",
        "cannot exclude ",
        "is not seen ",
        "ADDENDUM: ",
        "FINAL REPORT\n",
    ]
)


def lists(report: ReportRecord) -> dict[str, list[str]]:
    names = [f"{sign}_{kind}" for sign in ("positive", "negative") for kind in ("diagnoses", "icd10cms", "signs", "symptoms")]
    names += ["present_codes", "absent_codes", "uncertain_codes"]
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_a_report_becomes_one_row_with_its_sections_and_lists(read) -> None:
    report, _ = read(REPORT)
    assert report.text == REPORT
    assert report.sha256 == hashlib.sha256(REPORT.encode()).hexdigest()
    assert (report.encoding, report.ner_version) == ("utf-8", NER_VERSION)
    assert report.examination == "CHEST (PA AND LAT)"
    assert report.indication == "Woman with cough. Evaluate for pneumonia."
    assert report.technique is None
    assert report.comparison == "None."
    assert report.impression == "1. Cardiomegaly. 2. Possible pneumonia."
    assert lists(report) == {
        "positive_diagnoses": ["cardiomegaly", "pleural effusion"],
        "positive_icd10cms": ["Cardiomegaly", "Cough, unspecified", "Pleural effusion, not elsewhere classified"],
        "positive_symptoms": ["cough"],
        "negative_diagnoses": ["pneumothorax"],
        "negative_icd10cms": ["Other nonspecific abnormal finding of lung field", "Pneumothorax, unspecified"],
        "negative_signs": ["consolidation", "lung infiltrate", "lung opacity"],
        "present_codes": ["I51.7", "J90", "R05.9"],
        "absent_codes": ["J93.9", "R91.8"],
        "uncertain_codes": ["J18.9"],
    }


def test_rows_fit_the_data_contract(read) -> None:
    report, entities = read(REPORT)
    assert table_of(ReportRecord, [report]).num_rows == 1
    assert table_of(EntityRecord, entities).num_rows == len(entities)


def test_a_report_without_headers_is_kept_as_findings(read) -> None:
    report, _ = read("Small left effusion.\nNo pneumothorax.")
    assert report.findings == "Small left effusion. No pneumothorax."
    assert (report.positive_diagnoses, report.negative_diagnoses) == (["pleural effusion"], ["pneumothorax"])


def test_findings_and_impression_fill_both_columns(read) -> None:
    report, _ = read("FINDINGS AND IMPRESSION: Small effusion.")
    assert report.findings == report.impression == "Small effusion."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FINDINGS: Effusion.\nIMPRESSION: No effusion.", {"negative_diagnoses": ["pleural effusion"]}),
        ("IMPRESSION: No effusion.\nFINDINGS: Effusion.", {"negative_diagnoses": ["pleural effusion"]}),
        ("IMPRESSION: No effusion.\nADDENDUM: Small effusion.", {"positive_diagnoses": ["pleural effusion"]}),
        ("WET READ: Effusion.\nFINDINGS: No effusion.", {"negative_diagnoses": ["pleural effusion"]}),
        ("No right effusion. Small left effusion.", {"positive_diagnoses": ["pleural effusion"]}),
        ("FINDINGS: Effusion.\nIMPRESSION: Possible effusion.", {}),
        ("FINDINGS: No effusion.\nIMPRESSION: History of effusion.", {"negative_diagnoses": ["pleural effusion"]}),
        ("Old rib fracture.", {}),
        ("FINDINGS: Small effusion.\nIMPRESSION: No large effusion.", {"positive_diagnoses": ["pleural effusion"]}),
        ("FINDINGS: Right effusion.\nIMPRESSION: No left effusion.", {"positive_diagnoses": ["pleural effusion"]}),
        ("FINDINGS: Right effusion.\nIMPRESSION: No right effusion.", {"negative_diagnoses": ["pleural effusion"]}),
        ("FINDINGS: Effusion.\nIMPRESSION: No new effusion.", {"positive_diagnoses": ["pleural effusion"]}),
        ("IMPRESSION: No large effusion.", {"negative_diagnoses": ["pleural effusion"]}),
        ("FINDINGS: Effusion.\nADDENDUM: No effusion.\nADDENDUM: Effusion.", {"positive_diagnoses": ["pleural effusion"]}),
        (
            "FINAL REPORT\nIMPRESSION: Effusion.\n\nFINAL REPORT\nIMPRESSION: No effusion.",
            {"negative_diagnoses": ["pleural effusion"]},
        ),
    ],
)
def test_a_concept_has_one_status_per_report(text: str, expected: dict[str, list[str]], read) -> None:
    found = {name: names for name, names in lists(read(text)[0]).items() if name.endswith("diagnoses")}
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FINDINGS: Effusion.\nIMPRESSION: No effusion.", ["pleural effusion: absent in impression, present in findings"]),
        ("Effusion. No effusion.", ["pleural effusion: absent in the text, present in the text"]),
        ("FINDINGS: Small effusion.\nIMPRESSION: No large effusion.", []),
        ("Right effusion. No left effusion.", []),
        ("FINDINGS: Effusion.\nIMPRESSION: Possible effusion.", []),
        ("FINDINGS: Consolidation. The lungs are clear.", []),
    ],
)
def test_what_is_both_asserted_and_denied_outright_is_recorded(text: str, expected: list[str], read) -> None:
    assert read(text)[0].conflicts == expected


def test_devices_are_in_no_list_and_their_codes_are(read) -> None:
    assert lists(read("Left pacemaker. No effusion.")[0]) == {
        "negative_diagnoses": ["pleural effusion"],
        "positive_icd10cms": ["Presence of cardiac pacemaker"],
        "negative_icd10cms": ["Pleural effusion, not elsewhere classified"],
        "present_codes": ["Z95.0"],
        "absent_codes": ["J90"],
    }


def test_every_linked_mention_says_its_release_and_that_its_code_is_billable(read) -> None:
    _, entities = read("Effusion. Low lung volumes.")
    assert [(e.icd10cm_code, e.icd10cm_release, e.icd10cm_billable) for e in entities] == [
        ("J90", "April 2026", True),
        (None, None, None),
    ]


def test_a_statement_of_normality_never_outranks_a_mention(read) -> None:
    report, _ = read("FINDINGS: Pneumonia.\nIMPRESSION: No acute cardiopulmonary process.")
    assert report.positive_diagnoses == ["pneumonia"]
    assert "pneumonia" not in report.negative_diagnoses


def test_a_code_shared_by_two_concepts_is_listed_once(read) -> None:
    report, _ = read("Patchy opacity. No mass. Possible infiltrate.")
    assert (report.present_codes, report.absent_codes, report.uncertain_codes) == (["R91.8"], [], [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Right rib fracture.", "S22.31XA"),
        ("Multiple left rib fractures.", "S22.42XA"),
        ("Rib fracture.", "S22.39XA"),
        ("Acute pulmonary edema.", "J81.0"),
        ("Tension pneumothorax.", "J93.0"),
        ("Solitary nodule.", "R91.1"),
        ("Lung nodules.", "R91.8"),
        ("Left clavicle fracture.", "S42.002A"),
        ("Clavicle fracture on the left.", "S42.002A"),
        ("Chronic edema.", "J81.1"),
        ("Aneurysm of the ascending aorta.", "I71.21"),
    ],
)
def test_side_number_and_acuity_choose_the_code(text: str, code: str, read) -> None:
    assert read(text)[0].present_codes == [code]


def test_low_lung_volumes_have_no_code(read) -> None:
    report, [entity] = read("Low lung volumes.")
    assert report.positive_signs == ["low lung volumes"]
    assert (entity.icd10cm_code, entity.icd10cm_description, entity.score) == (None, None, 0.5)


def assert_consistent(report: ReportRecord, entities: list[EntityRecord]) -> None:
    for entity in entities:
        assert report.text[entity.begin : entity.end] == entity.text
    for kind in ("diagnoses", "icd10cms", "signs", "symptoms"):
        positive, negative = getattr(report, f"positive_{kind}"), getattr(report, f"negative_{kind}")
        assert set(positive).isdisjoint(negative)
        assert positive == sorted(set(positive))
        assert negative == sorted(set(negative))
    codes = [*report.present_codes, *report.absent_codes, *report.uncertain_codes]
    assert len(codes) == len(set(codes))


@given(st.lists(PIECES, max_size=60))
@settings(max_examples=300, deadline=None)
def test_offsets_are_exact_and_lists_never_contradict_each_other(pieces: list[str]) -> None:
    text = "x " + "".join(pieces)
    assert_consistent(*read_report(text.encode(), report_id="s1", patient="p1", study="s1", key="k"))


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        report, entities = read_report(data, report_id="s1", patient="p1", study="s1", key="k")
    except BadInput:
        return
    assert_consistent(report, entities)


@pytest.mark.parametrize(
    "pattern",
    [
        "no effusion ", "heart ", "heart normal enlarged ", "possible ", "\n", " ", "a\n \n", "FINDINGS", "FINDINGS ",
        "FINDINGS (", "IMPRESSION: ", "? ", "| ", "(", "[ ] effusion ", "period ",
        "A: ", "left and right ", "mass ", "effusion or ",
        "1.", "- \n", "fracture of rib ", "not resolved nodule and ", "lung a b c clear ",
        "(-) effusion ", "- ptx. ", "+ effusion, - ptx. ", "Effusion: left none. right small. ",
        "effusion L4-5. no effusion L3-4. ",
        "left effusion resolved; the right one persists; ", "mass left ", "nodule 8 mm, was 6 mm ", "HX: a\nIMP ", "HX: A\nB ",
    ],
)  # fmt: skip
def test_four_times_the_text_takes_about_four_times_the_time(pattern: str) -> None:
    def seconds(size: int) -> float:
        data = b"x " + (pattern * (size // len(pattern))).encode()
        start = time.process_time()
        read_report(data, report_id="s1", patient="p1", study="s1", key="k")
        return time.process_time() - start

    small, large = (min(seconds(size) for _ in range(3)) for size in (25_000, 100_000))
    assert large < 10 * small + 0.05, "16 times would be quadratic"


def test_reading_needs_no_icd_package_and_no_natural_language_library() -> None:
    script = "import sys, medsearch_core.reports.read; print([m for m in sys.modules if m in ('simple_icd_10_cm', 'spacy')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_report_in_another_language_is_named_and_nothing_is_read_of_it(read) -> None:
    report, entities = read("Befund: Kein Pneumothorax. Kein Pleuraerguss. Emphysem der Lunge.")
    assert (report.language, report.not_read, entities) == ("German", "language: German", [])
    assert (report.positive_diagnoses, report.negative_diagnoses, report.present_codes) == ([], [], [])
    assert report.findings is not None


def test_what_is_probable_is_in_the_lists_and_what_is_only_possible_is_not(read) -> None:
    report, entities = read("FINDINGS: Probable pneumonia. Possible effusion. Edema is unlikely.")
    assert report.positive_diagnoses == ["pneumonia"]
    assert {e.concept: e.certainty for e in entities} == {
        "pneumonia": "probable",
        "pleural effusion": "possible",
        "pulmonary edema": "unlikely",
    }
    assert report.uncertain_codes == ["J81.1", "J90"]


@pytest.mark.parametrize(
    ("text", "concept", "organ"),
    [
        ("FINDINGS: 3 cm mass.", "lung mass", "lung"),
        ("EXAMINATION: CT abdomen.\nFINDINGS: Liver: 3 cm mass in segment 7.", "liver mass", "liver"),
        ("EXAMINATION: MRI brain.\nFINDINGS: 3 cm mass.", "brain mass", "brain"),
        ("EXAMINATION: Mammogram.\nFINDINGS: 1 cm mass.", "breast mass", "breast"),
        ("EXAMINATION: Chest CT.\nFINDINGS: 12 mm nodule of the left adrenal gland.", "adrenal nodule", "adrenal gland"),
    ],
)
def test_a_term_that_any_organ_may_have_is_of_the_organ_that_is_named_or_was_examined(
    text: str, concept: str, organ: str, read
) -> None:
    _, [entity] = read(text)
    assert (entity.concept, entity.organ) == (concept, organ)


def test_a_report_says_what_was_examined_or_dicom_does() -> None:
    def examined(text: str, modality: str | None = None, body_part: str | None = None) -> tuple[str | None, list[str]]:
        def described() -> tuple[str | None, str | None, str | None]:
            return modality, body_part, None

        report, _ = read_report(text.encode(), report_id="s1", patient="p1", study="s1", key="k", described=described)
        return report.exam_modality, list(report.exam_body_parts or ())

    assert examined("EXAMINATION: CT of the chest.\nFINDINGS: Clear.", "MR", "HEAD") == ("CT", ["chest"])
    assert examined("FINDINGS: Normal.", "MR", "HEAD") == ("MR", ["head"])
    assert examined("FINDINGS: Normal.") == (None, [])


def test_a_misspelled_mention_says_what_it_was_read_as(read) -> None:
    _, [entity] = read("FINDINGS: Small left pnuemothorax.")
    assert (entity.concept, entity.text, entity.spelling) == ("pneumothorax", "pnuemothorax", "pneumothorax")


def test_sizes_categories_recommendations_and_communication_are_columns(read) -> None:
    text = (
        "EXAMINATION: Chest CT.\nFINDINGS: 8 mm nodule in the right upper lobe, previously 6 mm. No effusion.\n"
        "IMPRESSION: Lung-RADS 4A. CT is recommended in 3 months. Discussed with Dr. A by telephone."
    )
    report, entities = read(text)
    assert {e.concept: (e.size_mm, e.prior_size_mm) for e in entities} == {
        "pulmonary nodule": (8.0, 6.0),
        "pleural effusion": (None, None),
    }
    assert (report.categories, report.recommendations, report.is_communicated) == (["Lung-RADS 4A"], ["CT in 3 months"], True)


def test_a_sign_in_brackets_denies_what_follows(read) -> None:
    _, entities = read("FINDINGS: [-] nodules, [+] effusion")
    assert {e.concept: e.assertion for e in entities} == {"pulmonary nodule": "absent", "pleural effusion": "present"}


def test_a_label_with_a_value_for_each_side_is_a_row_for_each(read) -> None:
    report, entities = read("FINDINGS: Pneumothorax: Right: none. Left: small.")
    assert [(e.assertion, e.laterality, e.severity) for e in entities] == [
        ("present", "left", "mild"),
        ("absent", "right", None),
    ]
    assert (report.positive_diagnoses, report.conflicts) == (["pneumothorax"], [])


@pytest.mark.parametrize(
    ("text", "is_conflict"),
    [
        ("Disc herniation at L4-5. No disc herniation at L3-4.", False),
        ("Disc herniation at L4-L5. No disc herniation at L4-5.", True),
        ("Thrombosis above the knee. No thrombosis below the knee.", False),
        ("Nodule in the right upper lobe. No nodule in the lower lobes.", False),
        ("Nodule in the right upper lobe. No nodule.", True),
    ],
)
def test_what_is_denied_of_another_place_is_no_conflict(text: str, is_conflict: bool, read) -> None:
    assert bool(read(text)[0].conflicts) is is_conflict
