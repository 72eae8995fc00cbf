"""Comprehend Medical as the reader: answers in the service's own shapes, which botocore's Stubber validates on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from medsearch_core.errors import BadInput, ConfigurationError, ServiceUnavailable, Transient
from medsearch_core.records import EntityRecord
from medsearch_core.reports.gates.examination import UNKNOWN
from medsearch_core.reports.read import NER_VERSION, read_report
from medsearch_core.reports.text.sections import split_sections
from medsearch_pipeline.report_readers import comprehend
from medsearch_pipeline.report_readers.comprehend import ATTEMPTS, ComprehendReader, is_billable, open_client
from medsearch_pipeline.report_readers.comprehend_results import Thresholds
from medsearch_pipeline.report_readers.reader import RulesReader, open_reader, reader_version
from medsearch_pipeline.report_readers.text_chunks import chunks
from medsearch_pipeline.settings import Settings

LEAST = Thresholds(entity=0.5, trait=0.5, code=0.4)


@pytest.fixture
def client() -> Any:
    return boto3.client("comprehendmedical", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def entity(text: str, words: str, *traits: str, score: float = 0.99, trait_score: float = 0.9, **more: Any) -> dict[str, Any]:
    """An entity as `DetectEntitiesV2` answers it."""
    begin = text.index(words)
    return {
        "Id": begin,
        "BeginOffset": begin,
        "EndOffset": begin + len(words),
        "Score": score,
        "Text": words,
        "Category": "MEDICAL_CONDITION",
        "Type": "DX_NAME",
        "Traits": [{"Name": name, "Score": trait_score} for name in traits],
        "Attributes": [],
        **more,
    }


def attribute(text: str, words: str, kind: str) -> dict[str, Any]:
    begin = text.index(words)
    return {
        "Type": kind,
        "Score": 0.9,
        "RelationshipScore": 0.9,
        "Id": 100 + begin,
        "BeginOffset": begin,
        "EndOffset": begin + len(words),
        "Text": words,
        "Traits": [],
    }


def coded(text: str, words: str, *codes: tuple[str, str, float], traits: tuple[str, ...] = ()) -> dict[str, Any]:
    """An entity as `InferICD10CM` answers it."""
    concepts = [{"Code": code, "Description": description, "Score": score} for code, description, score in codes]
    return entity(text, words, *traits, ICD10CMConcepts=concepts)


def answers(stub: Stubber, text: str, detected: list[dict[str, Any]], linked: list[dict[str, Any]]) -> None:
    """One answer of each operation, for exactly this text."""
    stub.add_response(
        "detect_entities_v2", {"Entities": detected, "UnmappedAttributes": [], "ModelVersion": "2.1"}, {"Text": text}
    )
    stub.add_response("infer_icd10_cm", {"Entities": linked, "ModelVersion": "3.0"}, {"Text": text})


def read(client: Any, text: str) -> list[EntityRecord]:
    return ComprehendReader(client, LEAST).find("s1", text, split_sections(text), UNKNOWN)


def test_an_entity_and_its_code_become_one_mention(client: Any, stub: Stubber) -> None:
    text = "FINDINGS: Mild left pleural effusion."
    said = [attribute(text, "Mild", "ACUITY"), attribute(text, "left", "DIRECTION")]
    answers(
        stub,
        text,
        [entity(text, "pleural effusion", "DIAGNOSIS", Attributes=said)],
        [coded(text, "pleural effusion", ("J90", "Pleural effusion, not elsewhere classified", 0.8), ("J91.8", "Other", 0.5))],
    )
    assert read(client, text) == [
        EntityRecord(
            report_id="s1",
            text="pleural effusion",
            begin=20,
            end=36,
            section="findings",
            concept="pleural effusion",
            category="diagnosis",
            assertion="present",
            icd10cm_code="J90",
            icd10cm_description="Pleural effusion, not elsewhere classified",
            icd10cm_billable=True,
            icd10cm_release="Comprehend Medical 3.0",
            score=0.8,
            severity="mild",
            laterality="left",
            anatomy="pleura",
        )
    ]


@pytest.mark.parametrize(
    ("traits", "assertion", "cue"),
    [
        ((), "present", None),
        (("NEGATION",), "absent", "NEGATION"),
        (("HYPOTHETICAL",), "hypothetical", "HYPOTHETICAL"),
        (("FUTURE",), "hypothetical", "FUTURE"),
        (("LOW_CONFIDENCE",), "uncertain", "LOW_CONFIDENCE"),
        (("PERTAINS_TO_FAMILY",), "family", "PERTAINS_TO_FAMILY"),
        (("PAST_HISTORY",), "historical", "PAST_HISTORY"),
        (("LOW_CONFIDENCE", "NEGATION"), "absent", "NEGATION"),
        (("NEGATION", "PERTAINS_TO_FAMILY"), "family", "PERTAINS_TO_FAMILY"),
    ],
)
def test_every_trait_decides_an_assertion(
    traits: tuple[str, ...], assertion: str, cue: str | None, client: Any, stub: Stubber
) -> None:
    text = "FINDINGS: pneumonia"
    answers(stub, text, [entity(text, "pneumonia", "DIAGNOSIS", *traits)], [])
    assert [(e.assertion, e.cue) for e in read(client, text)] == [(assertion, cue)]


def test_an_indication_is_never_a_finding_here_either(client: Any, stub: Stubber) -> None:
    text = "INDICATION: pneumonia"
    answers(stub, text, [entity(text, "pneumonia", "DIAGNOSIS")], [])
    assert [(e.section, e.assertion, e.cue) for e in read(client, text)] == [("indication", "hypothetical", None)]


def test_what_scores_too_little_is_left_out(client: Any, stub: Stubber) -> None:
    text = "FINDINGS: pneumonia and nodule"
    weak = entity(text, "nodule", "SIGN", score=0.49)
    unsure = entity(text, "pneumonia", "DIAGNOSIS", "NEGATION", trait_score=0.49)
    answers(stub, text, [weak, unsure], [coded(text, "pneumonia", ("J18.9", "Pneumonia, unspecified organism", 0.39))])
    assert [(e.concept, e.assertion, e.icd10cm_code, e.score) for e in read(client, text)] == [
        ("pneumonia", "present", None, 0.99)
    ]


def test_an_opacity_is_never_of_the_eye(client: Any, stub: Stubber) -> None:
    text = "FINDINGS: Patchy opacity."
    cornea = ("H17.9", "Unspecified corneal scar and opacity", 0.9)
    lung = ("R91.8", "Other nonspecific abnormal finding of lung field", 0.5)
    answers(stub, text, [entity(text, "opacity", "SIGN")], [coded(text, "opacity", cornea, lung)])
    assert [e.icd10cm_code for e in read(client, text)] == ["R91.8"]


def test_an_eye_that_is_named_may_be_meant(client: Any, stub: Stubber) -> None:
    text = "HISTORY: Corneal scar of the eye."
    cornea = ("H17.9", "Unspecified corneal scar and opacity", 0.9)
    answers(stub, text, [], [coded(text, "Corneal scar", cornea, traits=("DIAGNOSIS",))])
    assert [(e.concept, e.icd10cm_code) for e in read(client, text)] == [("corneal scar", "H17.9")]


def test_devices_are_taken_from_procedures_and_other_procedures_are_not(client: Any, stub: Stubber) -> None:
    text = "FINDINGS: Chest radiograph with endotracheal tube."
    kind: dict[str, Any] = {"Category": "TEST_TREATMENT_PROCEDURE"}
    answers(
        stub,
        text,
        [
            entity(text, "Chest radiograph", Type="TEST_NAME", **kind),
            entity(text, "endotracheal tube", Type="TREATMENT_NAME", **kind),
        ],
        [],
    )
    assert [(e.concept, e.category) for e in read(client, text)] == [("endotracheal tube", "device")]


def test_offsets_of_later_pieces_are_those_of_the_text(client: Any, stub: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comprehend, "LIMIT_BYTES", {"detect_entities_v2": 40, "infer_icd10_cm": 20_000})
    text = "FINDINGS: Déjà vu, no change. There is pneumonia."
    first, second = "FINDINGS: Déjà vu, no change. ", "There is pneumonia."
    reader = ComprehendReader(client, LEAST)
    for piece, found in ((first, []), (second, [entity(second, "pneumonia", "DIAGNOSIS")])):
        stub.add_response(
            "detect_entities_v2", {"Entities": found, "UnmappedAttributes": [], "ModelVersion": "2.1"}, {"Text": piece}
        )
    stub.add_response("infer_icd10_cm", {"Entities": [coded(text, "pneumonia", ("J18.9", "Pneumonia", 0.9))]}, {"Text": text})
    [mention] = reader.find("s1", text, split_sections(text), UNKNOWN)
    assert (text[mention.begin : mention.end], mention.icd10cm_code) == ("pneumonia", "J18.9")
    assert reader.usage == {
        "comprehend_detect_entities_v2_requests": 2,
        "comprehend_detect_entities_v2_units": 2,
        "comprehend_infer_icd10_cm_requests": 1,
        "comprehend_infer_icd10_cm_units": 1,
    }


def test_a_busy_service_is_asked_again_after_longer_and_longer_waits(client: Any, stub: Stubber) -> None:
    text, waits = "FINDINGS: pneumonia", list[float]()
    stub.add_client_error("detect_entities_v2", "TooManyRequestsException")
    stub.add_client_error("detect_entities_v2", "ServiceUnavailableException")
    answers(stub, text, [entity(text, "pneumonia", "DIAGNOSIS")], [])
    reader = ComprehendReader(client, LEAST, waits.append)
    assert [e.concept for e in reader.find("s1", text, split_sections(text), UNKNOWN)] == ["pneumonia"]
    assert waits == [0.5, 1.0]
    assert reader.usage["comprehend_retries"] == 2


def test_a_service_that_stays_busy_stops_the_run(client: Any, stub: Stubber) -> None:
    for _ in range(ATTEMPTS):
        stub.add_client_error("detect_entities_v2", "TooManyRequestsException")
    with pytest.raises(Transient, match="TooManyRequestsException after 6 attempts"):
        ComprehendReader(client, LEAST, lambda _: None).find("s1", "pneumonia", [], UNKNOWN)


def test_a_service_that_is_away_stops_the_run(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(client, "detect_entities_v2", away)
    with pytest.raises(Transient, match="EndpointConnectionError after 6 attempts"):
        ComprehendReader(client, LEAST, lambda _: None).find("s1", "pneumonia", [], UNKNOWN)


def test_missing_rights_stop_the_run_at_once(client: Any, stub: Stubber) -> None:
    stub.add_client_error("detect_entities_v2", "AccessDeniedException")
    with pytest.raises(ServiceUnavailable, match="AccessDeniedException: check the credentials"):
        read(client, "pneumonia")


def test_a_report_of_which_one_piece_is_refused_is_refused_whole(client: Any, stub: Stubber) -> None:
    text = "FINDINGS: pneumonia"
    stub.add_response("detect_entities_v2", {"Entities": [], "UnmappedAttributes": [], "ModelVersion": "2.1"}, {"Text": text})
    stub.add_client_error("infer_icd10_cm", "InvalidEncodingException")
    with pytest.raises(BadInput) as caught:
        read(client, text)
    assert caught.value.reason == "refused_by_reader"
    assert caught.value.detail.endswith("InvalidEncodingException")
    assert "pneumonia" not in str(caught.value)


def test_the_eight_lists_derive_from_its_mentions_as_from_the_rules(client: Any, stub: Stubber) -> None:
    text = "FINDINGS: Effusion.\nIMPRESSION: No effusion. Cough."
    said = [
        entity(text, "Effusion", "DIAGNOSIS"),
        entity(text, "effusion", "DIAGNOSIS", "NEGATION"),
        entity(text, "Cough", "SYMPTOM"),
    ]
    answers(stub, text, said, [])
    reader = ComprehendReader(client, LEAST)
    report, entities = read_report(
        text.encode(), report_id="s1", patient="p", study="s1", key="k", find=reader.find, version=reader.version
    )
    assert (report.positive_diagnoses, report.negative_diagnoses) == ([], ["pleural effusion"])
    assert report.positive_symptoms == ["cough"]
    assert report.conflicts == ["pleural effusion: absent in impression, present in findings"]
    assert report.ner_version == reader.version != NER_VERSION
    assert all(text[e.begin : e.end] == e.text for e in entities)


@pytest.mark.parametrize(
    "text", ["", "One. Two. Three.", "é" * 50, "a" * 30, "a long sentence without an end", "\u2013 x. \n\n y. " * 9]
)
@pytest.mark.parametrize("limit", [4, 10, 1000])
def test_pieces_join_to_the_text_and_keep_the_limit(text: str, limit: int) -> None:
    pieces = [text[begin:end] for begin, end in chunks(text, limit)]
    assert "".join(pieces) == text
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)


def test_pieces_end_with_sentences_where_they_can() -> None:
    text = "One two. Three four. Five six seven eight nine."
    assert [text[b:e] for b, e in chunks(text, 24)] == ["One two. Three four. ", "Five six seven eight ", "nine."]


def test_billable_codes_are_told_from_categories() -> None:
    assert (is_billable("J90"), is_billable("J81"), is_billable("ZZZ")) == (True, False, None)


def test_the_setting_chooses_the_reader_and_its_version() -> None:
    assert isinstance(open_reader(Settings()), RulesReader)
    assert reader_version(Settings()) == NER_VERSION
    chosen = Settings(report_reader="comprehend", comprehend_region="eu-west-1")
    reader = open_reader(chosen)
    assert isinstance(reader, ComprehendReader)
    assert reader.version == reader_version(chosen) != reader_version(Settings())
    other = Settings(report_reader="comprehend", comprehend_region="eu-west-1", comprehend_min_code_score=0.6)
    assert reader_version(other) != reader_version(chosen)


def test_a_missing_region_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(ConfigurationError, match="MEDSEARCH_COMPREHEND_REGION"):
        open_client(None)
