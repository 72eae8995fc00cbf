"""What is known of an image, a report, a study and a patient, asked by name and compared whole."""

from __future__ import annotations

from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from tests.support.api_client import code_of
from tests.support.hospital import EFFUSION, MODEL, NER, report_text, sha256

CODES = "presentCodes absentCodes uncertainCodes"


def test_an_image_has_everything_the_index_knows_of_it(ask):
    answer = ask(
        """{ image(id: "1.1") {
            id patient study reportId modality bodyPartExamined viewPosition laterality patientSex patientAgeYears studyDate
            thumbnailUrl frameUrl isRepresentative presentCodes absentCodes uncertainCodes tags report { id }
            provenance { sourceKey sha256 modelId modelVersion nerVersion indexSchemaVersion } } }"""
    )
    assert answer == {
        "data": {
            "image": {
                "id": "1.1",
                "patient": "p1",
                "study": "s1",
                "reportId": "s1",
                "modality": "DX",
                "bodyPartExamined": "CHEST",
                "viewPosition": "PA",
                "laterality": None,
                "patientSex": "FEMALE",
                "patientAgeYears": 52.0,
                "studyDate": "2019-03-04",
                "thumbnailUrl": "/thumbnails/p1/s1/1.1.png",
                "frameUrl": "/images/p1/s1/1.1.png",
                "isRepresentative": True,
                "presentCodes": ["J90"],
                "absentCodes": ["J93.9"],
                "uncertainCodes": [],
                "tags": ["Trial 7", "teaching"],
                "report": {"id": "s1"},
                "provenance": {
                    "sourceKey": "files/p1/s1/1.1.dcm",
                    "sha256": sha256("1.1"),
                    "modelId": MODEL["model_id"],
                    "modelVersion": MODEL["model_version"],
                    "nerVersion": NER,
                    "indexSchemaVersion": INDEX_SCHEMA_VERSION,
                },
            }
        }
    }


def test_an_images_detail_comes_from_the_warehouse(ask):
    answer = ask(
        """{ image(id: "1.2") { detail { rows columns frame frames fileBytes bitsStored photometricInterpretation pixelSpacingMm
            manufacturer manufacturerModelName kvp burnedInAnnotation studyTime instanceNumber seriesNumber
            attributes { label value unit } } } }"""
    )
    assert answer["data"]["image"]["detail"] == {
        "rows": 2544,
        "columns": 3056,
        "frame": 1,
        "frames": 1,
        "fileBytes": 5_000_000_000,
        "bitsStored": 12,
        "photometricInterpretation": "MONOCHROME2",
        "pixelSpacingMm": [0.139, 0.139],
        "manufacturer": "Acme",
        "manufacturerModelName": "Ray 7",
        "kvp": 120.0,
        "burnedInAnnotation": None,
        "studyTime": "12:30:00",
        "instanceNumber": 2,
        "seriesNumber": None,
        "attributes": [
            {"label": "Manufacturer", "value": "Acme", "unit": None},
            {"label": "Device model", "value": "Ray 7", "unit": None},
            {"label": "Tube voltage", "value": "120", "unit": "kV"},
            {"label": "Photometric interpretation", "value": "MONOCHROME2", "unit": None},
            {"label": "Pixel spacing", "value": "0.139 × 0.139", "unit": "mm"},
        ],
    }


def test_what_is_not_indexed_is_null(ask):
    assert ask('{ image(id: "9.9") { id } report(id: "s9") { id } study(patient: "p9", study: "s9") { study } }') == {
        "data": {"image": None, "report": None, "study": None}
    }


def test_a_report_has_its_sections_lists_codes_images_and_mentions(ask):
    answer = ask(
        f"""{{ report(id: "s1") {{
            id patient study text examination indication technique comparison findings impression {CODES} tags
            positiveDiagnoses negativeDiagnoses positiveIcd10cms negativeIcd10cms
            positiveSigns negativeSigns positiveSymptoms negativeSymptoms images {{ nodes {{ id }} }}
            provenance {{ sourceKey sha256 nerVersion }} }} }}"""
    )
    text = report_text(EFFUSION)
    assert answer == {
        "data": {
            "report": {
                "id": "s1",
                "patient": "p1",
                "study": "s1",
                "text": text,
                "examination": "CHEST RADIOGRAPH",
                "indication": "Shortness of breath.",
                "technique": None,
                "comparison": "None.",
                "findings": "Moderate left pleural effusion. There is no pneumothorax.",
                "impression": "Left effusion.",
                "presentCodes": ["J90"],
                "absentCodes": ["J93.9"],
                "uncertainCodes": [],
                "tags": ["Trial 7", "teaching"],
                "positiveDiagnoses": ["pleural effusion"],
                "negativeDiagnoses": ["pneumothorax"],
                "positiveIcd10cms": ["Pleural effusion, not elsewhere classified"],
                "negativeIcd10cms": ["Pneumothorax, unspecified"],
                "positiveSigns": [],
                "negativeSigns": [],
                "positiveSymptoms": [],
                "negativeSymptoms": [],
                "images": {"nodes": [{"id": "1.1"}, {"id": "1.2"}]},
                "provenance": {"sourceKey": "files/p1/s1.txt", "sha256": sha256(text), "nerVersion": NER},
            }
        }
    }


def test_mentions_say_where_they_stand_and_what_is_asserted(ask):
    answer = ask(
        """{ report(id: "s1") { entities {
            text begin end section concept category assertion cue icd10cmCode icd10cmDescription score } } }"""
    )
    begin = report_text(EFFUSION).index("pneumothorax")
    assert answer["data"]["report"]["entities"][1] == {
        "text": "pneumothorax",
        "begin": begin,
        "end": begin + len("pneumothorax"),
        "section": "findings",
        "concept": "pneumothorax",
        "category": "DIAGNOSIS",
        "assertion": "ABSENT",
        "cue": "no",
        "icd10cmCode": "J93.9",
        "icd10cmDescription": "Pneumothorax, unspecified",
        "score": 0.95,
    }


def test_a_report_says_how_it_was_read_and_how_likely_an_uncertain_mention_is(ask):
    answer = ask(
        """{ report(id: "s1") {
            reading { language notRead examModality examBodyParts categories recommendations isCommunicated }
            entities { certainty organ sizeMm priorSizeMm aboveCarinaMm spelling } } }"""
    )
    assert answer["data"]["report"]["reading"] == {
        "language": "English",
        "notRead": None,
        "examModality": "DX",
        "examBodyParts": ["chest"],
        "categories": ["Lung-RADS 2"],
        "recommendations": ["CT in 12 months"],
        "isCommunicated": False,
    }
    assert answer["data"]["report"]["entities"][1] == {
        "certainty": None,
        "organ": None,
        "sizeMm": None,
        "priorSizeMm": None,
        "aboveCarinaMm": None,
        "spelling": None,
    }


def test_a_study_has_its_images_as_acquired_and_its_reports(ask):
    answer = ask(
        '{ study(patient: "p1", study: "s1") { patient study images { nodes { id } } reports { id images { nodes { id } } } } }'
    )
    assert answer["data"]["study"] == {
        "patient": "p1",
        "study": "s1",
        "images": {"nodes": [{"id": "1.1"}, {"id": "1.2"}]},
        "reports": [{"id": "s1", "images": {"nodes": [{"id": "1.1"}, {"id": "1.2"}]}}],
    }
    unreported = ask('{ study(patient: "p3", study: "s4") { images { nodes { id report { id } } } reports { id } } }')
    assert unreported == {"data": {"study": {"images": {"nodes": [{"id": "4.1", "report": None}]}, "reports": []}}}


def test_a_report_tells_where_words_stand_in_each_of_its_texts(ask):
    answer = ask(
        """query ($q: String!) { reports: searchReports(query: $q) { nodes { id text findings impression
            all: matches(query: $q) { begin end } findingsOf: matches(query: $q, field: FINDINGS) { begin end }
            impressionOf: matches(query: $q, field: IMPRESSION) { begin end } } } }""",
        q="the effusions OPACITIES",
    )
    marked = {
        report["id"]: {
            field: [report[field][m["begin"] : m["end"]] for m in report[name]]
            for field, name in (("text", "all"), ("findings", "findingsOf"), ("impression", "impressionOf"))
        }
        for report in answer["data"]["reports"]["nodes"]
    }
    assert marked == {
        "s1": {"text": ["effusion", "effusion"], "findings": ["effusion"], "impression": ["effusion"]},
        "s2": {"text": ["Opacity", "effusion"], "findings": ["Opacity"], "impression": ["effusion"]},
        "s3": {"text": ["effusion"], "findings": [], "impression": ["effusion"]},
    }


def test_words_to_mark_are_limited_as_words_to_search(ask):
    query = 'query ($q: String!) { report(id: "s1") { matches(query: $q) { begin end } } }'
    assert ask(query, q="nowhere") == {"data": {"report": {"matches": []}}}
    assert code_of(ask(query, q="a" * 1001)) == "LIMIT_EXCEEDED"
    assert code_of(ask(query, q=" ".join(str(n) for n in range(257)))) == "BAD_USER_INPUT"


def test_a_patient_has_studies_images_and_reports(ask):
    query = """{ patient(patient: "p1") { patient
        studies { totalCount nodes { study reports { id } } }
        images { totalCount nodes { id } } reports { totalCount nodes { id } } } }"""
    assert ask(query)["data"]["patient"] == {
        "patient": "p1",
        "studies": {
            "totalCount": 2,
            "nodes": [{"study": "s1", "reports": [{"id": "s1"}]}, {"study": "s2", "reports": [{"id": "s2"}]}],
        },
        "images": {"totalCount": 3, "nodes": [{"id": "1.1"}, {"id": "1.2"}, {"id": "2.1"}]},
        "reports": {"totalCount": 2, "nodes": [{"id": "s1"}, {"id": "s2"}]},
    }
    unreported = ask(
        '{ patient(patient: "p3") { studies { nodes { study } } images { nodes { id } } reports { totalCount } } }'
    )
    assert unreported["data"]["patient"] == {
        "studies": {"nodes": [{"study": "s4"}]},
        "images": {"nodes": [{"id": "4.1"}]},
        "reports": {"totalCount": 0},
    }


def test_the_index_tells_what_it_holds(ask):
    assert ask("{ index { images reports studies modelId modelVersion dimensions } }") == {
        "data": {
            "index": {
                "images": 5,
                "reports": 3,
                "studies": 4,
                "modelId": "densenet121-imagenet",
                "modelVersion": "abc-1",
                "dimensions": 4,
            }
        }
    }
