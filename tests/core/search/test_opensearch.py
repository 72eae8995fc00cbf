"""What is specific to OpenSearch: analyzer, mappings, bulk faults, aliases, a node that dies."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.errors import ConfigurationError, DocumentsRefused, StorageError, Transient
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch import bulk, lease, reads
from medsearch_core.search.opensearch.index import OpenSearchIndex, open_opensearch
from medsearch_core.search.opensearch.mappings import ANALYSIS, ANALYZER
from medsearch_core.search.opensearch.options import Access, IndexLayout
from medsearch_core.search.query import Filters
from medsearch_core.search.tokens import compared_words, medical_forms
from tests.core.search.faulty_cluster import Fault, faulty
from tests.core.search.index_processes import generation, start
from tests.core.search.opened import ONE_NODE, opened
from tests.core.search.reference_index import ReferenceIndex
from tests.core.search.search_documents import WORDS, image, report, study_of
from tests.support.opensearch_node import node
from tests.support.opensearch_node.shared import CACHE, fresh_name, shared_url
from tests.support.waiting import wait_until


@pytest.fixture
def index() -> OpenSearchIndex:
    return opened()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FIRST_PAUSE_SECONDS", 0.01)


# --- words ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def analyzed() -> Any:
    """The tokens of a text by OpenSearch's analyzer."""
    client, name = opened().client, fresh_name()
    client.indices.create(index=name, body={"settings": {"analysis": ANALYSIS}})

    def analyze(text: str) -> list[str]:
        body = {"analyzer": ANALYZER, "text": text}
        return [t["token"] for t in client.indices.analyze(index=name, body=body)["tokens"]]

    return analyze


def compared(text: str) -> list[str]:
    """The words as the embedded index compares them."""
    return [word for word in compared_words(text) if word]


REPORT = (
    """
FINDINGS: Small bilateral pneumothoraces, L>R. Oedema has NOT resolved; the heart's silhouette (12.5 cm) is un-changed.
IMPRESSION: 1. Atelectases, haemothorax & tumour. 2. T12/L1 x² ﬁbrosis, Sjögren's, naïve, İstanbul ΣΑΣ.
"""
    + "x" * 39
    + " "
    + "y" * 40
)


def test_both_engines_read_the_same_words(analyzed: Any) -> None:
    vocabulary = [*medical_forms(), *medical_forms().values(), *WORDS, *REPORT.split()]
    for text in (REPORT, " ".join(vocabulary), "the of and", ""):
        assert analyzed(text) == compared(text)
    assert analyzed("pneumothoraces OEDEMA") == analyzed("Pneumothorax edema")


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(max_codepoint=0x17F, exclude_categories=["Cs", "Lo", "No"], exclude_characters="ĸ"), max_size=60))
def test_both_engines_read_the_same_words_in_any_european_text(analyzed: Any, text: str) -> None:
    assert analyzed(text) == compared(text)


# --- layout -----------------------------------------------------------------------------------------------------------------


def test_mappings_are_strict_and_vectors_are_kept_once(index: OpenSearchIndex) -> None:
    index.upsert([study_of("s1")])
    name = next(iter(index.client.indices.get(index=index.places.images)))
    held = index.client.indices.get(index=name)[name]
    assert held["mappings"]["dynamic"] == "strict"
    assert held["settings"]["index"]["knn.derived_source"]["enabled"] == "true"
    kinds = {field: mapping["type"] for field, mapping in held["mappings"]["properties"].items()}
    assert {kinds[f] for f in ("patient", "modality", "present_codes", "tags")} == {"keyword"}
    assert (kinds["study_date"], kinds["patient_age_years"], kinds["vector"]) == ("date", "double", "knn_vector")
    refused = bulk.send(index.client, [bulk.Operation(name, "x", "x", {"unheard_of": 1})], lambda: None)
    assert refused == {"x": "strict_dynamic_mapping_exception"}


def test_what_is_stored_shrinks_when_vectors_are_kept_once(index: OpenSearchIndex) -> None:
    vectors = np.random.default_rng(0).standard_normal((300, 256)).astype(np.float32)
    key = StudyKey("p1", "s1")
    images = [image(key, str(n), vector=v.tolist()) for n, v in enumerate(vectors)]
    index.upsert([StudyDocuments(study=key, images=images, inputs="a")])
    index.client.indices.forcemerge(index=index.places.images, params={"max_num_segments": 1, "flush": "true"})
    stored = index.client.indices.stats(index=index.places.images)["_all"]["primaries"]["store"]["size_in_bytes"]
    assert stored < 1.7 * vectors.nbytes
    (got,) = index.vectors(["s1.7"])
    assert got is not None
    np.testing.assert_allclose(got, vectors[7] / np.linalg.norm(vectors[7]), atol=1e-6)


@pytest.mark.parametrize(
    "layout",
    [
        IndexLayout(replicas=0, space_type="cosinesimil", m=8, ef_construction=64, ef_search=64),
        IndexLayout(replicas=0, space_type="l2"),
        IndexLayout(replicas=0, shards=3),
        IndexLayout(replicas=0, shards=2, compression="on_disk"),
    ],
    ids=["cosinesimil", "l2", "three shards", "on_disk"],
)
def test_every_layout_answers_alike(layout: IndexLayout) -> None:
    index, model, chance = opened(layout=layout), ReferenceIndex(), np.random.default_rng(3)
    batch = [
        study_of(
            f"s{n}", patient=f"p{n % 4}", images=0, findings=" ".join(chance.choice(WORDS, 4)), positive_signs=[str(n % 3)]
        )
        for n in range(40)
    ]
    batch = [
        replace(s, images=[image(s.study, str(k), vector=chance.standard_normal(16).tolist()) for k in range(2)]) for s in batch
    ]
    zero = StudyKey("p9", "zero")
    batch.append(StudyDocuments(study=zero, images=[image(zero, vector=[0.0] * 16)], inputs="a"))
    assert index.upsert(batch) == model.upsert(batch) == 41
    for _ in range(5):
        asked = chance.standard_normal(16).tolist()
        for filters in (Filters(), Filters(patients=["p1"]), Filters(without_patients=["p1", "p9"])):
            hits = {h.document.image_id: h.score for h in index.similar(asked, 10, filters, exact=True)}
            expected = dict(sorted(model.similar(asked, filters).items(), key=lambda hit: -hit[1])[:10])
            assert hits == pytest.approx(expected, abs=2e-6)
            near = [h.score for h in index.similar(asked, 10, filters)]
            assert near == pytest.approx(list(expected.values()), abs=2e-6)
    assert index.health().images == 81
    assert {h.document.report_id: h.score for h in index.text("effusion edema", limit=100).hits} == pytest.approx(
        model.text("effusion edema", (), Filters()), rel=1e-4
    )
    counts = [(c.value, c.count) for c in index.facets("positive_signs")]
    assert counts == model.facets("positive_signs", Filters(), "")


@pytest.mark.parametrize("compression", ["none", "fp16", "on_disk"])
def test_the_cluster_takes_the_faiss_layouts(compression: Any) -> None:
    index = opened(layout=IndexLayout(replicas=0, engine="faiss", compression=compression))
    index.publish(index.begin(Model("m", "1", 16)))
    found = next(iter(index.client.indices.get_mapping(index=index.places.images).values()))
    assert found["mappings"]["properties"]["vector"]["method"]["engine"] == "faiss"
    assert index.health().images == 0


def test_more_documents_than_a_page_are_all_read(index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.upsert([study_of(f"s{n}", images=3) for n in range(9)])
    monkeypatch.setattr(reads, "PAGE", 4)
    assert len(index.studies()) == 9
    assert [len(i) for i in index.images_of_reports([f"s{n}" for n in range(9)])] == [3] * 9


# --- bulk -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["503", "429", "hang up", "items 429", "items 503"])
def test_a_busy_cluster_is_asked_again_until_all_is_written(fault: Fault) -> None:
    name = fresh_name()
    with faulty(shared_url(), fault, fault) as cluster:
        assert opened(cluster.url, name=name).upsert([study_of(f"s{n}", images=2) for n in range(5)]) == 5
        assert cluster.asked > 2
    health = opened(name=name).health()
    assert (health.images, health.reports, health.studies) == (10, 5, 5)


def test_a_cluster_that_stays_busy_fails_the_write_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "ATTEMPTS", 3)
    name = fresh_name()
    always_busy: list[Fault] = ["items 429"] * 10
    with (
        faulty(shared_url(), *always_busy) as cluster,
        pytest.raises(StorageError, match=r"\b3\b.*429 rejected_execution_exception"),
    ):
        opened(cluster.url, name=name).upsert([study_of("s1")])
    assert opened(name=name).studies() == {}
    assert opened(name=name).upsert([study_of("s1")]) == 1


def test_refused_documents_are_named_and_their_studies_stay_as_they_were(index: OpenSearchIndex) -> None:
    index.upsert([study_of("s1", images=2, findings="before"), study_of("s2", findings="before")])
    too_long = "x" * 40_000
    changed = [
        study_of("s1", images=1, inputs="b", findings="after", tags=[too_long]),
        study_of("s2", inputs="b", findings="after"),
        study_of("s3", images=1, tags=[too_long]),
    ]
    with pytest.raises(DocumentsRefused) as error:
        index.upsert(changed)
    assert set(error.value.refused) == {"p1/s1/report/s1", "p1/s3/report/s3"}
    assert too_long not in str(error.value)
    assert index.studies() == {StudyKey("p1", "s1"): "a", StudyKey("p1", "s2"): "b"}
    assert [r and r.findings for r in index.reports(["s1", "s2", "s3"])] == ["before", "after", None]
    assert (index.count().images, index.vectors(["s1.1"])) == (3, [[1.0, 0.0]])
    assert index.upsert([study_of("s1", inputs="b", findings="after"), study_of("s3")]) == 2


# --- releases ---------------------------------------------------------------------------------------------------------------


def test_a_release_is_two_indexes_behind_two_aliases(index: OpenSearchIndex) -> None:
    index.upsert([study_of("s1")])
    first = index.health().release or ""
    second = index.begin(Model("Other Model", "2.0", 3))
    assert second.startswith(f"v{INDEX_SCHEMA_VERSION}-other-model-2-0-")
    building = index.release(second)
    key = StudyKey("p1", "s1")
    other = image(key, model_id="Other Model", model_version="2.0", vector=[0.0, 1.0, 0.0])
    building.upsert([StudyDocuments(study=key, images=[other], reports=[report(key)], inputs="a")])
    settings_of = index.client.indices.get_settings(index=f"{index.places.images}-{second}")
    assert next(iter(settings_of.values()))["settings"]["index"]["refresh_interval"] == "-1"
    index.finish(second)
    aliases = index.client.indices.get_alias(name=f"{index.places.images},{index.places.reports}")
    assert {name.rsplit(f"-v{INDEX_SCHEMA_VERSION}-", 1)[0] for name in aliases} == {index.places.images, index.places.reports}
    assert all(name.endswith(first) for name in aliases)
    index.publish(second)
    aliases = index.client.indices.get_alias(name=f"{index.places.images},{index.places.reports}")
    assert len(aliases) == 2
    assert all(name.endswith(second) for name in aliases)


def test_copies_come_after_the_load(index: OpenSearchIndex) -> None:
    copied = opened(layout=IndexLayout(replicas=1))
    release = copied.begin(Model("tiny", "1", 2))

    def replicas() -> set[str]:
        found = copied.client.indices.get_settings(index=f"*{release}")
        return {body["settings"]["index"]["number_of_replicas"] for body in found.values()}

    copied.release(release).upsert([study_of("s1")])
    assert replicas() == {"0"}
    copied.finish(release)
    assert replicas() == {"1"}


# --- failures ---------------------------------------------------------------------------------------------------------------


def test_errors_name_the_fault_and_no_data(tmp_path: Path) -> None:
    unreachable = opened("http://127.0.0.1:9")
    with pytest.raises(Transient, match="MEDSEARCH_INDEX") as error:
        unreachable.text("secretword", filters=Filters(patients=["secretpatient"]))
    assert "secret" not in str(error.value)
    with pytest.raises(ConfigurationError, match="MEDSEARCH_INDEX_CA"):
        open_opensearch(Access(url="https://127.0.0.1:9", ca=str(tmp_path / "none.pem")), ONE_NODE, "x")


def test_a_loader_killed_in_the_middle_leaves_nothing_lost_or_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "TAKEOVER_SECONDS", 1.0)
    url, name = shared_url(), fresh_name()
    loader = start("load", f"{url}|{name}", 100_000, 20)
    index = opened(url, name=name)
    wait_until("a part is loaded", lambda: loader.poll() is not None or len(index.studies()) >= 40, 300, every=0.01)
    loader.kill()
    loader.communicate()
    assert loader.returncode == -signal.SIGKILL
    held = index.studies()
    assert index.upsert([generation(f"s{n}", 1) for n in range(len(held) + 40)]) >= 40
    health, count = index.health(), len(held) + 40
    assert (health.images, health.reports, health.studies) == (3 * count, count, count)


def test_a_node_killed_in_the_middle_of_a_load_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL ends the node during a load, it restarts on its port, and the loader continues or is run again."""
    monkeypatch.setattr(lease, "TAKEOVER_SECONDS", 1.0)
    monkeypatch.setattr(bulk, "FIRST_PAUSE_SECONDS", 0.25)
    batches = [[generation(f"s{n}", 1) for n in range(first, first + 100)] for first in range(0, 2000, 100)]
    with node.start(cache=CACHE, home=tmp_path / "node") as server:
        port = {"http.port": server.url.rsplit(":", 1)[1]}
        index = opened(server.url)
        release = index.begin(Model("tiny", "1", 2))
        failed: list[BaseException] = []
        begun = threading.Event()

        def load() -> None:
            try:
                for batch in batches:
                    index.release(release).upsert(batch)
                    begun.set()
            except StorageError as error:
                failed.append(error)

        loader = threading.Thread(target=load)
        loader.start()
        assert begun.wait(300)
        os.kill(server.pid, signal.SIGKILL)
    with node.start(cache=CACHE, home=tmp_path / "node", settings=port):
        loader.join()
        building = index.release(release)
        index.finish(release)
        before = len(building.studies())
        written = sum(building.upsert(batch) for batch in batches)
        index.finish(release)
        health = building.health()
        assert (health.images, health.reports, health.studies) == (6000, 2000, 2000)
        assert written == 2000 - before
        index.publish(release)
        assert index.text("edema").total == 2000
        assert sum(index.upsert(batch) for batch in batches) == 0
