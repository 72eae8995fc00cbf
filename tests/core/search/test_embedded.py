"""What is specific to the embedded index: killed writers, exact scores, versions, merging, files, errors."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.errors import ConfigurationError, NoSuchRelease, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.embedded.index import EmbeddedIndex, open_embedded
from medsearch_core.search.embedded.merge import MAX_SEGMENTS
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import Filters, TextField
from tests.core.search.index_processes import finish, start
from tests.core.search.reference_index import ReferenceIndex
from tests.core.search.search_documents import WORDS, image, report, study_of
from tests.support.waiting import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "index")


def version(index: EmbeddedIndex) -> str:
    return index.health().details["version"]


@pytest.mark.parametrize("written", [0, 60])
def test_a_writer_killed_in_the_middle_leaves_nothing_lost_or_doubled(folder: str, written: int) -> None:
    writer = start("load", folder, 100_000, 20)
    assert writer.stdout is not None
    writer.stdout.readline()
    wait_until("a part is written", lambda: open_embedded(folder).health().studies >= written, 300, every=0.01)
    writer.kill()
    writer.communicate()
    assert writer.returncode == -signal.SIGKILL
    partial = open_embedded(folder).health()
    assert partial.studies >= written
    assert (partial.images, partial.reports) == (partial.studies * 3, partial.studies)
    assert partial.studies % 20 == 0
    count = partial.studies + 40
    assert finish(start("load", folder, count, 20)).endswith("done")
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


def test_many_small_upserts_leave_few_segments(folder: str) -> None:
    index = open_embedded(folder)
    count = 3 * MAX_SEGMENTS
    for n in range(count):
        index.upsert([study_of(f"s{n}", findings=f"word{n}")])
        assert index.text(f"word{n}").total == 1
        assert int(index.health().details["segments"]) <= MAX_SEGMENTS
    index.compact()
    assert index.health().details["segments"] == "1"
    assert (index.health().images, index.text("word0 word7").total) == (count, 2)


def test_scores_are_bm25_over_the_visible_reports_however_segments_are_cut(folder: str) -> None:
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
    assert int(index.health().details["segments"]) > 1
    before: dict[Any, dict[str, float]] = {}
    for is_merged in (False, True):
        for query in ("effusion", "heart edema heart", "effusion effusions", "opacity 12 nowhere oedema"):
            for fields in ((), (TextField.FINDINGS,), tuple(TextField)):
                got = {h.document.report_id: h.score for h in index.text(query, fields, limit=1000).hits}
                assert got == pytest.approx(model.text(query, fields, Filters()), abs=1e-5)
                assert before.setdefault((query, fields), got) == got, is_merged
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


def test_an_index_that_was_there_and_is_gone_is_an_error_until_it_is_rebuilt(folder: str) -> None:
    reader = open_embedded(folder)
    open_embedded(folder).upsert([study_of("s1")])
    assert [h.document.study for h in reader.similar([1.0, 0.0], 5)] == ["s1"]
    shutil.rmtree(folder)
    with pytest.raises(StorageError):
        reader.similar([1.0, 0.0], 5)
    open_embedded(folder).upsert([study_of("s2", images=2)])
    assert [h.document.study for h in reader.similar([1.0, 0.0], 5)] == ["s2", "s2"]


def test_nothing_is_made_before_there_is_something_to_write(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([StudyDocuments(study=StudyKey("p1", "s1"), inputs="a")])
    index.delete([StudyKey("p1", "s1")])
    index.compact()
    assert (index.health().images, list(index.releases()), os.path.exists(folder)) == (0, [], False)


@pytest.fixture
def of_earlier_form(folder: str) -> EmbeddedIndex:
    """An index whose current release is in the form before segments."""
    index = open_embedded(folder)
    index.upsert([study_of("s1")])
    (release,) = index.releases()
    shutil.rmtree(Path(folder, release.name))
    Path(folder, release.name, "documents.lance").mkdir(parents=True)
    return open_embedded(folder)


def test_a_release_of_the_earlier_form_is_refused_with_advice(of_earlier_form: EmbeddedIndex) -> None:
    for call in (
        lambda: of_earlier_form.text(""),
        of_earlier_form.health,
        of_earlier_form.studies,
        lambda: of_earlier_form.upsert([study_of("s1")]),
        lambda: of_earlier_form.publish(of_earlier_form.releases()[0].name),
    ):
        with pytest.raises(NoSuchRelease, match="medsearch reindex"):
            call()


def test_a_release_of_the_earlier_form_is_replaced_and_discarded(of_earlier_form: EmbeddedIndex, folder: str) -> None:
    (old,) = of_earlier_form.releases()
    new = of_earlier_form.begin(None)
    of_earlier_form.release(new).upsert([study_of("s1")])
    of_earlier_form.publish(new)
    assert of_earlier_form.text("").total == 1
    of_earlier_form.discard(old.name)
    assert sorted(os.listdir(folder)) == sorted(["current", "releases", "writer.lock", new])


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "a manifest not put in place"])
def test_a_release_whose_making_was_cut_short_disturbs_nobody(folder: str, left: str) -> None:
    index = open_embedded(folder)
    index.upsert([study_of("s1")])
    name = index.begin(None)
    shutil.rmtree(Path(folder, name))
    if left == "an empty folder":
        Path(folder, name).mkdir()
    elif left == "a manifest not put in place":
        Path(folder, name).mkdir()
        Path(folder, name, "manifest.new").write_bytes(b"0")
    other = open_embedded(folder)
    assert (other.text("").total, other.upsert([study_of("s2")])) == (1, 1)
    assert [(r.name == name, r.published is None) for r in other.releases()] == [(True, True), (False, False)]
    other.publish(name, lambda release: release.upsert([study_of("s3", findings="edema")]))
    other.compact()
    assert index.text("edema").total == 1
    for release in index.releases():
        if not release.is_current:
            index.discard(release.name)
    assert sorted(os.listdir(folder)) == sorted(["current", "releases", "writer.lock", name])


def test_a_pointer_that_was_not_put_in_place_is_not_followed(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([study_of("s1")])
    Path(folder, "current.new").write_text('{"rele')
    Path(folder, "releases", "x.json.new").write_text("{")
    assert (index.text("").total, len(index.releases())) == (1, 1)
    index.publish(index.begin(None))
    assert index.text("").total == 0
    assert json.loads(Path(folder, "current").read_text())["release"] == index.health().release


def test_a_publisher_killed_in_the_middle_leaves_the_old_release_and_no_lock(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([study_of("s1")])
    publisher = start("hang", folder)
    assert publisher.stdout is not None
    assert publisher.stdout.readline() == "hanging\n"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(index.upsert, [study_of("s2")])
        time.sleep(0.3)
        assert not waiting.done()
        assert index.text("").total == 1
        publisher.send_signal(signal.SIGKILL)
        assert waiting.result(300) == 1
    publisher.communicate()
    assert index.text("").total == 2


def test_only_one_thread_has_its_turn_and_may_take_it_again(folder: str) -> None:
    index, other, inside, go = open_embedded(folder), open_embedded(folder), Event(), Event()
    index.upsert([study_of("s1")])
    name = index.begin(None)

    def catch_up(release: SearchIndex) -> None:
        release.upsert([study_of("s1")])
        index.release(name).compact()
        inside.set()
        assert go.wait(300)

    with ThreadPoolExecutor(3) as pool:
        publishing = pool.submit(index.publish, name, catch_up)
        assert inside.wait(300)
        writing = [pool.submit(i.upsert, [study_of(f"s{n}")]) for n, i in ((2, index), (3, other))]
        time.sleep(0.3)
        assert not any(w.done() for w in writing)
        go.set()
        assert publishing.result(300) is None
        assert [w.result(300) for w in writing] == [1, 1]
    assert index.health().release == name
    assert sorted(key.study for key in index.studies()) == ["s1", "s2", "s3"]


def test_a_question_outlives_the_release_it_was_asked_of(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index, other = open_embedded(folder), open_embedded(folder)
    index.upsert([study_of("s1")])
    (old,) = index.releases()
    new = other.begin(None)
    other.release(new).upsert([study_of("s1"), study_of("s2")])
    followed, current = [], index._current

    def superseded_at_once() -> object:
        followed.append(current())
        if len(followed) == 1:
            other.publish(new)
            other.discard(old.name)
        return followed[-1]

    monkeypatch.setattr(index, "_current", superseded_at_once)
    assert index.text("").total == 2


def test_a_superseded_release_leaves_memory(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([study_of("s1")])
    index.similar([1.0, 0.0], 1)
    (release,) = index.releases()
    followed = weakref.ref(index.release(release.name))
    gc.collect()
    assert followed() is not None
    index.publish(index.begin(None))
    assert index.similar([1.0, 0.0], 1) == []
    gc.collect()
    assert followed() is None


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
            having: dict[str, Any] = {"modalities": [value]}
            narrowed = Filters(**having)
            assert {h.document.study for h in index.similar([1.0, 0.0], 50, narrowed)} == set(expected)
            assert {h.document.study for h in index.text("", filters=narrowed, limit=50).hits} == set(expected)
            assert index.images([value, "s0.1"])[1] is not None


def test_errors_name_the_fault_and_no_data(folder: str) -> None:
    index = open_embedded(folder)
    index.upsert([study_of("s1", patient="secretpatient", findings="secretfinding")])
    (release,) = index.releases()
    damages: list[Callable[[], object]] = [
        lambda: [f.write_bytes(b"damaged") for f in Path(folder, release.name).rglob("*.segment")],
        lambda: Path(folder, "current").write_text("secret{"),
    ]
    for damage in damages:
        damage()
        reader = open_embedded(folder)
        with pytest.raises(StorageError, match="search index") as error:
            reader.text("secretfinding", filters=Filters(patients=["secretpatient"]))
        assert "secret" not in str(error.value)
        assert error.value.__context__ is None or error.value.__suppress_context__


def test_an_index_that_is_no_folder_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="MEDSEARCH_INDEX"):
        open_embedded("s3://bucket/index")
