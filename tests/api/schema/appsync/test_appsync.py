"""Clients of AWS's sample "medical image search" are answered as they ask: its queries, its names, its nullability."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.schema.appsync.s3_objects import S3Location
from medsearch_core.search.documents import study_documents
from medsearch_core.search.embedded.index import open_embedded
from tests.support.api_client import code_of, local_client, settings_of
from tests.support.appsync_client import ROWS, SECTIONS_AND_LISTS, asked_at
from tests.support.hospital import (
    EFFUSION,
    HEART,
    PNEUMONIA,
    UNREPORTED,
    Mention,
    StudyOf,
    embedding_records,
    fill,
    image_records,
    report_record,
)
from tests.support.oidc_settings import oidc_settings

EFFUSION_CODE, HEART_CODE = "Pleural effusion, not elsewhere classified", "Cardiomegaly"
PNEUMOTHORAX_CODE = "Pneumothorax, unspecified"


def image(image_id: str, study: StudyOf, **others: Any) -> dict[str, Any]:
    key = f"thumbnails/{study.patient}/{study.study}/{image_id}.png"
    return {"ReportId": study.study if study.sections else None, "ImageId": image_id, "Bucket": None, "Key": key} | others


def test_the_search_page_opens_with_all_reports_and_all_counts(sample):
    reports = sample(f"query {{ listReports(from:0, size:100) {ROWS} }}")
    assert [r["Impression"] for r in reports] == [s.sections["impression"] for s in (EFFUSION, PNEUMONIA, HEART)]
    assert [r["Findings"] for r in reports] == [s.sections["findings"] for s in (EFFUSION, PNEUMONIA, HEART)]
    assert reports[0]["Images"] == [image("1.1", EFFUSION), image("1.2", EFFUSION)]
    assert reports[2] == {
        "Impression": HEART.sections["impression"],
        "Findings": HEART.sections["findings"],
        "PositiveSigns": ["enlarged heart"],
        "NegativeSigns": ["opacity"],
        "PositiveDiagnoses": ["cardiomegaly"],
        "NegativeDiagnoses": ["pleural effusion"],
        "PositiveSymptoms": ["dyspnea"],
        "NegativeSymptoms": ["cough"],
        "Images": [image("3.1", HEART)],
    }
    assert sample("query { getAllPositiveICD10CMs { key doc_count } }") == [
        {"key": HEART_CODE, "doc_count": 1},
        {"key": EFFUSION_CODE, "doc_count": 1},
    ]
    assert sample("query { getAllNegativeICD10CMs { key doc_count } }") == [
        {"key": EFFUSION_CODE, "doc_count": 1},
        {"key": PNEUMOTHORAX_CODE, "doc_count": 1},
    ]


def test_the_search_page_searches(sample):
    found = sample(f"query($searchQuery: String) {{ searchReports(input: $searchQuery) {ROWS} }}", searchQuery="cardiomegaly")
    assert [r["Images"] for r in found] == [[image("3.1", HEART)]]
    for sign, code in (("Positive", HEART_CODE), ("Negative", EFFUSION_CODE)):
        query = f"query($searchQuery: String) {{ get{sign}ICD10CMs(input: $searchQuery) {{ key doc_count }} }}"
        assert sample(query, searchQuery="cardiomegaly") == [{"key": code, "doc_count": 1}]


@pytest.mark.parametrize(
    "text", ['"cardiomegaly"', "+cardiomegaly -effusions (", 'cardiomegaly", "fields": ["*"]', "cardiomegaly}"]
)
def test_quotes_and_operators_are_text(sample, text):
    found = sample("query($q: String) { searchReports(input: $q) { ReportId } }", q=text)
    assert found[0] == {"ReportId": "s3"}


@pytest.mark.parametrize("text", ["", "  ", "the", "?", None])
def test_without_a_word_nothing_is_found_or_counted(sample, text):
    assert sample("query($q: String) { searchReports(input: $q) { ReportId } }", q=text) == []
    assert sample("query($q: String) { getPositiveICD10CMs(input: $q) { key } }", q=text) == []


def test_the_image_page_shows_an_image_its_report_and_images_like_it(sample):
    shown = sample(
        """query($imageid: String) { getImage(ImageId: $imageid) {
            ReportId ImageId Bucket Key BodyPartExamined Modality ViewPosition } }""",
        imageid="1.1",
    )
    assert shown == image("1.1", EFFUSION, BodyPartExamined="CHEST", Modality="DX", ViewPosition="PA")
    report = sample(
        f"query($reportid: String) {{ getReport(ReportId: $reportid) {{ ReportId {SECTIONS_AND_LISTS} "
        "PositiveICD10CMs NegativeICD10CMs Examination Indication Technique } }",
        reportid=shown["ReportId"],
    )
    assert report == {
        "ReportId": "s1",
        "Examination": "CHEST RADIOGRAPH",
        "Indication": "Shortness of breath.",
        "Technique": None,
        "Findings": EFFUSION.sections["findings"],
        "Impression": "Left effusion.",
        **{name: [] for name in ("PositiveSigns", "NegativeSigns", "PositiveSymptoms", "NegativeSymptoms")},
        "PositiveDiagnoses": ["pleural effusion"],
        "NegativeDiagnoses": ["pneumothorax"],
        "PositiveICD10CMs": [EFFUSION_CODE],
        "NegativeICD10CMs": [PNEUMOTHORAX_CODE],
    }
    like = sample(
        """query($imageid: String) { getSimilarImages(ImageId: $imageid, k:30) {
            ImageId ReportId Bucket Key ViewPosition } }""",
        imageid="1.1",
    )
    assert like == [
        image("1.1", EFFUSION, ViewPosition="PA"),
        image("2.1", PNEUMONIA, ViewPosition="PA"),
        image("3.1", HEART, ViewPosition="PA"),
        image("1.2", EFFUSION, ViewPosition="LATERAL"),
        image("4.1", UNREPORTED, ViewPosition="AP"),
    ]
    assert sample('query { getImages(ReportId: "s1") { ImageId } }') == [{"ImageId": "1.1"}, {"ImageId": "1.2"}]


def test_a_thumbnails_key_is_its_path_on_the_service(ward, sample):
    key = sample('query { getImage(ImageId: "1.1") { Key } }')["Key"]
    response = local_client(create_app(settings_of(ward))).get(f"/{key}")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(
    ("warehouse", "key"),
    [
        ("s3://pngs", "thumbnails/p1/s1/1.1.png"),
        ("s3://pngs/public", "thumbnails/p1/s1/1.1.png"),
        ("s3://pngs/public/v2/", "v2/thumbnails/p1/s1/1.1.png"),
        ("s3://pngs/publication", "publication/thumbnails/p1/s1/1.1.png"),
    ],
)
def test_in_s3_a_thumbnail_has_the_key_that_amplifys_storage_asks_for(warehouse, key):
    documents = study_documents(EFFUSION.key, image_records(EFFUSION), embedding_records(EFFUSION), [], "")
    assert S3Location.of_thumbnail(warehouse, documents.images[0]) == S3Location("pngs", key)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("PositiveICD10CMs", [HEART_CODE, EFFUSION_CODE]),
        ("NegativeICD10CMs", [EFFUSION_CODE, PNEUMOTHORAX_CODE]),
        ("PositiveDiagnoses", ["cardiomegaly", "pleural effusion"]),
        ("NegativeDiagnoses", ["pleural effusion", "pneumothorax"]),
        ("PositiveSigns", ["enlarged heart"]),
        ("NegativeSigns", ["opacity"]),
        ("PositiveSymptoms", ["dyspnea"]),
        ("NegativeSymptoms", ["cough"]),
    ],
)
def test_the_image_page_counts_among_the_reports_of_images(sample, name, values):
    query = f"query($reportids: String) {{ get{name}byReports(input: $reportids) {{ key doc_count }} }}"
    counted = [{"key": value, "doc_count": 1} for value in values]
    assert sample(query, reportids=json.dumps(["s1", "s2", "s3", "s1", None, "nowhere"])) == counted
    assert sample(query, reportids=json.dumps(["s2"])) == []
    assert sample(query, reportids="[]") == []
    assert sample(query, reportids="[null]") == []
    assert sample(query, reportids=None) == []


@pytest.mark.parametrize("given", ["s1", '"s1"', '{"a": 1}', '["s1"', "[1]", "[[]]", "[" * 5000, json.dumps(["s1"] * 1001)])
def test_what_is_no_array_of_report_ids_is_refused(refused, given):
    answer = refused(f"{{ getPositiveSignsbyReports(input: {json.dumps(given)}) {{ key }} }}")
    assert (answer["data"], code_of(answer)) == ({"getPositiveSignsbyReports": None}, "BAD_USER_INPUT")


def test_counts_of_similar_reports_leave_out_the_report_itself(sample):
    query = "query($id: String) { get%sICD10CMsbySimilarReport(input: $id) { key doc_count } }"
    assert sample(query % "Positive", id="s1") == [{"key": HEART_CODE, "doc_count": 1}]
    assert sample(query % "Negative", id="s1") == [{"key": EFFUSION_CODE, "doc_count": 1}]
    assert sample(query % "Positive", id="nowhere") == []
    assert sample(query % "Positive", id=None) == []


def test_a_page_of_reports_is_a_window(sample):
    ids = "query($from: Int, $size: Int) { listReports(from: $from, size: $size) { ReportId } }"
    assert sample(ids, **{"from": 1, "size": 1}) == [{"ReportId": "s2"}]
    assert sample(ids, **{"from": 3, "size": 5}) == []
    assert sample(ids, size=0) == []
    assert sample(ids) == [{"ReportId": "s1"}, {"ReportId": "s2"}, {"ReportId": "s3"}]


def test_searching_gives_the_best_twenty_and_counts_give_ten_values_or_as_many_as_asked(tmp_path):
    studies = [
        StudyOf(
            patient=f"p{n}",
            study=f"s{n:02}",
            images={f"{n}.1": ("PA", [1.0, float(n)])},
            sections={"findings": "pleural effusion", "impression": "Effusion."},
            mentions=[Mention(words="pleural effusion", code="J90", assertion="present")],
        )
        for n in range(25)
    ]
    fill(tmp_path, studies)
    documents = [
        study_documents(
            s.key,
            image_records(s),
            embedding_records(s),
            [replace(report_record(s), positive_signs=[f"sign {n:02}"])],
            "with a sign each",
        )
        for n, s in enumerate(studies)
    ]
    open_embedded(str(tmp_path / "index")).upsert(documents)
    ask = asked_at(tmp_path)
    assert len(ask('{ searchReports(input: "effusion") { ReportId } }')) == 20
    every = json.dumps(json.dumps([s.study for s in studies]))
    signs = [b["key"] for b in ask(f"{{ getPositiveSignsbyReports(input: {every}) {{ key }} }}")]
    assert signs == [f"sign {n:02}" for n in range(10)]
    assert len(ask(f"{{ getPositiveSignsbyReports(input: {every}, size: 25) {{ key }} }}")) == 25
    assert len(ask(f"{{ getPositiveSignsbyReports(input: {every}, size: null) {{ key }} }}")) == 10


def test_what_is_not_there_is_null(sample):
    assert sample('{ getImage(ImageId: "9.9") { ImageId } }') is None
    assert sample("{ getImage { ImageId } }") is None
    assert sample('{ getReport(ReportId: "s9") { ReportId } }') is None
    assert sample("{ getReport(ReportId: null) { ReportId } }") is None
    assert sample('{ getImages(ReportId: "s9") { ImageId } }') == []
    assert sample("{ getSimilarImages { ImageId } }") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('getSimilarImages(ImageId: "9.9", k: 3) { ImageId }', "NOT_FOUND"),
        ('getSimilarImages(ImageId: "1.1", k: 0) { ImageId }', "BAD_USER_INPUT"),
        ('getSimilarImages(ImageId: "1.1", k: 501) { ImageId }', "LIMIT_EXCEEDED"),
        ("listReports(size: 1001) { ReportId }", "LIMIT_EXCEEDED"),
        ("listReports(from: -1) { ReportId }", "BAD_USER_INPUT"),
        ("listReports(from: 9991, size: 10) { ReportId }", "LIMIT_EXCEEDED"),
        ("getAllPositiveICD10CMs(size: 201) { key }", "LIMIT_EXCEEDED"),
        (f'searchReports(input: "{"a" * 1001}") {{ ReportId }}', "LIMIT_EXCEEDED"),
    ],
)
def test_what_cannot_be_answered_is_null_with_a_code(refused, query, code):
    answer = refused(f"{{ {query} }}")
    (data,) = answer["data"].values()
    assert (data, code_of(answer)) == (None, code)


def test_a_signed_in_client_sends_its_token_as_aws_amplify_does(ward, issuer):
    query = "query($searchQuery: String) { searchReports(input: $searchQuery) { ReportId } }"
    body = {"query": query, "variables": {"searchQuery": "cardiomegaly"}}
    with TestClient(create_app(oidc_settings(ward, issuer)), base_url="http://localhost:8000") as client:
        answer = client.post("/appsync/graphql", json=body, headers={"authorization": issuer.access_token()}).json()
    assert answer == {"data": {"searchReports": [{"ReportId": "s3"}]}}


def test_two_patients_with_a_study_of_one_name_never_share_images(tmp_path):
    one = StudyOf(patient="p1", study="s1", images={"1.1": ("PA", [1.0])}, sections={"findings": "Effusion."})
    fill(tmp_path, [one, replace(one, patient="p2", images={"2.1": ("PA", [1.0])})])
    ask = asked_at(tmp_path)
    shown = [[i["ImageId"] for i in r["Images"]] for r in ask("{ listReports { Images { ImageId } } }")]
    assert shown == [["1.1"], ["2.1"]]
    assert ask('{ getImages(ReportId: "s1") { ImageId } }') == [{"ImageId": "1.1"}]
