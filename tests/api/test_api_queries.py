"""Real queries over a real warehouse and index, compared whole."""

from __future__ import annotations

from api_world import EFFUSION, MODEL, NER, report_text, sha256

CODES = "presentCodes absentCodes uncertainCodes"
NEAR = "{ rank score image { id } }"


def ids(answer: dict, query: str = "similarImages") -> list[str]:
    return [hit["image"]["id"] for hit in answer["data"][query]]


def test_an_image_has_everything_the_index_knows_of_it(ask):
    answer = ask(
        """{ image(id: "1.1") {
            id patient study reportId modality bodyPartExamined viewPosition laterality patientSex patientAgeYears studyDate
            thumbnailUrl isRepresentative presentCodes absentCodes uncertainCodes tags report { id }
            provenance { sourceKey sha256 modelId modelVersion } } }"""
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
                },
            }
        }
    }


def test_an_images_detail_comes_from_the_warehouse(ask):
    answer = ask(
        """{ image(id: "1.2") { detail { rows columns frame frames fileBytes bitsStored photometricInterpretation pixelSpacingMm
            manufacturer manufacturerModelName kvp burnedInAnnotation studyTime instanceNumber seriesNumber } } }"""
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
            positiveSigns negativeSigns positiveSymptoms negativeSymptoms images {{ id }}
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
                "images": [{"id": "1.1"}, {"id": "1.2"}],
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


def test_a_study_has_its_images_as_acquired_and_its_reports(ask):
    answer = ask('{ study(patient: "p1", study: "s1") { patient study images { id } reports { id images { id } } } }')
    assert answer["data"]["study"] == {
        "patient": "p1",
        "study": "s1",
        "images": [{"id": "1.1"}, {"id": "1.2"}],
        "reports": [{"id": "s1", "images": [{"id": "1.1"}, {"id": "1.2"}]}],
    }
    unreported = ask('{ study(patient: "p3", study: "s4") { images { id report { id } } reports { id } } }')
    assert unreported == {"data": {"study": {"images": [{"id": "4.1", "report": None}], "reports": []}}}


def test_reports_are_found_by_words_best_first(ask):
    answer = ask('{ searchReports(query: "cardiomegaly") { total hits { score report { id } } } }')
    (hit,) = answer["data"]["searchReports"]["hits"]
    assert (answer["data"]["searchReports"]["total"], hit["report"]["id"]) == (1, "s3")
    assert hit["score"] > 0


def test_quotes_operators_and_braces_in_the_words_are_only_text(ask):
    answer = ask("query ($q: String!) { searchReports(query: $q) { total } }", q="\"AND (cardiomegaly) OR NOT {x:1} *\\ '")
    assert answer == {"data": {"searchReports": {"total": 1}}}


def test_no_words_list_all_reports_by_id_in_pages(ask):
    query = "query ($o: Int!) { searchReports(offset: $o, limit: 2) { total hits { score report { id } } } }"
    assert ask(query, o=0)["data"]["searchReports"] == {
        "total": 3,
        "hits": [{"score": 0, "report": {"id": "s1"}}, {"score": 0, "report": {"id": "s2"}}],
    }
    assert ask(query, o=2)["data"]["searchReports"] == {"total": 3, "hits": [{"score": 0, "report": {"id": "s3"}}]}


def test_fields_say_where_words_are_looked_for(ask):
    query = 'query ($f: [ReportField!]) { searchReports(query: "breath", fields: $f) { total } }'
    assert ask(query)["data"]["searchReports"] == {"total": 0}
    assert ask(query, f=["REPORT"])["data"]["searchReports"] == {"total": 1}


def test_filters_narrow_reports(ask):
    query = "query ($f: Filters!) { searchReports(filters: $f) { hits { report { id } } } }"

    def found(**filters):
        return [hit["report"]["id"] for hit in ask(query, f=filters)["data"]["searchReports"]["hits"]]

    assert found(present=["J90"]) == ["s1"]
    assert found(absent=["J90"]) == ["s3"]
    assert found(uncertain=["J18"]) == ["s2"]
    assert found(views=["LATERAL"]) == ["s1"]
    assert found(sexes=["MALE"]) == ["s3"]
    assert found(minAgeYears=60) == ["s3"]
    assert found(fromDate="2019-05-01") == ["s2"]
    assert found(patients=["p1"], withoutStudies=["s1"]) == ["s2"]
    assert found(tags=["teaching", "unknown"]) == ["s1"]
    assert found(tags=["TEACHING"]) == []
    assert found(reports=["s2", "s3"]) == ["s2", "s3"]
    assert found(withoutReports=["s2"]) == ["s1", "s3"]
    assert found(withoutImages=["1.1"]) == ["s1", "s2", "s3"]


def test_similar_images_come_nearest_first_without_the_image_itself(ask):
    assert ask(f'{{ similarImages(imageId: "1.1", k: 3) {NEAR} }}') == {
        "data": {
            "similarImages": [
                {"rank": 1, "score": 0.8, "image": {"id": "2.1"}},
                {"rank": 2, "score": 0.6, "image": {"id": "3.1"}},
                {"rank": 3, "score": 0.0, "image": {"id": "1.2"}},
            ]
        }
    }


def test_the_image_itself_is_kept_on_request_and_left_out_at_every_k(ask):
    assert ids(ask(f'{{ similarImages(imageId: "1.1", k: 2, includeSelf: true) {NEAR} }}')) == ["1.1", "2.1"]
    assert ids(ask(f'{{ similarImages(imageId: "1.1", k: 500) {NEAR} }}')) == ["2.1", "3.1", "1.2", "4.1"]
    elsewhere = f'{{ similarImages(imageId: "1.1", k: 500, filters: {{studies: ["s3"]}}) {NEAR} }}'
    assert ids(ask(elsewhere)) == ["3.1"]


def test_the_same_patient_or_study_can_be_left_out(ask):
    assert ids(ask(f'{{ similarImages(imageId: "1.1", excludeSamePatient: true) {NEAR} }}')) == ["3.1", "4.1"]
    assert ids(ask(f'{{ similarImages(imageId: "1.1", excludeSameStudy: true) {NEAR} }}')) == ["2.1", "3.1", "4.1"]


def test_similar_images_obey_filters(ask):
    def like(filters):
        return ids(ask(f'{{ similarImages(imageId: "1.1", filters: {{{filters}}}) {NEAR} }}'))

    assert like('absent: ["J90"]') == ["3.1"]
    assert like('tags: ["Trial 7"]') == ["1.2"]
    assert like('reports: ["s2", "s3"]') == ["2.1", "3.1"]
    assert like('withoutReports: ["s2"]') == ["3.1", "1.2", "4.1"]
    assert like('withoutImages: ["3.1", "4.1"]') == ["2.1", "1.2"]


def test_similar_images_come_in_pages_whose_ranks_go_on(ask):
    paged = 'query ($o: Int!) { similarImages(imageId: "1.1", k: 2, offset: $o) { rank image { id } } }'
    assert [(h["rank"], h["image"]["id"]) for h in ask(paged, o=0)["data"]["similarImages"]] == [(1, "2.1"), (2, "3.1")]
    assert [(h["rank"], h["image"]["id"]) for h in ask(paged, o=2)["data"]["similarImages"]] == [(3, "1.2"), (4, "4.1")]
    assert ask(paged, o=4) == {"data": {"similarImages": []}}
    assert ids(ask(f"{{ similarImages(vector: [1, 0, 0, 0], k: 1, offset: 1) {NEAR} }}")) == ["2.1"]
    assert ids(ask(f'{{ similarImages(imageId: "1.1", k: 1, offset: 1, excludeSamePatient: true) {NEAR} }}')) == ["4.1"]


def test_a_vector_finds_images_too(ask):
    answer = ask(f"{{ similarImages(vector: [0, 0, 0, 2], k: 1) {NEAR} }}")
    assert answer == {"data": {"similarImages": [{"rank": 1, "score": 1.0, "image": {"id": "4.1"}}]}}


def test_facets_count_reports_and_name_codes(ask):
    answer = ask(
        """{ absent: facets(field: ABSENT_CODES) { value label count }
            views: facets(field: VIEWS, size: 1) { value label count }
            tags: facets(field: TAGS) { value count }
            some: facets(field: PRESENT_CODES, query: "cardiomegaly", filters: {sexes: [MALE]}) { value count } }"""
    )
    assert answer["data"]["absent"][0] == {"value": "J90", "label": "Pleural effusion, not elsewhere classified", "count": 1}
    assert answer["data"]["views"] == [{"value": "PA", "label": None, "count": 3}]
    assert answer["data"]["tags"] == [{"value": "Trial 7", "count": 1}, {"value": "teaching", "count": 1}]
    assert answer["data"]["some"] == [{"value": "I51.7", "count": 1}]


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
