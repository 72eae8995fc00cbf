"""Real searches over a real warehouse and index, compared whole."""

from __future__ import annotations

import pytest

from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from tests.support.hospital import HEART, MODEL, NER, report_text, sha256

CODES = "presentCodes absentCodes uncertainCodes"
NEAR = "{ edges { rank score node { id } } }"


def ids(answer: dict, query: str = "similarImages") -> list[str]:
    return [edge["node"]["id"] for edge in answer["data"][query]["edges"]]


def test_reports_are_found_by_words_best_first(ask):
    answer = ask('{ searchReports(query: "cardiomegaly") { totalCount edges { rank score node { id } } nodes { id } } }')
    found = answer["data"]["searchReports"]
    (edge,) = found["edges"]
    assert (found["totalCount"], found["nodes"], edge["rank"], edge["node"]) == (1, [{"id": "s3"}], 1, {"id": "s3"})
    assert edge["score"] > 0


def test_quotes_operators_and_braces_in_the_words_are_only_text(ask):
    answer = ask("query ($q: String!) { searchReports(query: $q) { totalCount } }", q="\"AND (cardiomegaly) OR NOT {x:1} *\\ '")
    assert answer == {"data": {"searchReports": {"totalCount": 1}}}


def test_no_words_list_all_reports_by_id(ask):
    assert ask("{ searchReports { totalCount edges { score node { id } } } }")["data"]["searchReports"] == {
        "totalCount": 3,
        "edges": [{"score": 0, "node": {"id": "s1"}}, {"score": 0, "node": {"id": "s2"}}, {"score": 0, "node": {"id": "s3"}}],
    }


def test_fields_say_where_words_are_looked_for(ask):
    query = 'query ($f: [ReportField!]) { searchReports(query: "breath", fields: $f) { totalCount } }'
    assert ask(query)["data"]["searchReports"] == {"totalCount": 0}
    assert ask(query, f=["REPORT"])["data"]["searchReports"] == {"totalCount": 1}


def test_filters_narrow_reports(ask):
    query = "query ($f: Filters!) { searchReports(filters: $f) { nodes { id } } }"

    def found(**filters):
        return [report["id"] for report in ask(query, f=filters)["data"]["searchReports"]["nodes"]]

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
    assert found(withoutPresent=["j9"]) == ["s2", "s3"]
    assert found(withoutPresent=["J90", "I51.7"]) == ["s2"]


def test_similar_images_come_nearest_first_without_the_image_itself(ask):
    assert ask(f'{{ similarImages(imageId: "1.1", k: 3) {NEAR} }}') == {
        "data": {
            "similarImages": {
                "edges": [
                    {"rank": 1, "score": 0.8, "node": {"id": "2.1"}},
                    {"rank": 2, "score": 0.6, "node": {"id": "3.1"}},
                    {"rank": 3, "score": 0.0, "node": {"id": "1.2"}},
                ]
            }
        }
    }


def test_the_image_itself_is_kept_on_request_and_left_out_at_every_k(ask):
    assert ids(ask(f'{{ similarImages(imageId: "1.1", k: 2, exclude: NOTHING) {NEAR} }}')) == ["1.1", "2.1"]
    assert ids(ask(f'{{ similarImages(imageId: "1.1", k: 500) {NEAR} }}')) == ["2.1", "3.1", "1.2", "4.1"]
    elsewhere = f'{{ similarImages(imageId: "1.1", k: 500, filters: {{studies: ["s3"]}}) {NEAR} }}'
    assert ids(ask(elsewhere)) == ["3.1"]


def test_the_same_patient_or_study_can_be_left_out(ask):
    assert ids(ask(f'{{ similarImages(imageId: "1.1", exclude: PATIENT) {NEAR} }}')) == ["3.1", "4.1"]
    assert ids(ask(f'{{ similarImages(imageId: "1.1", exclude: STUDY) {NEAR} }}')) == ["2.1", "3.1", "4.1"]


def test_similar_images_obey_filters(ask):
    def like(filters):
        return ids(ask(f'{{ similarImages(imageId: "1.1", filters: {{{filters}}}) {NEAR} }}'))

    assert like('absent: ["J90"]') == ["3.1"]
    assert like('tags: ["Trial 7"]') == ["1.2"]
    assert like('reports: ["s2", "s3"]') == ["2.1", "3.1"]
    assert like('withoutReports: ["s2"]') == ["3.1", "1.2", "4.1"]
    assert like('withoutImages: ["3.1", "4.1"]') == ["2.1", "1.2"]
    assert like('withoutPresent: ["I51"]') == ["2.1", "1.2", "4.1"]


def test_a_vector_finds_images_too(ask):
    answer = ask(f"{{ similarImages(vector: [0, 0, 0, 2], k: 1) {NEAR} }}")
    assert answer == {"data": {"similarImages": {"edges": [{"rank": 1, "score": 1.0, "node": {"id": "4.1"}}]}}}


def test_the_total_of_likeness_counts_all_images_that_match(ask):
    def total(arguments):
        return ask(f"{{ similarImages({arguments}) {{ totalCount }} }}")["data"]["similarImages"]["totalCount"]

    assert total('imageId: "1.1", k: 1, first: 1') == 4
    assert total('imageId: "1.1", exclude: NOTHING') == 5
    assert total('imageId: "1.1", exclude: PATIENT') == 2
    assert total('vector: [1, 0, 0, 0], filters: {studies: ["s1"]}') == 2


def test_hybrid_search_tells_the_rank_and_score_of_each_part(ask):
    query = """{ hybridSearch(vector: [1, 0, 0, 0], query: "cardiomegaly") {
        totalCount edges { rank score node { id } likeness { rank score } words { rank score } } } }"""
    found = ask(query)["data"]["hybridSearch"]
    first, second = found["edges"][:2]
    assert found["totalCount"] == len(found["edges"]) == 5
    assert (first["rank"], first["node"]["id"], first["likeness"]) == (1, "3.1", {"rank": 3, "score": 0.6})
    assert first["words"]["rank"] == 1
    assert first["score"] == pytest.approx(1 / 61 + 1 / 63)
    assert second == {
        "rank": 2, "score": pytest.approx(1 / 61), "node": {"id": "1.1"},
        "likeness": {"rank": 1, "score": 1.0}, "words": None,
    }  # fmt: skip


def test_hybrid_search_starts_from_an_image_and_leaves_out_what_is_asked(ask):
    def found(arguments):
        return ids(ask(f'{{ hybridSearch(imageId: "1.1", query: "effusion", {arguments}) {NEAR} }}'), "hybridSearch")

    assert sorted(found("first: 10")) == ["1.2", "2.1", "3.1", "4.1"]
    assert sorted(found("exclude: PATIENT")) == ["3.1", "4.1"]
    assert found('filters: {sexes: [MALE], withoutStudies: ["s4"]}') == ["3.1"]


def test_reports_like_a_report_come_without_itself(ask):
    found = ask('{ reportsLike(reportId: "s1") { totalCount edges { rank score node { id } } } }')["data"]["reportsLike"]
    assert found["totalCount"] == 2
    assert [edge["node"]["id"] for edge in found["edges"]] == ["s3", "s2"]
    assert found["edges"][0]["score"] > found["edges"][1]["score"] > 0
    narrowed = ask('{ reportsLike(reportId: "s1", filters: {uncertain: ["J18"]}) { nodes { id } } }')
    assert narrowed["data"]["reportsLike"]["nodes"] == [{"id": "s2"}]


def test_every_hit_tells_where_it_comes_from(ask):
    image = "provenance { sourceKey sha256 modelId modelVersion nerVersion indexSchemaVersion release }"
    report = "provenance { sourceKey sha256 nerVersion indexSchemaVersion release }"
    answer = ask(
        f"""{{ index {{ release }}
            similarImages(imageId: "1.1", first: 1) {{ edges {{ {image} }} }}
            hybridSearch(imageId: "1.1", query: "", first: 1) {{ edges {{ {image} }} }}
            unreported: similarImages(imageId: "4.1", exclude: NOTHING, first: 1) {{ edges {{ {image} }} }}
            searchReports(query: "cardiomegaly") {{ edges {{ {report} }} }}
            reportsLike(reportId: "s1", first: 1) {{ edges {{ {report} }} }} }}"""
    )["data"]
    release = answer["index"]["release"]
    of_index = {"indexSchemaVersion": INDEX_SCHEMA_VERSION, "release": release}
    model = {"modelId": MODEL["model_id"], "modelVersion": MODEL["model_version"]}
    assert release
    for name in ("similarImages", "hybridSearch"):
        (edge,) = answer[name]["edges"]
        found = {"sourceKey": "files/p1/s2/2.1.dcm", "sha256": sha256("2.1"), "nerVersion": NER}
        assert edge["provenance"] == found | model | of_index
    (edge,) = answer["unreported"]["edges"]
    assert edge["provenance"] == {
        "sourceKey": "files/p3/s4/4.1.dcm", "sha256": sha256("4.1"), "nerVersion": None
    } | model | of_index  # fmt: skip
    for name in ("searchReports", "reportsLike"):
        (edge,) = answer[name]["edges"]
        found = {"sourceKey": "files/p2/s3.txt", "sha256": sha256(report_text(HEART)), "nerVersion": NER}
        assert edge["provenance"] == found | of_index


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


def test_facets_can_be_narrowed_to_the_reports_like_a_report(ask):
    counts = ask('{ facets(field: STUDY, likeReport: "s1") { value count } }')["data"]["facets"]
    assert counts == [{"value": "s2", "count": 1}, {"value": "s3", "count": 1}]
    narrowed = ask('{ facets(field: ABSENT_CODES, likeReport: "s1", filters: {sexes: [MALE]}) { value count } }')
    assert narrowed["data"]["facets"] == [{"value": "J90", "count": 1}]
    assert ask('{ facets(field: STUDY, likeReport: "s1", filters: {studies: ["s4"]}) { value } }')["data"]["facets"] == []
