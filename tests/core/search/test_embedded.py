"""What is particular to the embedded index: processes beside each other, scores, versions, compaction, errors."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_processes import STUDIES, generation
from reference_index import ReferenceIndex
from search_documents import WORDS, image, report, study_of

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.embedded import EmbeddedIndex, open_embedded
from medsearch_core.search.embedded_table import MOST_FRAGMENTS
from medsearch_core.search.index import Filters, TextField

Process = subprocess.Popen[str]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "index")


def start(role: str, folder: str, *arguments: object) -> Process:
    script = str(Path(__file__).with_name("index_processes.py"))
    return subprocess.Popen(
        [sys.executable, script, role, folder, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: Process) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()


def version(index: EmbeddedIndex) -> str:
    return index.health().details["version"]


def test_a_reader_sees_each_study_whole_while_another_process_rewrites_it(folder: str) -> None:
    reader, writer = open_embedded(folder), start("rewrite", folder, 3)
    seen: list[int] = []
    while writer.poll() is None:
        hits = reader.similar([1.0, 0.5], 100)
        of: dict[str, list[float]] = {}
        for hit in hits:
            of.setdefault(hit.document.study, []).append(hit.document.patient_age_years or 0)
        generations = {g for ages in of.values() for g in ages}
        assert len(generations) <= 1
        if generations:
            number = int(generations.pop())
            assert {len(ages) for ages in of.values()} == {2 + number % 3}
            assert len(of) == STUDIES
            seen.append(number)
        page = reader.text("edema", limit=100)
        assert page.total in (0, STUDIES)
        assert len({h.document.findings for h in page.hits}) <= 1
        assert sum(c.count for c in reader.facets("positive_signs")) in (0, STUDIES)
    last = int(finish(writer))
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert last > 10
    assert {h.document.patient_age_years for h in reader.similar([1.0, 0.5], 100)} == {float(last)}


def test_two_writers_lose_and_double_nothing(folder: str) -> None:
    assert_two_writers_agree(folder)


def test_two_writers_of_a_bucket_lose_and_double_nothing(
    s3_bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_ENDPOINT": s3_endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    assert_two_writers_agree(f"s3://{s3_bucket}/index", each=2)


def assert_two_writers_agree(uri: str, each: int = 10) -> None:
    for writer in [start("add", uri, name, each) for name in "ab"]:
        finish(writer)
    index = open_embedded(uri)
    health = index.health()
    assert health.images == 2 * each * 3 + shared_images(index)
    assert (health.reports, health.studies) == (2 * each + 1, 2 * each + 1)


def shared_images(index: EmbeddedIndex) -> int:
    """How many images the study that both write has: those of one generation."""
    images = index.images_of_reports(["shared"])[0]
    (age,) = {i.patient_age_years for i in images}
    assert len(images) == 2 + int(age or 0) % 3
    return len(images)


@pytest.mark.parametrize("moment", [0.05, 0.4])
def test_a_writer_killed_in_the_middle_leaves_nothing_lost_or_doubled(folder: str, moment: float) -> None:
    writer = start("load", folder, 100_000)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(moment)
    writer.kill()
    writer.communicate()
    partial = open_embedded(folder).health()
    assert (partial.images, partial.reports) == (partial.studies * 3, partial.studies)
    assert partial.studies % 20 == 0
    count = partial.studies + 40
    assert finish(start("load", folder, count)).endswith("done")
    whole = open_embedded(folder).health()
    assert (whole.images, whole.reports, whole.studies) == (count * 3, count, count)


def test_the_same_upsert_again_makes_no_new_version(folder: str) -> None:
    index = open_embedded(folder)
    studies = [study_of("s1"), study_of("s2", images=0), StudyDocuments(study=StudyKey("p1", "s3"), inputs="a")]
    index.upsert(studies)
    before = version(index)
    assert index.upsert(studies) == 0
    index.delete([StudyKey("p1", "s9")])
    assert version(open_embedded(folder)) == before
    index.compact()
    before = version(index)
    index.compact()
    assert version(index) == before


def test_many_small_upserts_leave_few_fragments(folder: str) -> None:
    index = open_embedded(folder)
    count = MOST_FRAGMENTS + 8
    for n in range(count):
        index.upsert([study_of(f"s{n}", findings=f"word{n}")])
        assert index.text(f"word{n}").total == 1
        assert int(index.health().details["fragments"]) <= MOST_FRAGMENTS
    index.compact()
    assert int(index.health().details["fragments"]) <= 2
    assert index.health().images == count


def test_scores_are_bm25_after_compaction_and_near_it_before(folder: str) -> None:
    index, model, chance = open_embedded(folder), ReferenceIndex(), random.Random(1)  # noqa: S311
    for start_ in range(0, 300, 50):
        batch = [
            study_of(
                f"s{n % 250}", images=n % 2, inputs=str(n),
                findings=" ".join(chance.choices(WORDS, k=chance.randint(0, 30))),
                impression=" ".join(chance.choices(WORDS, k=chance.randint(0, 5))),
            )
            for n in range(start_, start_ + 50)
        ]  # fmt: skip
        index.upsert(batch)
        model.upsert(batch)
    for tolerance in (0.5, 1e-4):
        for query in ("effusion", "heart edema heart", "opacity 12 nowhere"):
            for fields in ((), (TextField.FINDINGS,), tuple(TextField)):
                got = {h.document.report_id: h.score for h in index.text(query, fields, limit=1000).hits}
                assert got == pytest.approx(model.text(query, fields, Filters()), abs=tolerance)
        index.compact()


def test_likeness_is_exact_under_every_filter(folder: str) -> None:
    chance = np.random.default_rng(0)
    vectors = chance.standard_normal((6000, 8)).astype(np.float32)
    keys = [StudyKey("p", f"s{n}") for n in range(6000)]
    images = [
        image(key, vector=vector.tolist(), patient_age_years=n / 60)
        for n, (key, vector) in enumerate(zip(keys, vectors, strict=True))
    ]
    index = open_embedded(folder)
    index.upsert([StudyDocuments(study=k, images=[i], inputs="a") for k, i in zip(keys, images, strict=True)])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for rewritten in (False, True):
        for share in (6000, 600, 60, 6, 1):
            query = chance.standard_normal(8)
            best = np.argsort(-(unit[:share] @ query), kind="stable")[:10]
            hits = index.similar(query.tolist(), 10, Filters(max_age_years=(share - 1) / 60))
            assert [h.document.study for h in hits] == [f"s{n}" for n in best], (share, rewritten)
        index.compact()
        index.upsert([StudyDocuments(study=k, images=[i], inputs="b") for k, i in zip(keys[::7], images[::7], strict=True)])


def test_an_index_rebuilt_in_its_place_is_read_anew(folder: str) -> None:
    reader = open_embedded(folder)
    open_embedded(folder).upsert([study_of("s1")])
    assert [h.document.study for h in reader.similar([1.0, 0.0], 5)] == ["s1"]
    shutil.rmtree(folder)
    assert reader.similar([1.0, 0.0], 5) == []
    open_embedded(folder).upsert([study_of("s2", images=2)])
    assert [h.document.study for h in reader.similar([1.0, 0.0], 5)] == ["s2", "s2"]


def test_threads_may_share_an_index(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([generation(f"s{n}", 1) for n in range(20)])

    def ask(n: int) -> tuple[int, int, int]:
        if n % 10 == 0:
            index.upsert([generation(f"s{n % 20}", n + 3)])
        return len(index.similar([1.0, 0.5], 20)), index.text("edema").total, len(index.facets("patient_sex"))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(60))) == {(20, 20, 0)}


TEXTS = st.text(st.characters(), max_size=8) | st.text("'\"%_\\;-/*`${}[]\0\n aJ", max_size=8)


@settings(max_examples=5, deadline=None)
@given(st.lists(TEXTS, min_size=10, max_size=25))
def test_any_text_is_a_value_and_never_a_condition(asked: list[str]) -> None:
    held = [text.encode("utf-8", "ignore").decode() for text in asked[::2]]
    with TemporaryDirectory() as place:
        index = open_embedded(place)
        studies = [StudyKey("p1", f"s{n}") for n in range(len(held))]
        index.upsert(
            [
                StudyDocuments(study=s, images=[image(s, modality=v)], reports=[report(s, modalities=[v])], inputs="a")
                for s, v in zip(studies, held, strict=True)
            ]
        )
        for value in asked:
            expected = [s.study for s, v in zip(studies, held, strict=True) if v == value]
            narrowed = Filters(modalities=[value])
            assert {h.document.study for h in index.similar([1.0, 0.0], 50, narrowed)} == set(expected)
            assert {h.document.study for h in index.text("", filters=narrowed, limit=50).hits} == set(expected)
            assert index.images([value, "s0.1"])[1] is not None


def test_errors_name_the_fault_and_no_data(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([study_of("s1", patient="secretpatient", findings="secretfinding")])
    for file in Path(folder).rglob("*.lance"):
        if file.is_file():
            file.write_bytes(b"damaged")
    reader = open_embedded(folder)
    with pytest.raises(StorageError, match="search index could not be read") as error:
        reader.text("secretfinding", filters=Filters(patients=["secretpatient"]))
    assert "secret" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_bucket_holds_an_index_too(s3_bucket: str, s3_endpoint: str) -> None:
    options = {"aws_endpoint": s3_endpoint, "allow_http": "true", "aws_region": "us-east-1"}
    writer, reader = (open_embedded(f"s3://{s3_bucket}/index", options) for _ in range(2))
    assert reader.text("").total == 0
    assert writer.upsert([generation(f"s{n}", 1) for n in range(3)]) == 3
    assert reader.text("edema").total == 3
    assert writer.upsert([generation("s1", 3)]) == 1
    assert sorted(h.document.image_id for h in reader.similar([1.0, 0.5], 50, Filters(studies=["s1"]))) == ["s1.0", "s1.1"]
    writer.compact()
    assert reader.health().images == 8
